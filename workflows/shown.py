"""What operators see of a workflow in Temporal's UI: search attributes, summaries, current details.

Search attributes stand in clear; each costs one event when it changes, and nothing while it does not. Summaries and
details are sealed like every payload, and read through the decoder. No decision depends on any of them.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from activities.contract import SEARCH_ATTRIBUTES
from domain.case import Path
from domain.duties import Duty, Rung
from domain.erasing import is_erasure
from domain.events import Event
from domain.overview import Overview
from domain.references import phase_of, reference_of
from domain.room import DutyCameDue
from domain.watching import country_of, is_watch
from workflows.allowlist import SUMMARY, allow, allow_attribute

_KEYS: dict[str, SearchAttributeKey[Any]] = {
    name: SearchAttributeKey.for_keyword(name) if kind == "Keyword" else SearchAttributeKey.for_datetime(name)
    for name, kind in SEARCH_ATTRIBUTES.items()
}


def show(overview: Overview, switched_on: Collection[str]) -> None:
    """Let the search attributes say what is true now. Those that are switched off are taken back."""
    said, found = workflow.info().typed_search_attributes, _values(overview)
    changes: list[SearchAttributeUpdate[Any]] = []
    for name, key in _KEYS.items():
        value = found[name] if name in switched_on else None
        if value == said.get(key):
            continue
        if value is not None:
            allow_attribute(name, value)
        changes.append(key.value_set(value) if value is not None else key.value_unset())
    workflow.upsert_search_attributes(changes)


def _values(overview: Overview) -> dict[str, str | datetime | None]:
    return {
        "Stage": str(overview.stage) if overview.stage is not None else None,
        "Phase": str(overview.phase) if overview.phase is not None else "path",
        "Country": overview.country,
        "Destination": overview.destination,
        "Risk": str(overview.risk),
        "NextDeadline": overview.next_deadline,
    }


def summary_of_stream(stream: str) -> str:
    """What a workflow is called in lists."""
    if is_erasure(stream):
        return f"erasure of {reference_of(stream)}"
    if is_watch(stream):
        return f"watch of {country_of(stream)}"
    parts = phase_of(stream)
    return f"{parts[0]}, round {parts[1]}" if parts is not None else f"path of {reference_of(stream)}"


def summary_of_rung(duty: Duty, rung: Rung) -> str:
    """What the timer waits for."""
    return allowed(f"{duty.id}: {rung.level}")


def summary_of_notice(event: Event | None) -> str:
    """What a notice is about."""
    match event.fact if event is not None else None:
        case DutyCameDue(duty=duty, level=level):
            return allowed(f"{duty}: {level}")
        case None:
            return "again"
        case fact:
            return allowed(fact.kind)


def allowed(summary: str) -> str:
    """
    Raises:
        NotAllowed: it is more than words of closed lists.
    """
    allow("summary", SUMMARY, summary)
    return summary


def details_of_path(path: Path) -> str:
    """A case, in Markdown."""
    lines = [f"**{path.stage}**" + (f", in {country}" if (country := path.where) else "")]
    if path.arrived_in is None and (shut := path.gate_to_entry()):
        lines.append(shut)
    lines += [f"- {one.phase}, round {one.number}: since {one.opened}" for one in path.rounds if one.ended is None]
    lines += [f"- {fact.milestone}{f' ({fact.country})' if fact.country else ''}" for fact in path.heard[-5:]]
    return "\n\n".join((lines[0], "\n".join(lines[1:])))


def details_of_phase(headline: str, overview: Overview, duties: Iterable[Duty]) -> str:
    """Where a phase stands and what it waits for, in Markdown."""
    where = f", in {overview.country}" if overview.country else ""
    rows = [
        f"| {duty.due:%Y-%m-%d %H:%M} | {duty.title} | {str(duty.consequence).replace('-', ' ')} |" for duty in duties
    ]
    table = ["| Due (UTC) | Duty | A miss costs |", "|---|---|---|", *rows] if rows else []
    return "\n".join([f"**{headline}**{where}", "", *table])
