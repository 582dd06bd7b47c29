"""Keys for tests: a folder with a keyring of its own, opened by a bare key file as a demo's is."""

from pathlib import Path

from records.database import Database, Reader
from records.generations import Generations
from records.keys import Keys
from records.store import Store
from records.vault import Vault
from runtime.keys import begin, is_begun, keys_of, master_key
from runtime.settings import Settings

MASTER = bytes(range(32))


def settings_in(folder: Path) -> Settings:
    """An installation in a folder, its keyring made if there is none."""
    settings = Settings(home=folder)
    if not is_begun(settings):
        folder.mkdir(parents=True, exist_ok=True)
        settings.master_path.write_text(MASTER.hex())
        begin(settings, MASTER, None)
    return settings


def keys_in(folder: Path) -> tuple[Keys, ...]:
    """The keys for engine and log, and for the vault."""
    settings = settings_in(folder)
    return keys_of(settings, master_key(settings))


def database_in(folder: Path) -> Database:
    """The records of a folder: a file in it, or the PostgreSQL that the environment names."""
    return Database(settings_in(folder).records)


def generations_in(folder: Path) -> Generations:
    """The generations of a folder's records, which are made when the first one is."""
    path = folder / "records.db"
    return Generations(Reader(path), lambda: Database(path))


def store_in(folder: Path, database: Database | None = None) -> Store:
    """The log of a folder's records."""
    return Store(database or database_in(folder), keys_in(folder)[0])


def vault_in(folder: Path, database: Database, staff: str = "dana") -> Vault:
    """The vault of a folder's records."""
    return Vault(database, keys_in(folder)[1], staff)
