"""Temporal's UI as it stands behind the decoder: questions that are passed on to it, and what comes back."""

import re

import httpx
from fastapi import Request, Response
from fastapi.responses import PlainTextResponse

from runtime.sign_in_page import with_sign_out

UI_SECONDS = 70.0
"""How long the UI's server may take: it holds a question for news of a case up to a minute."""

UI_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Temporal's UI shows what was decoded, so it may talk to nobody but us. Its own first script stands in its page."""

PROGRAM = re.compile(rb"/_app/(?:[\w-]+/)*[\w-]+(?:\.[\w-]+)+")
"""Paths of the UI's own program, the same for everybody. A page whose session has ended still loads parts of it, and
shows a crash instead of the way to the sign-in page if it can't. No escapes and no dots that lead elsewhere."""

TO_THE_UI = ("accept", "accept-language", "caller-type", "content-type", "x-csrf-token", "x-namespace")
"""Headers that are passed on. Nothing else is: neither our cookie nor ``Origin``."""

FROM_THE_UI = ("cache-control", "content-type", "location", "set-cookie")
"""Headers that come back."""


class TemporalUi:
    """The real UI's server.

    Attributes:
        transport: the way to it. The bare one: a client would keep the cookies of one person for the next, and log
            every address.
    """

    def __init__(self, address: str) -> None:
        self._address = httpx.URL(address)
        self.transport = httpx.AsyncHTTPTransport()

    async def answer(
        self, request: Request, asked: bytes, person: str | None, own_cookie: str, body: bytes
    ) -> Response:
        """Ask it what a person's browser asks us. A read answer is whole: none of the UI's is a stream without end."""
        question = httpx.Request(
            request.method,
            self._address.copy_with(raw_path=asked),
            headers={name: request.headers[name] for name in TO_THE_UI if name in request.headers}
            | {"cookie": "; ".join(f"{name}={value}" for name, value in request.cookies.items() if name != own_cookie)},
            content=body,
            extensions={"timeout": httpx.Timeout(UI_SECONDS).as_dict()},
        )
        try:
            found = await self.transport.handle_async_request(question)
            await found.aread()
        except httpx.TransportError:
            return PlainTextResponse("Temporal's UI does not answer.", 502)
        return answer_of(found, person)


def asked_for(request: Request) -> bytes:
    """Path and query, byte for byte: in case%2FREF the escape is part of the name."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path


def answer_of(found: httpx.Response, person: str | None) -> Response:
    """The UI's answer, as ours."""
    content, policy = found.content, found.headers.get("content-security-policy")
    if policy is None and person is not None and found.headers.get("content-type", "").startswith("text/html"):
        content = with_sign_out(content, person)
    answer = Response(content, found.status_code)
    answer.headers["content-security-policy"] = policy or UI_POLICY
    if policy is not None:  # rendered Markdown: stricter than ours, and made to stand in a frame of the UI's own page
        answer.headers["x-frame-options"] = "SAMEORIGIN"
    for name, value in found.headers.multi_items():
        if name.lower() in FROM_THE_UI:
            answer.headers.append(name, value)
    return answer
