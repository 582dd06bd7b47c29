"""Two ledgers: what the engine's workflows have read, and the log. The first place where they differ is named."""

from pathlib import Path
from uuid import uuid4

import pytest

from activities.records import RecordActivities
from domain.case import Assigned
from domain.check_ins import CheckedIn
from domain.custody import Detained
from domain.references import Phase, case_stream, phase_stream
from domain.rulebook import load
from records.copying import RECORDS_KIND, copy_to_file
from records.database import Database
from records.store import Store
from runtime import audit as module
from runtime.audit import Audit, Difference, Kind, audit, kept_runs
from runtime.cases import story_of
from runtime.revival import let_read
from runtime.settings import now
from tests.support.intakes import minimal, past
from tests.support.keys import keys_in, settings_in
from tests.support.many_cases import write
from tests.support.rehearsal import eventually
from tests.watch.test_s15_missing_workflows import BEGAN, Living, append_behind_its_back, living, terminate


async def differences(case: Living, store: Store | None = None) -> list[Difference]:
    return (await audited(case, store)).differences


async def what_stays(case: Living) -> list[Difference]:
    """The same, where no workflow will catch up: it need not be waited for as long as in life."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CATCHING_UP_SECONDS", 1.0)
        return await differences(case)


async def audited(case: Living, store: Store | None = None) -> Audit:
    runs = await kept_runs(case.client)
    return await audit(case.client, store or case.office.store, case.streams, runs)


async def test_nothing_is_said_while_all_is_well_and_runs_that_have_ended_are_read_too(
    home: Path, reference: str
) -> None:
    async with living(home, reference) as case:
        await case.client.get_workflow_handle(case_stream(reference)).signal("renew")
        await case.give(Assigned(coordinator="eli"))

        async def has_read_all() -> bool:
            found = await audited(case)
            assert found.differences == []
            return found == Audit(heads=5, runs=6)

        await eventually(has_read_all, "the run that has ended is in the engine's list, which lags behind")


async def test_a_workflow_behind_its_stream_is_said_to_be_behind_and_reads_when_it_is_revived(
    home: Path, reference: str
) -> None:
    safety = phase_stream(reference, Phase.SAFETY, 1)
    async with living(home, reference) as case:
        length = len(case.office.store.read(safety))
        written = append_behind_its_back(case, safety, Detained(), now())
        RecordActivities(case.office.store, load()).append(written)
        (found,) = await what_stays(case)
        assert (found.kind, found.stream, found.version) == (Kind.BEHIND, safety, length + 1)
        assert f"`safeconduct revive {reference}` makes it read" in found.sentence
        await let_read(case.client, safety)
        assert await differences(case) == []


async def test_a_path_behind_its_stream_reads_when_it_is_revived_and_so_do_phases_that_it_never_told(
    tmp_path: Path, reference: str
) -> None:
    async with living(tmp_path, reference) as case:
        store, path = case.office.store, case_stream(reference)
        story = story_of(store.read_case(reference), reference, load())
        moment = now()
        told = story.tell(past(Assigned(coordinator="eli"), moment.date()), uuid4(), moment)
        # as of a path that was killed between its append and telling anybody; its epoch is its successor's
        store.append(path, 1, told[0].version - 1, told)
        found = await what_stays(case)
        assert {(one.kind, one.stream) for one in found} == {(Kind.BEHIND, stream) for stream in case.streams()}
        for stream in case.streams():
            await let_read(case.client, stream)
        assert await differences(case) == []


async def test_older_records_put_back_beside_an_engine_that_knows_more_are_found(home: Path, reference: str) -> None:
    safety = phase_stream(reference, Phase.SAFETY, 1)
    async with living(home, reference) as case:
        older = an_older_copy(home)
        await case.office.record(reference, past(CheckedIn(), BEGAN), uuid4())
        found = await differences(case, older)
        assert {one.kind for one in found} == {Kind.AHEAD}
        assert found[0].stream == safety
        assert found[0].version == len(older.read(safety)) + 1
        assert "older records" in found[0].sentence


def an_older_copy(folder: Path) -> Store:
    """The records as they stand now, whatever comes later."""
    copy_to_file(settings_in(folder).records, RECORDS_KIND, folder / "older.db")
    return Store(Database(folder / "older.db"), keys_in(folder)[0])


async def test_a_closed_history_that_tells_another_story_than_the_log_is_named(home: Path, reference: str) -> None:
    async with living(home, reference) as case:
        other = Store(Database(home / "other.db"), keys_in(home)[0])
        write([(reference, minimal())], other, now())
        for stream in case.streams():
            await terminate(case.client, stream)
        found = (await audit(case.client, other, list, await kept_runs(case.client, reference))).differences
        assert found[0].kind is Kind.CONTRADICTS
        assert found[0].version == 1
        assert f"another event 1 of {case_stream(reference)}" in found[0].sentence
        assert await kept_runs(case.client, "0" * 11) == []


async def test_what_does_not_run_is_missing(tmp_path: Path, reference: str) -> None:
    safety = phase_stream(reference, Phase.SAFETY, 1)
    async with living(tmp_path, reference) as case:
        await terminate(case.client, safety)
        (found,) = await what_stays(case)
        assert (found.kind, found.stream) == (Kind.MISSING, safety)
        assert "(terminated)" in found.sentence
