"""What the engine's file holds of erased cases is taken out of it while the engine stands still."""

from contextlib import closing
from pathlib import Path
from sqlite3 import connect

from domain.references import Phase, make_reference, phase_stream
from runtime.engine_queues import QUEUES, sweep

OTHER = make_reference(lambda: 37_000)


def timer(reference: str, index: int) -> bytes:
    return f"a timer of {phase_stream(reference, Phase.SAFETY, index)}, {'.' * index}".encode()


def write_queues(file: Path, references: tuple[str, ...]) -> None:
    with closing(connect(file)) as engine, engine:
        for queue in QUEUES:
            engine.execute(f"CREATE TABLE {queue} (id INTEGER PRIMARY KEY, data BLOB)")
            rows = [(timer(reference, index),) for index in range(20) for reference in references]
            engine.executemany(f"INSERT INTO {queue} (data) VALUES (?)", rows)  # noqa: S608


def test_rows_of_an_erased_case_are_deleted_and_those_of_another_stay(tmp_path: Path, reference: str) -> None:
    file = tmp_path / "temporal.db"
    write_queues(file, (reference, OTHER))
    assert sweep(file, [reference]) == 20 * len(QUEUES)
    assert reference.encode() not in file.read_bytes()
    assert sweep(file, [OTHER]) == 20 * len(QUEUES)


def test_what_a_deleted_row_left_in_the_file_is_overwritten_too(tmp_path: Path, reference: str) -> None:
    file = tmp_path / "temporal.db"
    write_queues(file, (reference, OTHER))
    with closing(connect(file)) as engine, engine:
        engine.execute("PRAGMA secure_delete=OFF")
        for queue in QUEUES:  # as a page that was split leaves it: no row, and still there
            engine.execute(f"DELETE FROM {queue} WHERE instr(data, ?)", (reference.encode(),))  # noqa: S608
    assert reference.encode() in file.read_bytes()
    assert sweep(file, [reference]) == 0
    assert reference.encode() not in file.read_bytes()
    assert sweep(file, [OTHER]) == 20 * len(QUEUES)


def test_a_file_that_is_not_there_or_no_engines_is_left_alone(tmp_path: Path, reference: str) -> None:
    file = tmp_path / "temporal.db"
    assert sweep(file, [reference]) == 0
    assert not file.exists()
    file.write_bytes(b"not an engine's")
    assert sweep(file, [reference]) == 0
    assert file.read_bytes() == b"not an engine's"
