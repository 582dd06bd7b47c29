"""The way in to an app of ours: a page that asks for name and passphrase, a session, and the way out."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qsl

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from runtime.guard import body_of
from runtime.sessions import Sessions, Tries
from runtime.sign_in_page import Doorplate, sign_in_page

LARGEST_FORM = 4096
"""Bytes of a form."""

SignIn = Callable[[str, str], bool]
"""Whether a person's passphrase is right. Slow on purpose."""


class Entrance:
    """Lets people in, and knows who is in.

    Args:
        plate: what the page says.
        cookie: its name. Browsers share cookies among all ports of a host: two apps must not sign each other out.
        sign_in: whether a passphrase is right.
        now: the clock.
        tries_of: the failed attempts that count against a name.
        goes_on: where somebody may go after signing in, of what their form says.
        only_by_tls: whether the cookie may travel under TLS alone.
        proof_of: what somebody's passphrase is known by now. When it is another one, their sessions are over.
    """

    def __init__(
        self,
        plate: Doorplate,
        cookie: str,
        sign_in: SignIn,
        now: Callable[[], datetime],
        tries_of: Callable[[str], Tries],
        goes_on: Callable[[str], str],
        only_by_tls: Callable[[Request], bool] = lambda _: False,
        proof_of: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._plate, self._cookie, self._sign_in = plate, cookie, sign_in
        self._tries_of, self._goes_on, self._only_by_tls, self._proof_of = tries_of, goes_on, only_by_tls, proof_of
        self._sessions, self._one_at_a_time = Sessions(now), asyncio.Lock()

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route("/login", self.ask_who_is_there, methods=["GET"])
        app.add_api_route("/login", self.let_in, methods=["POST"])
        app.add_api_route("/logout", self.let_out, methods=["POST"])

    async def ask_who_is_there(self, request: Request) -> Response:
        """The sign-in page. Temporal's UI comes here by itself when it was told that nobody is signed in."""
        return HTMLResponse(sign_in_page(self._plate, self._goes_on(request.query_params.get("returnUrl", ""))))

    async def let_in(self, request: Request) -> Response:
        """Check name and passphrase, one attempt at a time: each costs time and memory on purpose."""
        form = fields(await body_of(request, LARGEST_FORM))
        person, back = form.get("person", "").strip(), self._goes_on(form.get("back", ""))
        async with self._one_at_a_time:
            tries = self._tries_of(person)
            if seconds := tries.wait.total_seconds():
                wait = str(int(seconds) + 1)
                trouble = f"Too many failed attempts. Try again in {wait} seconds."
                return HTMLResponse(sign_in_page(self._plate, back, person, trouble), 429, {"retry-after": wait})
            tries.begin()
            if not person or not await asyncio.to_thread(self._sign_in, person, form.get("passphrase", "")):
                trouble = "Name and passphrase do not belong together."
                return HTMLResponse(sign_in_page(self._plate, back, person, trouble), 401)
            tries.succeed()
        self._sessions.end(self._token(request))
        answer, token = RedirectResponse(back, 303), self._sessions.begin(person, self._proof_of(person))
        answer.set_cookie(
            self._cookie, token, httponly=True, samesite="strict", path="/", secure=self._only_by_tls(request)
        )
        return answer

    async def let_out(self, request: Request) -> Response:
        """Sign out."""
        self._sessions.end(self._token(request))
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(self._cookie, httponly=True, samesite="strict", path="/")
        return answer

    def person(self, request: Request, *, acts: bool) -> str | None:
        """Who is signed in; nobody, if the session is over."""
        token = self._token(request)
        person = self._sessions.person(token, acts=acts)
        if person is None or self._proof_of(person) == self._sessions.proof(token):
            return person
        self._sessions.end(token)
        return None

    def _token(self, request: Request) -> str:
        return request.cookies.get(self._cookie, "")


def fields(body: bytes) -> dict[str, str]:
    """The fields of a form.

    Raises:
        HTTPException: it is none.
    """
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=8))
    except ValueError:
        raise HTTPException(400) from None
