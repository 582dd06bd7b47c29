"""The door for staff on a phone: they sign in, see what needs a human now, and take it in hand under their own name.

Rules:

1. The passphrase is the phone's alone: it opens no key and no other door.
2. Who is taken off the desk, or gets another passphrase, is out at once, whatever their session says.
3. Names of cases are not known here, and nothing of a case can be changed but by *take in hand*.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from domain.erasing import ERASURE
from domain.errors import SafeconductError
from records.board import Board
from records.colleagues import Colleagues
from records.errors import StoreError
from runtime.entrance import LARGEST_FORM, Entrance, fields
from runtime.guard import body_of
from runtime.page import page
from runtime.sessions import Tries
from runtime.sign_in_page import Doorplate
from runtime.staff_page import staff_page

PLATE = Doorplate(
    why="Sign in to see what is due, and to take it in hand.",
    beware="What you take in hand is recorded under your name.",
)

NOT_NOW = page(
    "Safeconduct: not now",
    "<h1>Not now</h1>\n<p>The records do not answer. Nothing was recorded. Try again in a minute.</p>",
)

Acknowledge = Callable[[str, str, str], Awaitable[None]]
"""Records that a person (the third) takes a duty (the second) of a stream in hand; returns when it is committed."""


class StaffDoor:
    """The pages of staff.

    Args:
        board: what is due.
        colleagues: who may come in.
        acknowledge: takes a duty in hand.
        cookie: the name of the cookie.
        public: host and port under which TLS is spoken; the cookie travels there under TLS alone.
        now: the clock.
    """

    def __init__(
        self,
        board: Board,
        colleagues: Colleagues,
        acknowledge: Acknowledge,
        cookie: str,
        public: str | None,
        now: Callable[[], datetime],
    ) -> None:
        self._board, self._colleagues, self._acknowledge, self._now = board, colleagues, acknowledge, now
        self._tries: dict[str, Tries] = {}
        self._entrance = Entrance(
            PLATE,
            cookie,
            colleagues.proves,
            now,
            self._tries_of,
            lambda _: "/",
            lambda request: request.headers["host"] == public,
            colleagues.proof_of,
        )

    def add_to(self, app: FastAPI) -> None:
        self._entrance.add_to(app)
        app.add_api_route("/", self.show, methods=["GET"])
        app.add_api_route("/take", self.take, methods=["POST"])
        app.add_exception_handler(StoreError, not_now)

    async def show(self, request: Request) -> Response:
        """What needs a human now."""
        person = await asyncio.to_thread(self._person, request)
        return await asyncio.to_thread(self._page, person) if person is not None else RedirectResponse("/login", 303)

    async def take(self, request: Request) -> Response:
        """Take a duty in hand. One that needs nobody any more, somebody else was quicker: the list shows it."""
        person = await asyncio.to_thread(self._person, request)
        if person is None:
            return RedirectResponse("/login", 303)
        form = fields(await body_of(request, LARGEST_FORM))
        found = await asyncio.to_thread(self._board.need, form.get("stream", ""), form.get("duty", ""))
        if found is None or found.phase == ERASURE:
            return RedirectResponse("/", 303)
        try:
            await self._acknowledge(found.stream, found.duty, person)
        except SafeconductError as error:
            return await asyncio.to_thread(self._page, person, f"Not recorded: {error.sentence}", 503)
        return RedirectResponse("/", 303)

    def _page(self, person: str, trouble: str = "", status: int = 200) -> Response:
        now = self._now()
        needs, in_all = self._board.needs_a_human(now), self._board.number_of_needs()
        return HTMLResponse(staff_page(person, needs, in_all, now, trouble), status)

    def _person(self, request: Request) -> str | None:
        return self._entrance.person(request, acts=True)

    def _tries_of(self, name: str) -> Tries:
        """Each at the desk has their own, so that nobody keeps a colleague out by failing; strangers share one."""
        known = name if name in self._colleagues.names() else ""
        return self._tries.setdefault(known, Tries(self._now))


async def not_now(_: Request, error: Exception) -> Response:
    del error
    return HTMLResponse(NOT_NOW, 503)
