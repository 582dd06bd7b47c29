"""Signs of life: the engine hears that the worker of an activity is there, and soon gives up one that was killed.

They say nothing of the work itself, whose time is bounded besides; what an activity says of it, they repeat.
"""

import asyncio
from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

EVERY_SECONDS = 1.0
"""Far below any timeout of theirs. How many of them reach the engine the library decides."""


class SignsOfLife(Interceptor):
    """Gives them for every activity whose workflow waits for them."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Alive(next)


class _Alive(ActivityInboundInterceptor):
    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        self._outbound = _Remembering(outbound)
        super().init(self._outbound)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        if activity.info().heartbeat_timeout is None:
            return await super().execute_activity(input)
        giving = asyncio.create_task(self._give())
        try:
            return await super().execute_activity(input)
        finally:
            giving.cancel()

    async def _give(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            # not activity.heartbeat(): for one in a thread that waits for this loop, which is where we are
            self._outbound.heartbeat(*self._outbound.said)


class _Remembering(ActivityOutboundInterceptor):
    """What an activity has said of its work last: a mere sign of life must not take its place."""

    said: tuple[Any, ...] = ()

    def heartbeat(self, *details: Any) -> None:
        self.said = details
        super().heartbeat(*details)
