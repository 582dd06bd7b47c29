"""Settings, from the environment (``SAFECONDUCT_…``) and the folder in which an installation lives."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.errors import NotUnderstood, SafeconductError
from records.log import Where


class NotRunning(SafeconductError):
    """No engine answers."""

    code = "not-running"


class Running(BaseModel):
    """What an engine that runs on this machine tells the commands: where it listens."""

    address: str
    ui: str | None = None
    decoder: str | None = None
    pages: str | None = None
    agent: Path | None = None
    pid: int


class Settings(BaseSettings):
    """One settings object.

    Attributes:
        home: the folder with the records and, where it is embedded, the engine's own file.
        webhook_url: where notices go; the worker's terminal if not set.
        webhook_secret: signs them (base64, may begin with ``whsec_``).
        heartbeat_url: an address outside that expects a call every minute; it may hold a secret.
        search_attributes: what operators may filter by, with commas between; all if not set, none if empty.
        staff: who uses the command line.
        recovery_recipient: of ``age``; the first start seals a copy of the master key to it.
        checkpoints: a file on another disk or machine, to which each signed checkpoint of the log is added.
        records_url: a PostgreSQL for the records, as the application's role; a file in the folder if not set.
        records_owner_url: the same as the role that owns the tables; only who migrates needs it.
        keyring_url: a PostgreSQL for the keyring, with a role of its own; a file in the folder if not set.
        backup_days: how long backups are kept; `safeconduct backup` deletes older ones beside a new one.
        retention_days: how long a closed case is kept; a year if not set.
        pages_url: where the pages for phones are reached from outside; this machine alone if not set.
        rules: a folder of the organisation's own rulebook files, laid over the installed ones.
        agent: the socket that hands out keys; a running installation sets it for its own processes.
    """

    model_config = SettingsConfigDict(env_prefix="SAFECONDUCT_", hide_input_in_errors=True)

    if not TYPE_CHECKING:  # who calls it sees the fields

        def __init__(self, **given: Any) -> None:
            """
            Raises:
                NotUnderstood: a setting makes no sense. What it holds is not repeated: it may be a secret.
            """
            try:
                super().__init__(**given)
            except ValidationError as error:
                wrong = error.errors(include_input=False, include_url=False, include_context=False)[0]
                name = "_".join(str(part) for part in wrong["loc"]).upper()
                raise NotUnderstood(f"SAFECONDUCT_{name}: {wrong['msg'].lower()}") from None

    home: Path | None = None
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None
    heartbeat_url: SecretStr | None = None
    search_attributes: str | None = None
    staff: str | None = None
    recovery_recipient: str | None = None
    checkpoints: Path | None = None
    records_url: SecretStr | None = None
    records_owner_url: SecretStr | None = None
    keyring_url: SecretStr | None = None
    backup_days: int = Field(default=30, ge=1, le=3650)
    retention_days: int | None = Field(default=None, ge=1, le=36500)
    pages_url: str | None = Field(default=None, pattern=r"^https://[a-z0-9.-]+(:[0-9]{1,5})?$")
    rules: Path | None = None
    agent: Path | None = None

    @property
    def folder(self) -> Path:
        """The installation's folder: as set, else the one that exists below this folder, ``run`` before ``demo``."""
        if self.home is not None:
            return self.home
        candidates = [Path(".safeconduct") / name for name in ("run", "demo")]
        running = [one for one in candidates if (one / "running.json").exists()]
        existing = [one for one in candidates if (one / "records.db").exists()]
        return (running or existing or candidates)[0]

    @property
    def records(self) -> Where:
        """Where the records are."""
        return self.records_url.get_secret_value() if self.records_url is not None else self.records_path

    @property
    def records_of_owner(self) -> Where:
        """Where the records are, for who owns their tables."""
        return self.records_owner_url.get_secret_value() if self.records_owner_url is not None else self.records

    @property
    def keyring(self) -> Where:
        """Where the keyring is."""
        return self.keyring_url.get_secret_value() if self.keyring_url is not None else self.keyring_path

    @property
    def records_path(self) -> Path:
        return self.folder / "records.db"

    @property
    def keyring_path(self) -> Path:
        return self.folder / "keyring.db"

    @property
    def master_path(self) -> Path:
        """The bare key file of a demo."""
        return self.folder / "master.key"

    @property
    def recovery_path(self) -> Path:
        return self.folder / "recovery.age"

    @property
    def engine_path(self) -> Path:
        return self.folder / "temporal.db"

    def running(self) -> Running:
        """Where the engine listens that runs for this folder.

        Raises:
            NotRunning: none has been started here.
        """
        try:
            found = Running.model_validate(json.loads((self.folder / "running.json").read_text()))
            os.kill(found.pid, 0)
        except (OSError, ValueError):
            raise NotRunning("the engine is not running: start it with `make run` (or `make demo`)") from None
        return found

    def announce(self, running: Running) -> None:
        """Tell the commands where the engine listens. Written whole, or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / "running.json.new"
        fresh.write_text(running.model_dump_json())
        fresh.rename(self.folder / "running.json")

    def withdraw(self) -> None:
        """The engine has stopped."""
        (self.folder / "running.json").unlink(missing_ok=True)


def now() -> datetime:
    """The clock of everything that is no workflow: the present instant in UTC."""
    return datetime.now(UTC)
