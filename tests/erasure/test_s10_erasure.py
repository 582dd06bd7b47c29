"""S10: a case that is erased is gone from records, keyring and engine; what is left opens with nothing."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from activities import erasing
from activities.executions import Executions
from domain.check_ins import CheckedIn
from domain.erasing import erasure_stream
from domain.erasure import Standing, Step
from domain.errors import Erased
from domain.events import Command
from domain.facts import Occurred
from domain.intake import read_intake
from domain.references import Phase, case_stream, phase_stream
from records.certificates import is_signed_by
from records.database import Reader
from records.errors import Fenced, Unreadable
from records.forgetting import never_began, shutting
from records.keyring import Keyring
from records.signing import signing_key
from records.verifying import verify
from runtime.doctor_records import about_noted
from runtime.embedded import embedded_server, free_port
from runtime.engine_queues import erased_for_good, sweep
from runtime.findings import Verdict
from tests.support.erasures import (
    BEGAN,
    INTAKE,
    NICKNAME,
    PLANTED,
    a_lived_case,
    approved,
    erased,
    erasure_of,
    everything_in,
    sealed_bytes,
    still_there,
    swept,
    until,
)
from tests.support.intakes import minimal
from tests.support.keys import database_in, settings_in, vault_in
from tests.support.many_commands import ended
from tests.support.postgres import PostgresServer
from tests.support.rehearsal import Rehearsal, converter_in, eventually, rehearsal, skipping_server
from tests.support.searching import Trace, files_below, leaks


async def known_runs(played: Rehearsal) -> list[str]:
    query = f'WorkflowId STARTS_WITH "{played.office_path}"'
    return [one.id async for one in played.environment.client.list_workflows(query)]


async def test_s10_a_case_is_erased_from_records_keyring_and_engine(
    home: Path, tmp_path: Path, reference: str, request: pytest.FixtureRequest
) -> None:
    async with (
        skipping_server(converter_in(home), file=home / "temporal.db") as environment,
        rehearsal(environment, home, BEGAN, reference) as played,
    ):
        vault = await a_lived_case(played, home)
        sealed = await sealed_bytes(played)
        assert len(sealed) > 50
        assert still_there(sealed, everything_in(home, tmp_path / "copies")) == len(sealed)
        await approved(played)
        erasure = await erased(played)

        assert await known_runs(played) == []
        with pytest.raises(Unreadable):
            played.store.read_case(reference)
        with pytest.raises(Fenced):
            played.store.open(phase_stream(reference, Phase.SAFETY, 1))
        assert played.keys.keyring.wrapped([case_stream(reference)], played.keys.role) == []
        assert vault.nicknames("search") == {}
        assert (played.board.open_streams(), played.board.duties()) == ([], [])
        assert played.board.fenced_at(reference) == erasure.done[Step.FENCED]
        assert verify(played.database, [], lambda _: None).fault is None

        assert erasure.certificate is not None
        assert is_signed_by(erasure.certificate, signing_key(played.keys).public_key())
        changed = erasure.certificate.replace("timur", "vera")
        assert not is_signed_by(changed, signing_key(played.keys).public_key())
        said = json.loads(erasure.certificate)["certificate"]
        assert (said["reference"], said["requested"]["by"], said["approved"]["by"]) == (reference, "dana", "timur")
        assert said["destroyed"]["rows of identity"] == said["destroyed"]["rows of note"] == 1
        assert said["destroyed"]["runs of workflows"] > 5
        assert "last_backup_expires_on" in said
        await swept(environment)
    # its timers would stay in the engine's queue until their instant: the next start takes them out
    assert queued(home / "temporal.db", reference) > 0
    assert sweep(home / "temporal.db", erased_for_good(Reader(played.database.where))) > 0
    async with embedded_server(home / "temporal.db", free_port(), free_port()):
        pass  # it starts on what is left
    left = list(files_below(home))
    named = [one.where for one in left if case_stream(reference).encode() in one.content]
    assert [one for one in named if "temporal" in one] == [], tables_that_name(home / "temporal.db", reference)
    if isinstance(played.database.where, str):
        server: PostgresServer = request.getfixturevalue("postgres")
        journal = journal_of(server)
        assert any(reference.encode() in trace.content for trace in journal)
        left += journal
    assert still_there(sealed, left) == 0
    assert leaks(PLANTED, left) == []


def queued(file: Path, reference: str) -> int:
    """How many timers of a case the engine has in its queue."""
    with closing(sqlite3.connect(file)) as engine:
        timers = engine.execute("SELECT data FROM timer_tasks").fetchall()
    return sum(case_stream(reference).encode() in data for (data,) in timers)


def tables_that_name(file: Path, reference: str) -> dict[str, int]:
    """How many rows of each of the engine's tables name a case."""
    with closing(sqlite3.connect(file)) as engine:
        tables = [name for (name,) in engine.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {table: engine.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}  # noqa: S608
    return {
        table: found
        for table, kept in rows.items()
        if (found := sum(case_stream(reference) in repr(row) for row in kept))
    }


def journal_of(server: PostgresServer) -> list[Trace]:
    """All that was ever written in a PostgreSQL: whatever comes into a table stands there first."""
    traces = files_below(server.folder / "data" / "pg_wal")
    return [Trace(trace.where, trace.content.rstrip(b"\0")) for trace in traces]


async def test_s10_whoever_still_asks_an_erased_case_is_told_so_and_its_workflows_end(
    home: Path, reference: str
) -> None:
    async with (
        skipping_server(converter_in(home)) as environment,
        rehearsal(environment, home, BEGAN, reference) as played,
    ):
        await played.start(minimal())
        for stream in played.open_streams():
            await eventually(partial(played.is_running, stream), f"{stream} runs")
        played.store.fence(reference, played.clock, shutting(reference))
        for stream in (phase_stream(reference, Phase.SAFETY, 1), phase_stream(reference, Phase.VETTING, 1)):
            command = Command(
                command_id=uuid4(),
                actor="dana",
                occurred=Occurred.at_instant(played.clock),
                learned_on=played.clock.date(),
                fact=CheckedIn(),
                sent_at=played.clock,
            )
            if "safety" in stream:
                with pytest.raises(Erased, match="this case was erased"):
                    await played.office.send(stream, command)
            else:
                with suppress(RPCError):  # it may have met the fence by itself
                    await environment.client.get_workflow_handle(stream).signal("finish")

            async def ended(stream: str = stream) -> bool:
                described = await environment.client.get_workflow_handle(stream).describe()
                return described.status is WorkflowExecutionStatus.COMPLETED

            await eventually(ended, f"{stream} has ended")


Fault = Callable[[pytest.MonkeyPatch], None]


def once(place: Any, name: str, *, after: bool = False) -> Fault:
    """The first call of something fails; with ``after`` once its work is done, as a crash leaves it."""

    def fault(patch: pytest.MonkeyPatch) -> None:
        real, calls = getattr(place, name), list[int]()

        def failing(*given: Any, **named: Any) -> Any:
            calls.append(1)
            if len(calls) > 1:
                return real(*given, **named)
            if after:
                real(*given, **named)
            raise OSError("made up")

        patch.setattr(place, name, failing)

    return fault


FAULTS: dict[str, Fault] = {
    "before the fence": once(erasing, "shutting"),
    "while workflows end": once(Executions, "end"),
    "before the key is destroyed": once(Keyring, "destroy"),
    "after the key was destroyed": once(Keyring, "destroy", after=True),
    "before records are forgotten": once(erasing, "forget"),
    "after records were forgotten": once(erasing, "forget", after=True),
    "while histories are deleted": once(Executions, "delete"),
    "before it is certified": once(erasing, "certify"),
}


ON_POSTGRESQL = ("before the key is destroyed", "after the key was destroyed", "after records were forgotten")
"""Those that break off beside the database; what the engine does is the same."""


@pytest.mark.parametrize(
    ("home", "fault"),
    [*(("sqlite", fault) for fault in FAULTS), *(("postgresql", fault) for fault in ON_POSTGRESQL)],
    indirect=["home"],
)
async def test_s10_an_erasure_that_fails_half_way_resumes_and_ends_the_same(
    home: Path, reference: str, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    async with (
        skipping_server(converter_in(home)) as environment,
        rehearsal(environment, home, BEGAN, reference) as played,
    ):
        await played.start(read_intake(INTAKE))
        FAULTS[fault](monkeypatch)
        await approved(played)
        erasure = await erased(played)
        assert list(erasure.done) == list(Step)
        assert await known_runs(played) == []
        assert played.board.open_streams() == []


async def test_s10_an_erasure_that_is_terminated_goes_on_at_the_first_step_that_is_missing(
    home: Path, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise OSError("made up")

    async with (
        skipping_server(converter_in(home)) as environment,
        rehearsal(environment, home, BEGAN, reference) as played,
    ):
        await played.start(minimal())
        with monkeypatch.context() as patch:
            patch.setattr(erasing, "forget", never)
            await approved(played)
            await until(played, lambda erasure: Step.KEY_DESTROYED in erasure.done, "the key is destroyed")
            stream = erasure_stream(reference)
            assert stream in played.board.open_streams()
            await environment.client.get_workflow_handle(stream).terminate(reason="restored")
        before = erasure_of(played).done
        await wake(played, stream)
        erasure = await erased(played)
        assert {step: erasure.done[step] for step in before} == before
        assert list(erasure.done) == list(Step)


async def wake(played: Rehearsal, stream: str) -> None:
    """As the watchdog does."""
    from runtime.retention import wake_erasure

    await wake_erasure(played.environment.client, stream, task_queue=played.task_queue, shift=played.shift)


async def test_s10_a_person_who_was_noted_and_whose_case_never_began_is_erased_as_well(
    home: Path, reference: str
) -> None:
    async with (
        skipping_server(converter_in(home), file=home / "temporal.db") as environment,
        rehearsal(environment, home, BEGAN, reference) as played,
    ):
        vault, file = vault_in(home, played.database), read_intake(INTAKE)
        vault.import_of(INTAKE.encode(), reference)
        vault.keep(reference, file.identity)  # and here whoever starts the case is killed
        assert never_began(played.database) == [reference]
        await approved(played)
        await erased(played)
        assert never_began(played.database) == []
        assert vault.import_of(INTAKE.encode(), "3G9230VQVSR").reference == "3G9230VQVSR"
        with pytest.raises(Fenced):
            vault.keep(reference, file.identity)
        assert played.keys.keyring.wrapped([case_stream(reference)], played.keys.role) == []
        assert verify(played.database, [], lambda _: None).fault is None
    assert leaks(PLANTED, files_below(home)) == []


def test_a_person_whose_case_never_began_is_named_with_what_to_do(tmp_path: Path, reference: str) -> None:
    home = tmp_path / "home"
    with closing(database_in(home)) as database:
        vault_in(home, database).keep(reference, read_intake(INTAKE).identity)
    (told,) = about_noted(settings_in(home))
    assert (told.verdict, reference in told.found) == (Verdict.WARN, True)
    for command in ("status", "revive"):
        for name in (reference, NICKNAME):
            done = ended([command, name], {"SAFECONDUCT_HOME": str(home), "SAFECONDUCT_STAFF": "dana"})
            assert (done.code, done.output) == (1, "")
            assert "has been noted but has not begun" in done.errors


async def test_s10_another_case_is_not_touched(home: Path, reference: str) -> None:
    async with (
        skipping_server(converter_in(home)) as environment,
        rehearsal(environment, home, BEGAN, "3G9230VQVSR") as other,
    ):
        await other.start(minimal())
        before = other.events()
        gone = Rehearsal(environment, other.database, other.keys, BEGAN, reference, other.task_queue)
        await gone.start(minimal())
        await approved(gone)
        await erased(gone)
        assert other.events() == before
        assert len(other.open_streams()) == len(other.board.open_streams()) - 1
        await other.move_to(other.clock + timedelta(days=20))
        assert len(other.events()) > len(before)
        assert erasure_of(gone).standing is Standing.DONE
