"""Histories recorded by each release are replayed on the present code."""

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from domain.rulebook import load
from worker import WORKFLOWS, sandbox

RECORDED = sorted((Path(__file__).parent / "golden").glob("*/*.json"))


def test_every_kind_of_workflow_has_a_recorded_history() -> None:
    assert {path.stem for path in RECORDED} == {
        "case-path",
        "safety",
        "transit-stay",
        "embassy-contacts",
        "vetting",
        "entry",
        "asylum-filing",
        "country-watch",
        "erasure",
        "retention",
    }
    assert len(RECORDED) >= len(WORKFLOWS)


async def replay(name: str, text: str) -> Exception | None:
    load()  # calendars are read from files once, before any workflow counts with them
    history = WorkflowHistory.from_json(name, text)
    assert len(history.events) > 5, "a recorded history that shows nothing proves nothing"
    replayer = Replayer(workflows=WORKFLOWS, workflow_runner=sandbox(), data_converter=pydantic_data_converter)
    return (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_recorded_history_replays(recorded: Path) -> None:
    failure = asyncio.run(replay(recorded.stem, recorded.read_text()))
    assert failure is None, (
        f"this change breaks cases that run since {recorded.parent.name}. Keep the order of commands in workflows/, "
        f"or let every open case continue as new before the change: {failure}"
    )


def test_a_history_of_another_program_does_not_replay() -> None:
    recorded = next(path for path in RECORDED if path.stem == "transit-stay")
    assert asyncio.run(replay("transit-stay", recorded.read_text().replace("send-notice", "send-pigeon"))) is not None
