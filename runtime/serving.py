"""How our own web apps are served: on loopback alone, without a log of requests, until told to stop."""

import asyncio

import uvicorn
from fastapi import FastAPI

from runtime.embedded import must_be_free
from runtime.ending import told_to_stop

LOOPBACK = "127.0.0.1"

STOP_SECONDS = 3
"""How long open answers may go on after SIGTERM; a browser simply asks again."""

CONNECTIONS = 100
"""At once. A browser opens six."""


def server_of(app: FastAPI, port: int) -> uvicorn.Server:
    """The server of an app: on loopback, without logs of requests, and silent about what it is and what time it is."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=LOOPBACK,
            port=port,
            http="h11",
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )


async def serve(app: FastAPI, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way are finished first.

    Raises:
        EngineDidNotStart: the port is taken.
    """
    must_be_free(port)
    server, stop = server_of(app, port), told_to_stop()

    async def heed() -> None:
        await stop.wait()
        server.should_exit = True

    heeding = asyncio.create_task(heed())
    await server.serve()
    heeding.cancel()
