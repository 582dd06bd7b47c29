"""What the tests of erasures share: a case with planted values, two persons who decide, and all that is left of it."""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, WorkflowExecution, WorkflowType
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest, StartWorkflowExecutionRequest
from temporalio.testing import WorkflowEnvironment

from domain.check_ins import CheckInPlanned
from domain.custody import Detained
from domain.erasing import empty_erasure, erasure_stream
from domain.erasure import Erasure, ErasureApproved, ErasureReason, ErasureRequested, Standing
from domain.events import Command
from domain.facts import Fact, Occurred
from domain.intake import read_intake
from domain.stay_facts import Entered
from records.vault import Vault
from tests.support.intakes import MINIMAL, past
from tests.support.keys import vault_in
from tests.support.rehearsal import Rehearsal, eventually
from tests.support.searching import Trace, files_below

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)
NICKNAME, NAME, LATIN, PHONE = "Канарейка", "Иван Вымыслов", "Plantedsson", "+77005550102"
NOTE, RELATIVE = "heard by planted-ear", "Марфа Подставнова"
PLANTED = (NICKNAME, NAME, LATIN, PHONE, "planted-ear", RELATIVE)

INTAKE = MINIMAL.replace("Wren", NICKNAME) + f'\n[identity]\nname = "{NAME} {LATIN}"\nphone = "{PHONE}"\n'

WITHOUT_WAITING = ErasureRequested(reason=ErasureReason.PERSON_ASKED, waived=True)
AFTER_A_WEEK = ErasureRequested(reason=ErasureReason.CONSENT_WITHDRAWN)


async def a_lived_case(played: Rehearsal, folder: Path) -> Vault:
    """A case with a name, notes, open duties, and phases that have continued as new."""
    file, vault = read_intake(INTAKE), vault_in(folder, played.database)
    vault.keep(played.reference, file.identity)
    vault.import_of(INTAKE.encode(), played.reference)
    await played.start(file)
    note = vault.note(played.reference, f"{NOTE} {RELATIVE}")
    facts: tuple[Fact, ...] = (Entered(), CheckInPlanned(every_days=1, grace_hours=1), Detained())
    for fact in facts:
        await played.office.record(played.reference, past(fact, date(2026, 9, 1)), uuid4(), note)
    await played.move_to(BEGAN + timedelta(days=2))
    for stream in (played.office_path, *played.open_streams()):
        await played.environment.client.get_workflow_handle(stream).signal("renew")
    await played.settled()
    return vault


async def say(played: Rehearsal, fact: Fact, by: str) -> None:
    """Give a command to the case's erasure."""
    command = Command(
        command_id=uuid4(),
        actor=by,
        occurred=Occurred.at_instant(played.clock),
        learned_on=played.clock.date(),
        fact=fact,
        sent_at=played.clock,
    )
    await played.office.send(erasure_stream(played.reference), command)


async def approved(played: Rehearsal, fact: ErasureRequested = WITHOUT_WAITING) -> None:
    """Dana asks, Timur approves."""
    await say(played, fact, "dana")
    await say(played, ErasureApproved(), "timur")


def erasure_of(played: Rehearsal) -> Erasure:
    """The erasure as its stream tells it."""
    stream = erasure_stream(played.reference)
    return empty_erasure(played.reference).plus(played.store.read(stream)).state


async def until(played: Rehearsal, holds: Callable[[Erasure], bool], what: str) -> None:
    """Move the erasure's clock on, from one act of the engine to the next, until something is true of it."""
    stream = erasure_stream(played.reference)

    async def is_so() -> bool:
        erasure = erasure_of(played)
        if holds(erasure):
            return True
        acts_at = erasure.acts_at()
        if acts_at is not None and await played.is_quiet(stream):
            played.clock = max(played.clock, acts_at)
            await played._forward(stream)
        return False

    await eventually(is_so, what, seconds=110)


async def erased(played: Rehearsal) -> Erasure:
    """Wait until the case is erased."""
    await until(played, lambda erasure: erasure.standing is Standing.DONE, "the case is erased")
    return erasure_of(played)


async def sealed_bytes(played: Rehearsal) -> list[bytes]:
    """Every payload that the engine holds of the case, as it is sealed: none may be left of them."""
    found: list[bytes] = []
    async for run in played.environment.client.list_workflows(f'WorkflowId STARTS_WITH "{played.office_path}"'):
        handle = played.environment.client.get_workflow_handle(run.id, run_id=run.run_id)
        async for event in handle.fetch_history_events():
            found += _payloads(event)
    return found


async def swept(environment: WorkflowEnvironment) -> None:
    """Let the server sweep away what it has kept of starts that it refused: in life it does so twice a day."""
    request = StartWorkflowExecutionRequest(
        namespace="temporal-system",
        workflow_id="sweep-now",
        request_id=str(uuid4()),
        workflow_type=WorkflowType(name="temporal-sys-history-scanner-workflow"),
        task_queue=TaskQueue(name="temporal-sys-history-scanner-taskqueue-0"),
    )
    service = environment.client.workflow_service
    await service.start_workflow_execution(request)
    described = DescribeWorkflowExecutionRequest(
        namespace="temporal-system", execution=WorkflowExecution(workflow_id="sweep-now")
    )

    async def is_done() -> bool:
        found = await service.describe_workflow_execution(described)
        return found.workflow_execution_info.status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED

    await eventually(is_done, "the server has swept", seconds=60)


def _payloads(message: Message) -> Iterator[bytes]:
    if isinstance(message, Payload):
        if message.metadata.get("encoding") == b"binary/sealed":
            yield message.data
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            parts = [one for one in value.values() if isinstance(one, Message)]
        else:
            parts = list(value) if field.is_repeated else [value]
        for part in parts:
            yield from _payloads(part)


def everything_in(folder: Path, copies: Path) -> list[Trace]:
    """All that stands in the files of a folder that is in use. The engine's journal comes and goes."""
    copy = copies / str(uuid4())
    with closing(sqlite3.connect(folder / "temporal.db", timeout=30)) as engine:
        engine.execute("BEGIN")
        engine.execute("SELECT * FROM sqlite_master").fetchall()  # while somebody reads, the engine does not write
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("temporal.db-journal"))
    return list(files_below(copy))


def still_there(sealed: Iterable[bytes], traces: Iterable[Trace]) -> int:
    """How many of these bytes stand in some trace."""
    contents = [trace.content for trace in traces]
    return sum(any(one in content for content in contents) for one in sealed)
