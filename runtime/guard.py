"""What stands before every page of ours: whom it answers, how much it reads, what its answers forbid."""

import logging

from fastapi import HTTPException, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.page import PAGE_POLICY

logger = logging.getLogger("safeconduct.guard")

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": PAGE_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # not "no-referrer": with that, browsers send "Origin: null" with our own form
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Of every answer that does not say otherwise."""


class Guard:
    """The outermost layer: whom we answer, what every answer says to the browser, and that no error says more.

    Attributes:
        app: what it guards.
        origins: where our pages come from, such as ``http://127.0.0.1:8234``.
        by_address: how paths begin whose very address is the secret: their forms may come from any page, for old
            browsers do not say from which.
    """

    def __init__(self, app: ASGIApp, origins: frozenset[str], by_address: tuple[str, ...] = ()) -> None:
        self.app, self.origins, self.by_address = app, origins, by_address
        self._hosts = {origin.partition("://")[2] for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun, headers = True, MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await (self._refusal(scope) or self.app)(scope, receive, send_guarded)
        except Exception as error:  # whatever it is: its text may show what was decoded
            logger.error("a request failed: %s", type(error).__name__)
            if not begun:
                await PlainTextResponse("Something went wrong here.", 500)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return PlainTextResponse("This is not the address of this page.", 421)
        # browsers leave Origin out where a page asks its own server for something to read
        optional = scope["method"] in ("GET", "HEAD") and not origins
        ours = len(origins) == 1 and origins[0] in self.origins and origins[0].endswith(f"://{hosts[0]}")
        if not (optional or ours or scope["path"].startswith(self.by_address)):
            return PlainTextResponse("Only our own pages may ask this.", 403)
        if not scope["raw_path"].startswith(b"/"):
            return PlainTextResponse("Not understood.", 400)
        return None


async def body_of(request: Request, largest: int) -> bytes:
    """The body of a request, never more than ``largest`` bytes of it in memory.

    Raises:
        HTTPException: it is larger.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            raise HTTPException(413)
    return bytes(body)
