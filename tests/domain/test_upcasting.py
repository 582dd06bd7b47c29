"""Events of earlier shapes are read in today's."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.check_ins import CheckedIn
from domain.events import FACTS, Event
from domain.facts import SCHEMA
from domain.upcasting import FENCE_SCHEMA, STEPS, event_from
from tests.domain.strategies import events_of_kind

HEADER: dict[str, str | int] = {
    "event_id": str(UUID(int=7)),
    "stream": "case/00000000000/safety/1",
    "version": 3,
    "recorded_at": "2026-09-01T00:00:00.000000+00:00",
}
BODY: dict[str, Any] = {
    "actor": "dana",
    "occurred": {"earliest": "2026-09-01", "latest": "2026-09-01"},
    "learned_on": "2026-09-01",
    "fact": {"kind": "checked-in", "channel": "call"},
}
_IN_THE_HEADER = {*HEADER, "schema_version"}


def renamed(before: dict[str, Any]) -> dict[str, Any]:
    """A step: what is the actor now was called staff."""
    return {**{name: value for name, value in before.items() if name != "staff"}, "actor": before["staff"]}


def spelled_out(before: dict[str, Any]) -> dict[str, Any]:
    """A step: a kind had another name."""
    assert before["fact"]["kind"] == "seen"
    return {**before, "fact": {**before["fact"], "kind": "checked-in"}}


def test_a_body_of_todays_shape_is_taken_as_it_is() -> None:
    event = event_from(HEADER, SCHEMA, json.dumps(BODY).encode(), {SCHEMA: renamed})
    assert isinstance(event.fact, CheckedIn)
    assert (event.event_id, event.version, event.actor) == (UUID(int=7), 3, "dana")


def test_a_body_of_an_earlier_shape_goes_through_each_step_from_its_own_on() -> None:
    old = {**BODY, "fact": {**BODY["fact"], "kind": "seen"}}
    older = {**{name: value for name, value in old.items() if name != "actor"}, "staff": "dana"}
    steps = {SCHEMA - 2: renamed, SCHEMA - 1: spelled_out}
    today = event_from(HEADER, SCHEMA, json.dumps(BODY).encode())
    assert event_from(HEADER, SCHEMA - 1, json.dumps(old).encode(), steps) == today
    assert event_from(HEADER, SCHEMA - 2, json.dumps(older).encode(), steps) == today
    assert today.schema_version == SCHEMA


def test_the_header_counts_whatever_a_body_says_of_itself() -> None:
    claims = {**BODY, "version": 99, "stream": "case/elsewhere"}
    event = event_from(HEADER, SCHEMA - 1, json.dumps(claims).encode(), {SCHEMA - 1: lambda body: body})
    assert (event.version, event.stream) == (3, HEADER["stream"])
    with pytest.raises(ValidationError):
        event_from(HEADER, SCHEMA, json.dumps({**BODY, "colour": "red"}).encode())


def test_every_version_that_was_ever_written_has_its_step() -> None:
    assert set(STEPS) == set(range(FENCE_SCHEMA + 1, SCHEMA))


@given(st.sampled_from(sorted(FACTS)).flatmap(events_of_kind))
def test_an_event_of_any_kind_comes_back_as_it_was_written(event: Event) -> None:
    header = {name: json.loads(event.model_dump_json(include={name}))[name] for name in HEADER}
    body = event.model_dump_json(exclude=_IN_THE_HEADER).encode()
    assert event_from(header, SCHEMA, body) == event
    assert event_from(header, SCHEMA - 1, body, {SCHEMA - 1: lambda read: read}) == event
