"""The decoder of an installation: what it opens, whom it lets in, where it writes who has read."""

from temporalio.api.common.v1 import Payload

from records.database import Database
from records.errors import StoreError
from records.keyring import Role, scope_of
from records.keys import Keys
from records.persons import proves
from records.readings import log_readings
from records.sealing import SealError
from runtime import telemetry
from runtime.codec import SealingCodec
from runtime.decoder import Decoder
from runtime.keys import open_keys
from runtime.serving import serve
from runtime.settings import Settings, now

READS = "engine"
"""What a reading is called that was made through Temporal's UI."""


async def decode(settings: Settings, port: int, ui: str, namespace: str) -> None:
    """Serve the decoder until told to stop.

    Args:
        settings: of the installation.
        port: where it listens, on loopback.
        ui: the address of Temporal's UI.
        namespace: in which the cases' workflows run.

    Raises:
        SafeconductError: the port is taken, or nothing opens the keyring.
    """
    stop_telling = telemetry.start("decoder")
    (keys,) = open_keys(settings, Role.WORK)
    database = Database(settings.records)
    await serve(decoder(keys, database, port, ui, namespace).app(), port)
    database.close()
    stop_telling()


def decoder(keys: Keys, database: Database, port: int, ui: str, namespace: str) -> Decoder:
    """The decoder, with the keys for engine and log alone: it can't open the vault."""
    codec = SealingCodec(keys)

    def open_payload(payload: Payload) -> Payload:
        workflow_id = payload.metadata["workflow-id"].decode()
        try:
            keys.must_be_unlocked(scope_of(workflow_id))
            return codec.of(namespace, workflow_id).open(payload)
        except (StoreError, SealError):
            raise ValueError("not to be opened") from None

    def sign_in(person: str, passphrase: str) -> bool:
        return proves(keys.keyring, person, passphrase)

    def log_reading(person: str, scopes: set[str]) -> None:
        log_readings(database, person, READS, sorted(scope.removeprefix("case/") for scope in scopes), now())

    return Decoder(port, ui, open_payload, sign_in, log_reading)
