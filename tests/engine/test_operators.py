"""What operators see in Temporal's UI: lists they can filter, and words that say what a workflow waits for."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.contract import SEARCH_ATTRIBUTES
from domain.custody import Detained
from domain.embassy_contacts import Approached, Pledged
from domain.errors import NotUnderstood
from domain.events import Command
from domain.facts import Occurred
from domain.references import Phase, case_stream, make_reference, phase_stream
from domain.room import Acknowledged
from domain.stay_facts import Entered
from runtime.attributes import switched_on, wanted
from runtime.codec import SealingCodec
from runtime.office import Office
from runtime.settings import Settings, now
from tests.support.intakes import fresh_reference_bits, minimal, past
from tests.support.rehearsal import Pigeonhole, Rehearsal, eventually, rehearsal, skipping_server
from tests.support.servers import new_place, without_search_attributes
from worker import build_worker

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)


async def said(client: Client, stream: str) -> dict[str, object]:
    """A workflow's search attributes; none while its path has not started it yet."""
    try:
        found = (await client.get_workflow_handle(stream).describe()).typed_search_attributes
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return {}
    return {pair.key.name: pair.value for pair in found if pair.key.name in SEARCH_ATTRIBUTES}


async def listed(client: Client, query: str) -> set[str]:
    return {found.id async for found in client.list_workflows(query)}


async def details(client: Client, stream: str) -> str:
    handle = client.get_workflow_handle(stream)
    metadata: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details


async def timer_summaries(client: Client, stream: str) -> list[str]:
    """What the timers of a workflow were called."""
    history = await client.get_workflow_handle(stream).fetch_history()
    timers = [event for event in history.events if event.HasField("timer_started_event_attributes")]
    return [opened(client, event.user_metadata.summary) for event in timers]


async def summary(client: Client, stream: str) -> str:
    """What a workflow is called. A child's name was sealed by its parent."""
    described = await client.get_workflow_handle(stream).describe()
    return opened(client, described.raw_description.execution_config.user_metadata.summary)


def opened(client: Client, sealed: Payload) -> str:
    """What the decoder shows of a sealed text."""
    codec = client.data_converter.payload_codec
    assert isinstance(codec, SealingCodec)
    assert sealed.metadata["encoding"] == b"binary/sealed"
    text: str = json.loads(codec.of(client.namespace, sealed.metadata["workflow-id"].decode()).open(sealed).data)
    return text


async def test_lists_can_be_filtered_by_where_a_case_stands_and_follow_it(tmp_path: Path, reference: str) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        client, path = environment.client, case_stream(reference)
        safety, stay = (phase_stream(reference, phase, 1) for phase in (Phase.SAFETY, Phase.TRANSIT_STAY))
        await played.start(minimal())
        await played.play(
            [past(Entered(), date(2026, 9, 2)), past(Approached(country="FR"), date(2026, 9, 3)),
             past(Pledged(country="FR"), date(2026, 9, 4))]
        )  # fmt: skip
        await eventually(lambda: says(client, path, Destination="FR"), "the pledge is seen")
        assert await said(client, path) == {
            "Stage": "in transit", "Phase": "path", "Country": "KZ", "Destination": "FR", "Risk": "calm"
        }  # fmt: skip
        found = await said(client, stay)
        duties = [duty for duty in played.board.duties(reference) if duty.stream == stay and duty.next_at is not None]
        first = min(duties, key=lambda duty: str(duty.next_at))
        assert found.pop("NextDeadline") == datetime.fromisoformat(first.due)
        assert found == {"Phase": "transit-stay", "Country": "KZ", "Risk": "calm"}
        await eventually(lambda: are_listed(client, "Phase='transit-stay' AND Country='KZ'", {stay}), "it is listed")

        await played.office.record(reference, past(Detained(), date(2026, 9, 4)), uuid4())
        await played.move_to(played.clock + timedelta(days=2))
        await eventually(lambda: says(client, safety, Risk="emergency"), "the emergency is seen")
        assert await says(client, path, Risk="emergency", Stage="custody")
        await eventually(lambda: are_listed(client, "Risk='emergency'", {path, safety}), "it is listed")
        assert "Get a lawyer" in await details(client, safety)
        for duty in [duty for duty in played.board.duties(reference) if duty.stream == safety and duty.level]:
            await played.office.send(safety, acknowledged(played, duty.duty))
        await eventually(lambda: says(client, safety, Risk="calm"), "it is in hand")


