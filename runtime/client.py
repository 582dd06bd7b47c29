"""The one way to a Temporal client."""

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from runtime.settings import NotRunning, Settings


async def connect(settings: Settings) -> Client:
    """A client of the engine that the settings name.

    Raises:
        NotRunning: it does not answer.
    """
    address = settings.running().address
    try:
        return await Client.connect(
            address,
            namespace=settings.temporal_namespace,
            data_converter=pydantic_data_converter,
            identity="safeconduct",
        )
    except RuntimeError:
        raise NotRunning("the engine does not answer: start it with `make run` (or `make demo`)") from None
