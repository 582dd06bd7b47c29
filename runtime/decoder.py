"""The decoder: the door through which a person who has signed in reads sealed payloads in Temporal's UI.

The UI sends no cookie to a decoder of another origin, and the embedded server has no flag that would make it. So this
app *is* the UI's origin: it asks who is there, passes everything on to the real UI, and answers ``/decode`` itself. The
UI at its own address stays as it is: health without people, for there is no cross-origin access to this app at all.

Rules:

1. It listens on loopback alone, and answers to its own ``Host`` (a rebound name is not its own) and ``Origin`` only.
2. Without a session nothing is decoded, and nothing is passed on but what asks for the UI's own program.
3. A payload leaves only after its reading is in the log under the person's name. What can't be opened goes back as it
   came.
4. It seals nothing: there is no ``/encode``. Texts of errors never leave it, neither to the browser nor to a log.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload

from domain.errors import SafeconductError
from runtime.entrance import Entrance, SignIn
from runtime.guard import Guard, body_of
from runtime.serving import LOOPBACK
from runtime.sessions import Tries
from runtime.settings import now as present
from runtime.sign_in_page import Doorplate
from runtime.temporal_ui import PROGRAM, TemporalUi, asked_for

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes of a request. Temporal's own messages end at 4 MiB, a third more in base64; beyond it somebody fills memory."""

PLATE = Doorplate(
    why="Sign in to read sealed cases in Temporal's UI.",
    beware="Every case that you open here is recorded as read by you.",
)

logger = logging.getLogger("safeconduct.decoder")

OpenPayload = Callable[[Payload], Payload]
"""Opens a sealed payload; a ``ValueError`` or the project's own error says that it can't be opened."""

LogReading = Callable[[str, set[str]], None]
"""Writes down that a person read these scopes (``case/<reference>``). May fail; then nothing is read."""


class Decoder:
    """The app, put together from what it may open, whom it lets in, and where readings are written.

    Attributes:
        own: its host and port, as they must stand in ``Host``.
    """

    def __init__(
        self,
        port: int,
        ui: str,
        open_payload: OpenPayload,
        sign_in: SignIn,
        log_reading: LogReading,
        now: Callable[[], datetime] = present,
    ) -> None:
        self.own, self._ui = f"{LOOPBACK}:{port}", TemporalUi(ui)
        self._open_payload, self._log_reading = open_payload, log_reading
        # whoever guesses also guesses names: failed attempts count for everybody together
        self._cookie, tries = f"safeconduct-{port}", Tries(now)
        self._entrance = Entrance(PLATE, self._cookie, sign_in, now, lambda _: tries, self._inside)

    def app(self) -> FastAPI:
        """The app, to be given to ``serve``."""
        app = FastAPI(openapi_url=None, redirect_slashes=False, lifespan=self._lifespan)
        app.add_middleware(Guard, origins=frozenset({f"http://{self.own}"}))
        self._entrance.add_to(app)
        app.add_api_route("/decode", self.decode, methods=["POST"])
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
        for path in ("/encode", "/download"):
            app.add_api_route(path, nothing_here, methods=methods)
        app.add_api_route("/{path:path}", self.pass_on, methods=methods)
        return app

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with self._ui.transport:
            yield

    async def decode(self, request: Request) -> Response:
        """Open what the UI sends, for a person who is signed in."""
        person = self._entrance.person(request, acts=True)
        if person is None:
            return self._stranger(None)
        body = await body_of(request, LARGEST_BODY)
        return JSONResponse({"payloads": await asyncio.to_thread(self._read, person, payloads_of(body))})

    def _read(self, person: str, payloads: list[Any]) -> list[Any]:
        scopes = set[str]()
        opened = [self._opened(one, scopes) for one in payloads]
        if scopes:
            try:
                self._log_reading(person, scopes)
            except Exception as error:
                logger.error("a reading could not be logged, so nothing was decoded: %s", type(error).__name__)
                raise HTTPException(503) from None
        return opened

    def _opened(self, payload: Any, scopes: set[str]) -> Any:
        """A payload's content, its scope noted; or the payload as it came."""
        try:
            sealed = json_format.ParseDict(payload, Payload()) if isinstance(payload, dict) else Payload()
            if "workflow-id" not in sealed.metadata:
                return payload
            scope = "/".join(sealed.metadata["workflow-id"].decode().split("/")[:2])
            content = json_format.MessageToDict(self._open_payload(sealed))
        except (ValueError, SafeconductError, json_format.Error):
            return payload
        scopes.add(scope)
        return content

    async def pass_on(self, request: Request) -> Response:
        """Let the real UI answer, for a person who is signed in."""
        navigates, asked = request.headers.get("sec-fetch-mode") == "navigate", asked_for(request)
        person = self._entrance.person(request, acts=navigates)
        if person is None and not PROGRAM.fullmatch(asked):
            return self._stranger(asked if navigates else None)
        return await self._ui.answer(request, asked, person, self._cookie, await body_of(request, LARGEST_BODY))

    def _stranger(self, page: bytes | None) -> Response:
        """A page is asked for: sign in first, then go on there. Anything else is refused."""
        if page is None:
            return JSONResponse({"message": "Sign in first."}, 401)  # as Temporal would: the UI then goes to /login
        return RedirectResponse("/login?" + urlencode({"returnUrl": f"http://{self.own}{page.decode('ascii')}"}), 303)

    def _inside(self, address: str) -> str:
        """An address of this app, or its first page: nobody is sent elsewhere after signing in."""
        return address if address.startswith(f"http://{self.own}/") else "/"


async def nothing_here() -> Response:
    """What a decoder of Temporal may also offer, and this one does not."""
    return PlainTextResponse("Not found.", 404)


def payloads_of(body: bytes) -> list[Any]:
    """The payloads of a question, each still as it came.

    Raises:
        HTTPException: there are none.
    """
    try:
        question = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400) from None
    payloads = question.get("payloads") if isinstance(question, dict) else None
    if not isinstance(payloads, list):
        raise HTTPException(400)
    return payloads
