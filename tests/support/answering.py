"""Real receivers on the loopback address that give the answers they are told: over HTTP, and over SMTP."""

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.support.serving import Handler, serving


@dataclass(frozen=True)
class Said:
    """One answer over HTTP, and what it waits for before it is given."""

    status: int = 204
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    after: threading.Event | None = None


@dataclass
class Receiver:
    """What came over HTTP, what of it was taken, and the answers still to be given; the last one is given for ever."""

    url: str
    answers: list[Said]
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    taken: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def next(self) -> Said:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def bodies(self) -> list[dict[str, object]]:
        return [json.loads(body) for _, _, body in self.calls]


@contextmanager
def http(*answers: Said) -> Iterator[Receiver]:
    received = Receiver("", list(answers) or [Said()])

    class Answering(Handler):
        wbufsize = -1  # an answer in two packets waits for the first one's acknowledgement

        def do_POST(self) -> None:
            body = self.content()
            call = (self.path, self.named(), body)
            received.calls.append(call)
            said = received.next()
            if said.status < 300:
                received.taken.append(call)
            if said.after is not None:
                said.after.wait()
            content = b"" if said.body is None else json.dumps(said.body).encode()
            self.send_response(said.status)
            for name, value in {**said.headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    with serving(Answering) as received.url:
        yield received


@dataclass
class MailServer:
    """A mail server: what it took, and by which command it gives which answer instead of the usual one."""

    answers: dict[str, str]
    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation (RFC 5321), as far as a client needs it."""

        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        try:
            await say(self.answers.get("CONNECT", "220 ready"))
            while line := (await reader.readline()).decode():
                command = line.split()[0].upper()
                if command == "DATA" and "DATA" not in self.answers:
                    await say("354 go on")
                    self.taken.append(_mail(await reader.readuntil(b"\r\n.\r\n")))
                    await say(self.answers.get("END", "250 taken"))
                elif command == "EHLO" and "EHLO" not in self.answers:
                    await say("250-localhost")
                    await say("250 AUTH PLAIN LOGIN")
                else:
                    await say(self.answers.get(command, "221 bye" if command == "QUIT" else "250 well"))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def _mail(raw: bytes) -> EmailMessage:
    mail = message_from_bytes(raw.removesuffix(b"\r\n.\r\n"), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


@contextmanager
def smtp(answers: dict[str, str] | None = None, tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    found = MailServer(answers or {})
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=tls))
    found.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _ended(server: asyncio.Server) -> None:
    server.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
