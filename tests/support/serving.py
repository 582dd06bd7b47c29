"""A real HTTP server on the loopback address, as long as a test needs it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Base of what answers. It writes no lines."""

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def content(self) -> bytes:
        """The body of the request."""
        return self.rfile.read(int(self.headers["content-length"]))

    def named(self) -> dict[str, str]:
        """The headers of the request, their names in small letters."""
        return {name.lower(): value for name, value in self.headers.items()}


@contextmanager
def serving(handler: type[Handler]) -> Iterator[str]:
    """A server with this handler; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
