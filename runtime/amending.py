"""A change of the law under live cases: what it would move, and letting every open phase take it over."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from domain.references import phase_of, reference_of
from domain.room import MovedDate
from domain.rulebook import Rulebook
from domain.rulebook.editions import Law
from domain.stream import dates_moved
from records.errors import Unreadable
from records.store import Store
from runtime.cases import story_of

if TYPE_CHECKING:
    from temporalio.client import Client

AT_ONCE = 100
"""Cases read, and phases told, at a time."""

ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Affected:
    """An open phase for which other rules would hold.

    Attributes:
        stream: the phase's.
        moved: its duties whose date would be another one; none where the change touches nothing that stands now.
        rules: of each such duty, the rule it comes from.
    """

    stream: str
    moved: tuple[MovedDate, ...]
    rules: dict[str, str]


def affected(
    store: Store, streams: Sequence[str], law: Law, fresh: Rulebook, done: Callable[[int], None]
) -> Iterator[Affected]:
    """The open phases for which the files say something else than the edition that they run on.

    Args:
        store: the records.
        streams: the open ones.
        law: the editions that were applied.
        fresh: the files.
        done: takes how many cases were looked at.
    """
    references = list(dict.fromkeys(reference_of(one) for one in streams if phase_of(one) is not None))
    wanted = set(streams)
    for begins in range(0, len(references), AT_ONCE):
        for reference, events in store.read_cases(references[begins : begins + AT_ONCE]):
            if events is None:
                raise Unreadable(f"{reference} does not open: `safeconduct doctor` says what to do")
            story = story_of(events, reference, law)
            for stream in story.open_streams():
                parts = phase_of(stream)
                if stream not in wanted or parts is None:
                    continue
                room, held = story.ledger(stream).state, story.rules(stream)
                new = fresh.for_phase(room.country, parts[0])
                if new.digest != held.digest:
                    before, after = (room.duties(story.path.state, one) for one in (held, new))
                    rules = {duty.id: duty.rule or "" for duty in (*before, *after)}
                    yield Affected(stream, tuple(dates_moved(before, after)), rules)
            done(1)


async def let_take_over(client: "Client", streams: Sequence[str], done: Callable[[int], None]) -> list[str]:
    """Tell phases that the law has changed. Returns those that do not run: they look by themselves when they begin.

    Raises:
        RPCError: the engine does not answer.
    """
    missing: list[str] = []
    for begins in range(0, len(streams), AT_ONCE):
        some = streams[begins : begins + AT_ONCE]
        answers = await asyncio.gather(*(_tell(client, stream) for stream in some))
        missing.extend(stream for stream, runs in zip(some, answers, strict=True) if not runs)
        done(len(some))
    return missing


async def _tell(client: "Client", stream: str) -> bool:
    from temporalio.service import RPCError, RPCStatusCode

    try:
        await client.get_workflow_handle(stream).signal("law-changed", rpc_timeout=timedelta(seconds=ANSWER_SECONDS))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


def days_between(moved: MovedDate) -> str:
    """By how much a date would move, in words."""
    if moved.before is None:
        return "new"
    if moved.after is None:
        return "gone"
    seconds = (moved.after - moved.before).total_seconds()
    return f"{seconds / 86400:+.0f} d" if abs(seconds) >= 86400 else f"{seconds / 3600:+.0f} h"
