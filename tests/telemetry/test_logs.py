"""What a process writes to its log holds no text that could name a person, whoever writes it."""

import json
import subprocess
import sys
from typing import Any

from tests.support.servers import ROOT

NAME = "Никифоров"

BEGINNING = f"""
import asyncio, logging, threading, warnings
from runtime import telemetry
telemetry.start("test")
name = {NAME!r}
"""


def logged(program: str, code: int = 0) -> list[dict[str, Any]]:
    """What a program writes to its log after ``start``: each line is JSON."""
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert NAME not in done.stderr
    assert NAME.encode("unicode-escape").decode() not in done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    for line in lines:
        assert {"time", "level", "logger", "service", "message"} <= line.keys()
        assert line["service"] == "test"
    return lines


def test_the_projects_own_sentences_are_written_whole() -> None:
    [line] = logged('logging.getLogger("safeconduct.watchdog").info("case/%s has no running workflow", "0123")')
    assert (line["level"], line["logger"]) == ("info", "safeconduct.watchdog")
    assert line["message"] == "case/0123 has no running workflow"


def test_of_a_strangers_sentence_only_what_stands_in_its_source_is_written() -> None:
    program = """
def foreign():
    logging.getLogger("httpx").warning("HTTP Request: %s", name)
    logging.getLogger("sqlalchemy.engine").error(f"INSERT {name}")
    logging.getLogger("httpx").warning("badly %d made", name)
foreign()
"""
    first, second, third = logged(program)
    assert first["message"].startswith("HTTP Request: %s (")
    assert second["message"].startswith("<string>:")
    assert third["message"].startswith("badly %d made (")


def test_of_an_exception_the_types_are_written() -> None:
    program = """
def foreign():
    try:
        try:
            {}[name]
        except KeyError as error:
            raise ValueError(name) from error
    except ValueError:
        logging.getLogger("temporalio.worker").exception("Failed")
foreign()
"""
    [line] = logged(program)
    assert line["errors"] == ["ValueError", "KeyError"]


def test_a_task_that_nobody_awaited_says_only_that_it_failed() -> None:
    program = """
async def fails():
    raise ValueError(name)
async def main():
    asyncio.get_running_loop().call_soon(lambda who: 1 / 0, name)
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    import gc
    gc.collect()
asyncio.run(main())
"""
    lines = logged(program)
    assert {error for line in lines for error in line["errors"]} == {"ValueError", "ZeroDivisionError"}


def test_a_warning_and_a_thread_that_dies_name_nobody() -> None:
    program = """
warnings.warn(name)
def dies():
    raise ValueError(name)
thread = threading.Thread(target=dies, name=name)
thread.start()
thread.join()
"""
    warned, died = logged(program)
    assert warned["logger"] == "py.warnings"
    assert died["message"] == "the process or a thread of it has died: ValueError"


def test_a_process_that_dies_names_nobody() -> None:
    [line] = logged("raise ValueError(name)", code=1)
    assert (line["level"], line["message"]) == ("critical", "the process or a thread of it has died: ValueError")
