"""The one way to a Temporal client."""

from temporalio.client import Client

from records.keyring import Keys
from runtime.codec import sealing_converter
from runtime.settings import NotRunning, Settings


async def connect(settings: Settings, keys: Keys | None, *, is_worker: bool = False) -> Client:
    """A client of the engine that the settings name.

    Args:
        keys: for engine and log; without them only questions that carry no payload can be asked.
        is_worker: whether it will run workflows.

    Raises:
        NotRunning: it does not answer.
    """
    address = settings.running().address
    try:
        return await Client.connect(
            address,
            namespace=settings.temporal_namespace,
            data_converter=sealing_converter(keys, is_worker=is_worker),
            identity="safeconduct",
        )
    except RuntimeError:
        raise NotRunning("the engine does not answer: start it with `make run` (or `make demo`)") from None