def acknowledged(played: Rehearsal, duty: str) -> Command:
    fact, at = Acknowledged(duty=duty), played.clock
    moment = Occurred.at_instant(at)
    return Command(command_id=uuid4(), actor="dana", occurred=moment, learned_on=at.date(), fact=fact, sent_at=at)


async def says(client: Client, stream: str, **wanted: str) -> bool:
    found = await said(client, stream)
    return all(found.get(name) == value for name, value in wanted.items())


async def are_listed(client: Client, query: str, streams: set[str]) -> bool:
    return await listed(client, query) == streams


async def test_nothing_is_told_twice_that_has_not_changed(tmp_path: Path, reference: str) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        safety = phase_stream(reference, Phase.SAFETY, 1)
        for _ in range(3):
            await played.office.send(safety, acknowledged(played, "check-in"))
        history = await environment.client.get_workflow_handle(safety).fetch_history()
    upserted = EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
    told = [
        (name, payload.data)
        for event in history.events
        if event.event_type == upserted
        for name, payload in (
            event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields.items()
        )
    ]
    assert told
    for name in SEARCH_ATTRIBUTES:
        values = [value for told_name, value in told if told_name == name]
        assert all(one != other for one, other in pairwise(values))


async def test_an_attribute_that_is_switched_off_is_not_told_and_taken_back_in_the_next_run(
    tmp_path: Path, reference: str
) -> None:
    async with skipping_server() as environment:
        async with rehearsal(environment, tmp_path, BEGAN, reference) as played:
            await played.start(minimal())
            safety = phase_stream(reference, Phase.SAFETY, 1)
            await eventually(lambda: says(environment.client, safety, Risk="calm"), "it is told")
            queue = played.task_queue
        worker = build_worker(
            environment.client, played.store, Pigeonhole(), task_queue=queue, search_attributes=("Phase",)
        )
        async with worker:
            await environment.client.get_workflow_handle(safety).signal("renew")

            async def is_alone() -> bool:
                return await said(environment.client, safety) == {"Phase": "safety"}

            await eventually(is_alone, "the others are taken back")


async def test_an_engine_without_the_attributes_is_used_without_them(tmp_path: Path) -> None:
    place = new_place(tmp_path)
    async with place.server():
        client, store = await place.client(), place.store()
        await without_search_attributes(place)
        attributes = await switched_on(client, Settings(home=tmp_path))
        assert attributes == ()
        async with build_worker(client, store, Pigeonhole(), search_attributes=attributes):
            await Office(client, store, now).start_case(
                make_reference(fresh_reference_bits), minimal().intake, "dana", minimal().since, uuid4()
            )


def test_a_setting_that_names_no_attribute_is_one_clear_line() -> None:
    assert wanted(Settings(search_attributes="")) == {}
    assert wanted(Settings(search_attributes="Stage, Risk")) == {"Stage": "Keyword", "Risk": "Keyword"}
    with pytest.raises(NotUnderstood, match="SAFECONDUCT_SEARCH_ATTRIBUTES is a list out of: Stage, "):
        wanted(Settings(search_attributes="Stage,Name"))


async def test_workflows_and_timers_have_names_that_only_the_keys_open(tmp_path: Path, reference: str) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        stay, client = phase_stream(reference, Phase.TRANSIT_STAY, 1), environment.client
        await played.play([past(Entered(), date(2026, 9, 2))])
        assert await summary(client, case_stream(reference)) == f"path of {reference}"
        assert await summary(client, stay) == "transit-stay, round 1"
        assert "claim-lodging: reminder" in await timer_summaries(client, stay)
        assert "The days of stay without another ground end" in await details(client, stay)
