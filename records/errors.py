"""What the store can say.

StoreError
├── StaleWriter       a newer run of the same phase has taken the stream over: stop
├── ContentDiffers    an event id is stored with other content: a defect, never to be overwritten
└── Unreachable       the database is locked, full or gone: try again
"""


class StoreError(Exception):
    """Base of all errors of the store. Its text holds no value of any event."""


class StaleWriter(StoreError):
    """A newer run has taken the stream over."""


class ContentDiffers(StoreError):
    """The same event id with other content."""


class Unreachable(StoreError):
    """The database does not answer now."""
