"""What is looked at, and put right, before an installation or a worker starts on its files; and how it alarms."""

from collections.abc import Callable
from uuid import UUID, uuid5

from activities.notifications.channel import Channel, ChannelError
from domain.duties import Urgency
from domain.references import case_stream
from records.database import Reader
from records.errors import StoreError, Unreachable
from records.fences import keys_that_came_back
from records.keyring import Keyring
from records.standing import must_be_able_to_start
from runtime.settings import now

_NAMESPACE = UUID("0a4c3c57-5d0e-5a6b-9a6e-2f1c8f7f6d41")


def stand_up(database: Reader, keyring: Keyring, channel: Channel, say: Callable[[str], None]) -> None:
    """See that keyring and records belong together, and end what an erasure left over.

    Args:
        channel: how an operator is called, should the keys of an erased case have come back.
        say: takes each line that somebody must see.

    Raises:
        Refused: nothing may start on these files; it says what to put back.
        Unreachable: one of them does not answer.
    """
    must_be_able_to_start(database, keyring)
    came_back = keys_that_came_back(database, keyring, now())
    for reference in came_back:
        say(_destroyed_again(keyring, reference))
    if came_back:
        _call(channel, uuid5(_NAMESPACE, f"{keyring.generation()}|{'|'.join(came_back)}"), say)
    try:
        keyring.tidy()
    except Unreachable as error:
        say(f"an older generation of keys is still there: {error}")


def _destroyed_again(keyring: Keyring, reference: str) -> str:
    """Other cases go on, whatever comes of this one."""
    try:
        keyring.destroy(case_stream(reference))
    except StoreError as error:
        return f"ALARM: the keys of {reference}, which was erased, are back and could not be destroyed: {error}"
    return f"ALARM: the keys of {reference}, which was erased, were back: somebody put an old keyring there. Destroyed."


def alarm(channel: Channel, say: Callable[[str], None], line: str) -> bool:
    """Say what somebody must see, and call an operator, by whichever worker says it first.

    Returns:
        Whether one was called.
    """
    say(f"ALARM: {line}")
    return _call(channel, uuid5(_NAMESPACE, line), say)


def _call(channel: Channel, notice: UUID, say: Callable[[str], None]) -> bool:
    try:
        channel.send(notice, Urgency.OPERATOR)
    except Exception as error:  # also of a channel that is set up wrongly: the cases must go on
        say(f"no operator could be called: {error if isinstance(error, ChannelError) else type(error).__name__}")
        return False
    return True
