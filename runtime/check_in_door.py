"""The door for check-in links: a constant page, one button, one constant answer.

Rules:

1. Looking never uses a link up: messengers look at every link that they show.
2. Well, forced or unrecognised: the same bytes go back, after the same work. What is left of a difference in time is
   hidden by answering on whole seconds alone.
3. A link that is used up says so to every answer, and takes it all the same, from a page still open: it may be the
   duress word.
4. Thanks are said only for what is committed. Whatever went wrong, the page says *not received*.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from domain.check_ins import Answer
from domain.errors import Erased
from records.check_in_links import CheckInLinks
from records.errors import Fenced
from runtime.check_in_page import ASK, FAILED, OVER, RECEIVED
from runtime.guard import body_of

PREFIX = "/c/"
"""How the paths of links begin."""

LARGEST_FORM = 2048
"""Bytes. A word of 64 letters in any alphabet takes some 800."""

PATIENCE_SECONDS = 20.0
"""How long the engine may take to commit. A person with a bad connection must be told in time to try another way."""

PACE_SECONDS = 1.0
"""Answers leave when so much has passed, or twice as much and so on: the time says nothing of what was answered."""

logger = logging.getLogger("safeconduct.pages")

RecordAnswer = Callable[[str, UUID, Answer], Awaitable[None]]
"""Records what the person of a case answered, under a command id; returns when it is committed."""


class CheckInDoor:
    """The pages of check-in links.

    Args:
        links: those that were made.
        record: commits an answer.
        pace: between the instants at which an answer may leave.
    """

    def __init__(self, links: CheckInLinks, record: RecordAnswer, pace: float = PACE_SECONDS) -> None:
        self._links, self._record, self._pace = links, record, pace

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route(PREFIX + "{token}", self.show, methods=["GET"])
        app.add_api_route(PREFIX + "{token}", self.take, methods=["POST"])

    async def show(self, token: str) -> Response:
        """The page with the field and the button, unless the link is over."""
        try:
            found = await asyncio.to_thread(self._links.find, token)
        except Exception as error:
            return _failed(error)
        return _page(OVER, 404) if found is None or found.is_used_up else _page(ASK)

    async def take(self, token: str, request: Request) -> Response:
        """What the person answers."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await self._taken(token, word_of(await body_of(request, LARGEST_FORM)))
        except Exception as error:
            answer = _failed(error)
        await asyncio.sleep(self._pace - (loop.time() - began) % self._pace)
        return answer

    async def _taken(self, token: str, word: str) -> Response:
        link = await asyncio.to_thread(self._links.find, token)
        if link is None:
            return _page(OVER, 404)
        answer = link.answer(word)
        try:
            await self._record(link.reference, link.command_id(answer), answer)
        except (Erased, Fenced):
            return _page(OVER, 404)
        await asyncio.to_thread(self._links.count, token)
        return _page(OVER, 404) if link.is_used_up else _page(RECEIVED)


def word_of(body: bytes) -> str:
    """The word in a form; none, where the form is none: that is no sign of safety either."""
    try:
        return parse_qs(body.decode(errors="replace"), max_num_fields=8).get("word", [""])[0]
    except ValueError:
        return ""


def _page(content: bytes, status: int = 200) -> Response:
    # old browsers leave Origin out, or say null: the address is the secret here, and it is passed on to nobody
    return HTMLResponse(content, status, {"referrer-policy": "no-referrer"})


def _failed(error: Exception) -> Response:
    logger.error("a check-in by link was not received: %s", type(error).__name__)
    return _page(FAILED, 503)
