"""S3: what stands in clear in the engine is a reference or a word of a closed list; anything else is refused."""

import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from pydantic import ValidationError
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
)
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
)
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import contract
from domain.check_ins import CheckInPlanned
from domain.country import AlertRaised
from domain.custody import Detained
from domain.danger import Risk
from domain.embassy_contacts import Approached, Pledged
from domain.overview import Overview
from domain.references import Phase, case_stream, phase_stream
from domain.stay_facts import Entered, ExitCleared
from runtime.allowlist import Program
from tests.support.alerting import tell_watch, watch_in
from tests.support.intakes import minimal, past
from tests.support.rehearsal import Rehearsal, eventually, rehearsal, skipping_server
from workflows import allowlist
from workflows.allowlist import Allowlist, NotAllowed, allow, allow_attribute
from workflows.shown import show

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)
NAME = "Ivan Planted"
STREAM = "case/00000000000"
QUEUE = "safeconduct"


def clear_texts(message: Message, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a message that is no payload, with the place where it stands."""
    if isinstance(message, Payload):
        return
    for field, value in message.ListFields():
        here = f"{path}.{field.name}" if path else field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for key, one in value.items():
                yield here, key
                if isinstance(one, Payload) and field.name == "indexed_fields":
                    yield f"{here}[{key}]", one.data.decode()
                elif isinstance(one, Message):
                    yield from clear_texts(one, here)
            continue
        for one in value if field.is_repeated else [value]:
            if isinstance(one, Message):
                yield from clear_texts(one, here)
            elif isinstance(one, str):
                yield here, one


IDENTITIES = "|".join(Program) + "|history-service"
UUID = allowlist.COMMAND_ID
LISTS: dict[str, str] = {
    "workflow_id": allowlist.STREAM,
    "original_execution_run_id": UUID, "first_execution_run_id": UUID, "run_id": UUID,
    "continued_execution_run_id": UUID, "new_execution_run_id": UUID,
    "namespace": "default", "namespace_id": UUID, "parent_workflow_namespace": "default",
    "parent_workflow_namespace_id": UUID,
    "identity": IDENTITIES,
    "request_id": f"{UUID}(?:-update)?|request-from-RespondWorkflowTaskCompleted",
    "update_id": UUID, "protocol_instance_id": UUID, "id": UUID,
    "accepted_request_message_id": rf"{UUID}/request",
    "signal_name": allowlist.SIGNAL, "activity_id": "[0-9]+", "timer_id": "[0-9]+",
    "marker_name": "core_local_activity",
    "cron_schedule": "", "build_id": r"\d+\.\d+\.\d+|", "sdk_name": "temporal-python", "sdk_version": r"[0-9.]+",
    "deployment_name": "", "reason": "",
    "message": "Encoded failure",
}  # fmt: skip
"""Which texts may stand in a field of this name; names of fields with a type or queue are looked at by their owner."""

OWNED: dict[str, str] = {
    "workflow_type.name": allowlist.WORKFLOW_TYPE,
    "activity_type.name": allowlist.ACTIVITY,
    "task_queue.name": rf"{allowlist.QUEUE}|{Program.WORKER}-[0-9a-f]{{32}}",
    "task_queue.normal_name": allowlist.QUEUE,
    "input.name": allowlist.UPDATE,
    "application_failure_info.type": contract.NOT_YET,  # a notice that found no room is tried again
}


def allowed(where: str, text: str) -> bool:
    """Whether a text may stand where it does."""
    *_, owner, field = ["", *where.split(".")]
    if where.endswith("indexed_fields"):
        return text in (*allowlist.ATTRIBUTES, "NextDeadline", "BuildIds")
    if found := re.search(r"indexed_fields\[(\w+)\]$", where):
        return is_allowed_attribute(found[1], text)
    if where.endswith((".details", ".fields")):
        return text in ("data", "result", "type")
    pattern = OWNED.get(f"{owner}.{field}", LISTS.get(field))
    return pattern is not None and re.fullmatch(pattern, text) is not None


def is_allowed_attribute(name: str, text: str) -> bool:
    if name == "NextDeadline":
        return datetime.fromisoformat(text.strip('"')).tzinfo is not None
    return name == "BuildIds" or re.fullmatch(allowlist.ATTRIBUTES[name], text.strip('"')) is not None


async def a_story(played: Rehearsal) -> None:
    await played.start(minimal())
    facts = (Entered(), CheckInPlanned(every_days=30), Approached(country="FR"), Pledged(country="FR"), ExitCleared())
    await played.play([past(fact, date(2026, 9, 2 + day)) for day, fact in enumerate((*facts, Detained()))])
    await tell_watch(played, "KZ", AlertRaised(source=NAME, level=Risk.HIGH, within_hours=6))
    await eventually(lambda: not watch_in(played, "KZ").untold, "the alert is spread")
    await played.move_to(played.clock + timedelta(days=3))
    await played.environment.client.get_workflow_handle(phase_stream(played.reference, Phase.VETTING, 1)).signal(
        "renew"
    )


async def test_s3_every_text_in_clear_of_every_history_is_on_a_list(tmp_path: Path, reference: str) -> None:
    found: dict[str, set[str]] = {}
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await a_story(played)
        async for execution in environment.client.list_workflows():
            handle = environment.client.get_workflow_handle(execution.id, run_id=execution.run_id)
            history = await handle.fetch_history()
            for event in history.events:
                for where, text in clear_texts(event):
                    found.setdefault(where, set()).add(text)
    wrong = {(where, text) for where, texts in found.items() for text in texts if not allowed(where, text)}
    assert not wrong
    kinds = {where.split(".")[0] for where in found}
    assert {
        "workflow_execution_started_event_attributes",
        "start_child_workflow_execution_initiated_event_attributes",
        "upsert_workflow_search_attributes_event_attributes",
        "signal_external_workflow_execution_initiated_event_attributes",
        "workflow_execution_update_accepted_event_attributes",
        "activity_task_scheduled_event_attributes",
        "timer_started_event_attributes",
    } <= kinds


Call = Callable[[Client], Awaitable[object]]


def a_start(**changed: Any) -> dict[str, Any]:
    return {"workflow": "safety", "id": f"{STREAM}/safety/1", "task_queue": QUEUE, **changed}


def starting(**changed: Any) -> Call:
    return lambda client: client.start_workflow(**a_start(**changed))


def with_an_update(update: str, update_id: str, **changed: Any) -> Call:
    async def call(client: Client) -> object:
        start = a_start(id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING, **changed)
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(**start)
        return await client.execute_update_with_start_workflow(update, id=update_id, start_workflow_operation=operation)

    return call


def a_schedule(client: Client) -> Awaitable[object]:
    action = ScheduleActionStartWorkflow("safety", id=STREAM, task_queue=QUEUE)
    return client.create_schedule(NAME, Schedule(action=action, spec=ScheduleSpec()))


ATTRIBUTE = TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_keyword("Stage"), NAME)])
CALLS: dict[str, Call] = {
    "id": starting(id=f"case/{NAME}"),
    "reference": starting(id="case/IVANPLANTED"),
    "type": starting(workflow=NAME),
    "queue": starting(task_queue=NAME),
    "memo": starting(memo={"name": NAME}),
    "search attribute": starting(search_attributes=ATTRIBUTE),
    "summary": starting(static_summary=NAME),
    "details": starting(static_details=NAME),
    "signal with start": starting(start_signal=NAME),
    "update": with_an_update(NAME, str(uuid4())),
    "update id": with_an_update("command", NAME),
    "start with update": with_an_update("command", str(uuid4()), memo={"name": NAME}),
    "signal": lambda client: client.get_workflow_handle(STREAM).signal(NAME),
    "signalled id": lambda client: client.get_workflow_handle(NAME).signal("renew"),
    "query": lambda client: client.get_workflow_handle(STREAM).query(NAME),
    "update alone": lambda client: client.get_workflow_handle(STREAM).execute_update(NAME, id=str(uuid4())),
    "terminate": lambda client: client.get_workflow_handle(STREAM).terminate(reason=NAME),
    "schedule": a_schedule,
    "activity": lambda client: client.start_activity(
        NAME, id=NAME, task_queue=QUEUE, start_to_close_timeout=timedelta(seconds=1)
    ),
}


async def test_s3_a_client_refuses_to_say_anything_else_before_it_is_sent(reference: str) -> None:
    async with skipping_server() as environment:
        for what, call in CALLS.items():
            with pytest.raises(NotAllowed) as refused:
                await call(environment.client)
            assert NAME not in str(refused.value), what
        started = await environment.client.start_workflow(
            "safety", id=phase_stream(reference, Phase.SAFETY, 1), task_queue=QUEUE, static_summary="safety, round 1"
        )
        await started.terminate(reason="erased")
        assert (await started.describe()).status is WorkflowExecutionStatus.TERMINATED


@workflow.defn(name="case-path")
class Talkative:
    """Tries to say a name in every way that a workflow has."""

    @workflow.run
    async def run(self) -> list[str]:
        second, other = timedelta(seconds=1), phase_stream("0" * 11, Phase.SAFETY, 1)
        calls: dict[str, Callable[[], Any]] = {
            "child's id": lambda: workflow.start_child_workflow("safety", id=f"case/{NAME}"),
            "child's type": lambda: workflow.start_child_workflow(NAME, id=other),
            "child's queue": lambda: workflow.start_child_workflow("safety", id=other, task_queue=NAME),
            "child's memo": lambda: workflow.start_child_workflow("safety", id=other, memo={"name": NAME}),
            "child's summary": lambda: workflow.start_child_workflow("safety", id=other, static_summary=NAME),
            "child's attribute": lambda: workflow.start_child_workflow("safety", id=other, search_attributes=ATTRIBUTE),
            "signal": lambda: workflow.get_external_workflow_handle(other).signal(NAME),
            "signalled id": lambda: workflow.get_external_workflow_handle(NAME).signal("renew"),
            "activity": lambda: workflow.execute_activity(NAME, start_to_close_timeout=second),
            "its id": lambda: workflow.execute_activity("append", activity_id=NAME, start_to_close_timeout=second),
            "its summary": lambda: workflow.execute_activity("append", summary=NAME, start_to_close_timeout=second),
            "local": lambda: workflow.execute_local_activity("append", summary=NAME, start_to_close_timeout=second),
            "new run": lambda: workflow.continue_as_new(memo={"name": NAME}),
            "country": lambda: show(Overview(country=NAME), ("Country",)),
        }
        return [what for what, call in calls.items() if not await is_refused(call)]


@activity.defn(name="append")
async def append() -> None:
    """A local activity must be there to be called."""


async def is_refused(call: Callable[[], Any]) -> bool:
    try:
        found = call()
        if found is not None:
            await found
    except (NotAllowed, ValidationError) as refusal:
        return NAME not in str(refusal)
    return False


async def test_s3_a_workflow_refuses_to_say_anything_else() -> None:
    async with skipping_server() as environment:
        async with Worker(
            environment.client,
            task_queue=QUEUE,
            workflows=[Talkative],
            activities=[append],
            interceptors=[Allowlist()],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            said: list[str] = await environment.client.execute_workflow("case-path", id=STREAM, task_queue=QUEUE)
        history = await environment.client.get_workflow_handle(STREAM).fetch_history()
    assert said == []
    assert NAME not in history.to_json()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Stage", NAME),
        ("Country", "Kazakhstan"),
        ("NextDeadline", "2026-09-01"),
        ("Nickname", "Wren"),
        ("Risk", "high"),
    ],
)
def test_s3_a_search_attribute_says_words_of_its_own_list_alone(name: str, value: str) -> None:
    with pytest.raises(NotAllowed):
        allow_attribute(name, value)


@pytest.mark.parametrize(
    "summary", [NAME, "Иван: alarm", "stay-limit: Ivan", "path of Ivan", "safety, round 1 of Ivan"]
)
def test_s3_a_summary_is_made_of_words_of_closed_lists(summary: str) -> None:
    with pytest.raises(NotAllowed):
        allow("summary", allowlist.SUMMARY, summary)


def test_s3_what_the_product_says_fits_its_lists(reference: str) -> None:
    allow("workflow id", allowlist.STREAM, case_stream(reference))
    for phase in Phase:
        allow("workflow id", allowlist.STREAM, phase_stream(reference, phase, 12))
    for summary in ("stay-limit: reminder", "verify.work-access: escalation", f"path of {reference}", "again"):
        allow("summary", allowlist.SUMMARY, summary)
