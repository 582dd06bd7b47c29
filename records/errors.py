"""What the records can say.

StoreError
├── StaleWriter       a newer run of the same phase has taken the stream over: stop
├── Fenced            the case was erased: nothing can be recorded in it any more
├── ContentDiffers    an event id is stored with other content: a defect, never to be overwritten
├── Unreadable        a body's key is gone, or it was changed: look at the keyring, or at a backup
│   └── Erased        the case was erased: its keys have been destroyed, and nobody can open it again
├── Locked            the case has been locked: its names, notes and timeline stay shut until it is unlocked
├── TooNew            a newer version of the program has changed the tables: update this one
├── NoAddress         what should be a database's address is none: mend the settings
├── Outdated          a PostgreSQL's tables are not this version's: its owner migrates it
└── Unreachable       the database is locked, full or gone: try again
"""


class StoreError(Exception):
    """Base of all errors of the records. Its text holds no value of any event."""


class StaleWriter(StoreError):
    """A newer run has taken the stream over."""


class Fenced(StoreError):
    """The case was erased."""

    def __init__(self) -> None:
        super().__init__("this case was erased: nothing can be recorded in it any more")


class ContentDiffers(StoreError):
    """The same event id with other content."""


class Unreadable(StoreError):
    """A sealed body can't be opened."""


class Erased(Unreadable):
    """The case was erased: its keys have been destroyed."""


class Locked(StoreError):
    """The case has been locked."""

    def __init__(self) -> None:
        super().__init__(
            "this case is locked: `safeconduct unlock` opens it, by a second person or with the recovery key"
        )


class TooNew(StoreError):
    """A newer version of the program has changed the tables."""


class NoAddress(StoreError):
    """What should be a database's address is none."""

    def __init__(self) -> None:
        # the address itself is never shown: it holds a password
        super().__init__(
            "the address of a database in the settings is none: write it as postgresql://role:password@host:port/database"
        )


class Outdated(StoreError):
    """The owner of the tables has not brought them up to date."""


class Unreachable(StoreError):
    """The database does not answer now."""


_REASONS = {
    "SQLITE_FULL": "the disk is full: make room",
    "SQLITE_BUSY": "another program holds them, and does not let go",
    "SQLITE_CANTOPEN": "the file can't be opened, or was taken away",
    "SQLITE_READONLY": "the file, or its folder, can't be written",
    "SQLITE_CORRUPT": "the file is damaged: put back a backup",
    "SQLITE_NOTADB": "the file is damaged: put back a backup",
}
"""What the driver's own words mean. Its text is never shown: it can hold what was to be written."""


def why(error: BaseException | None) -> str:
    """Why a database does not answer, as far as its driver says so."""
    name = str(getattr(error, "sqlite_errorname", ""))
    return next((words for begins, words in _REASONS.items() if name.startswith(begins)), type(error).__name__)
