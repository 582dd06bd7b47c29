"""S4: a payload opens in its own place alone, nothing is taken in clear, and what was captured does nothing again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.common import RawValue

from domain.check_ins import ContactLogged
from domain.custody import Detained
from domain.events import Event, Receipt
from domain.references import Phase, make_reference, phase_stream
from records.sealing import SealError
from runtime.codec import SealingCodec
from tests.support.intakes import fresh_reference_bits, minimal, past
from tests.support.rehearsal import Rehearsal, rehearsal, skipping_server

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)


@dataclass
class Captured:
    """Two cases of one installation, and somebody at the engine's port who has no key.

    Attributes:
        thief: a client without keys; it sends payloads as they are.
    """

    one: Rehearsal
    other: Rehearsal
    thief: Client

    def safety(self, of: Rehearsal) -> str:
        return phase_stream(of.reference, Phase.SAFETY, 1)

    async def command_of(self, of: Rehearsal) -> Payload:
        """The sealed command that the engine stored last."""
        history = await self.thief.get_workflow_handle(self.safety(of)).fetch_history()
        accepted = [
            event.workflow_execution_update_accepted_event_attributes
            for event in history.events
            if event.HasField("workflow_execution_update_accepted_event_attributes")
        ]
        return accepted[-1].accepted_request.input.args.payloads[0]

    async def send(self, to: Rehearsal, payload: object) -> Payload:
        """Give a phase an update under a new id; the answer as it came."""
        handle = self.thief.get_workflow_handle(self.safety(to))
        answer: RawValue = await handle.execute_update("command", payload, id=str(uuid4()), result_type=RawValue)
        return answer.payload

    def log(self) -> tuple[Event, ...]:
        return self.one.events() + self.other.events()


@asynccontextmanager
async def captured(folder: Path) -> AsyncIterator[Captured]:
    references = [make_reference(fresh_reference_bits) for _ in range(2)]
    async with (
        skipping_server() as environment,
        rehearsal(environment, folder, BEGAN, references[0]) as one,
    ):
        other = Rehearsal(environment, one.database, one.keys, BEGAN, references[1], one.task_queue)
        thief = await Client.connect(environment.client.service_client.config.target_host)
        for case in (one, other):
            await case.start(minimal())
            await case.office.record(case.reference, past(ContactLogged(), date(2026, 9, 1)), uuid4())
        yield Captured(one, other, thief)


async def test_s4_a_payload_is_refused_everywhere_but_in_its_own_place(tmp_path: Path) -> None:
    async with captured(tmp_path) as found:
        codec = found.one.environment.client.data_converter.payload_codec
        assert isinstance(codec, SealingCodec)
        strict = SealingCodec(codec._keys)
        mine, theirs = await found.command_of(found.one), await found.command_of(found.other)
        here = strict.of("default", found.safety(found.one))
        assert here.open(mine).metadata["encoding"] == b"json/plain"
        swapped = Payload(metadata=dict(mine.metadata), data=theirs.data)
        for payload in (theirs, swapped, Payload(metadata={"encoding": b"json/plain"}, data=b"{}")):
            with pytest.raises(SealError):
                here.open(payload)
        with pytest.raises(SealError):
            strict.of("elsewhere", found.safety(found.one)).open(mine)
        before = found.log()
        for payload in (theirs, swapped):
            with pytest.raises(WorkflowUpdateFailedError):
                await found.send(found.one, RawValue(payload))
        assert found.log() == before
        await still_lives(found.one)


async def still_lives(case: Rehearsal) -> None:
    receipt = await case.office.record(case.reference, past(ContactLogged(), date(2026, 9, 1)), uuid4())
    assert receipt.accepted


async def test_s4_nothing_is_taken_in_clear_and_the_case_lives_on(tmp_path: Path) -> None:
    async with captured(tmp_path) as found:
        before = found.log()
        handle = found.thief.get_workflow_handle(found.safety(found.one))
        for body in ({"fact": {"kind": "detained"}}, "text", None, 3):
            with pytest.raises(WorkflowUpdateFailedError):
                await found.send(found.one, body)
        path = found.thief.get_workflow_handle(found.one.office_path)
        await path.signal("milestones", {"stream": found.safety(found.one), "standings": []})
        await path.signal("milestones", "text")
        await handle.signal("path-moved")
        await still_lives(found.one)
        added = [event.fact.kind for event in found.log() if event not in before]
        assert added == ["contact-logged"]


async def test_s4_a_command_that_was_captured_and_sent_again_does_nothing(tmp_path: Path) -> None:
    async with captured(tmp_path) as found:
        receipt = await found.one.office.record(found.one.reference, past(Detained(), date(2026, 9, 1)), uuid4())
        command, before = await found.command_of(found.one), found.log()
        await found.one.environment.client.get_workflow_handle(found.safety(found.one)).signal("renew")
        codec = found.one.environment.client.data_converter.payload_codec
        assert isinstance(codec, SealingCodec)
        for _ in range(3):
            sealed = await found.send(found.one, RawValue(command))
            answer = codec.of("default", found.safety(found.one)).open(sealed)
            assert Receipt.model_validate_json(answer.data) == receipt
        persons = [event for event in found.log() if event.actor != "engine"]
        assert persons == [event for event in before if event.actor != "engine"]
