"""What libraries leak by default, each closed here.

Two more lines of that table have their tests elsewhere: OpenTelemetry's exception texts in ``tests/telemetry``
(``test_a_failing_append_tells_its_type_and_leaves_no_text``), and SQLite's write-ahead log in
``tests/records/test_keyring.py`` (``test_the_file_keeps_no_write_ahead_log_and_overwrites_what_it_deletes``).
"""

import logging
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import BaseModel, ValidationError

from activities.notifications.channel import ChannelError
from activities.notifications.webhook import Webhook
from domain.case import CaseOpened
from domain.check_ins import CheckedIn
from domain.duties import Urgency
from domain.embassy_contacts import Approached
from domain.errors import NotUnderstood, Refused
from domain.events import Command
from domain.intake import Identity, make_fact
from records.database import Database
from records.errors import Unreachable
from records.models import EventRow, IdentityRow, NoteRow
from runtime.settings import Running, Settings, now
from tests.support.intakes import minimal, past
from tests.support.rehearsal import rehearsal, skipping_server
from tests.support.watched import SECRET

NAME = "Иван Plantedsson"
BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)


def texts(error: BaseException) -> str:
    """All that an error shows, and the errors that a traceback would show with it."""
    shown = [str(error), repr(error)]
    if (behind := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        shown.append(texts(behind))
    return "\n".join(shown)


@pytest.mark.parametrize("model", [Command, CaseOpened, Identity, Settings, CheckedIn])
def test_an_error_of_validation_does_not_show_what_was_put_in(model: type[BaseModel]) -> None:
    wrong = {name: [NAME] for name in model.model_fields}
    with pytest.raises((ValidationError, NotUnderstood)) as refused:  # the settings say it in one line
        model(**wrong)
    assert NAME not in texts(refused.value)
    with pytest.raises(NotUnderstood) as said:
        make_fact(CheckedIn, {"channel": NAME})
    assert NAME not in texts(said.value)


def test_the_text_form_of_an_identity_shows_nothing() -> None:
    identity = Identity(nickname=NAME, name=NAME, phone=NAME, documents=NAME, channels=NAME)
    assert str(identity) == "<sealed>"
    assert NAME not in f"{identity!r} {identity} {[identity]}"


def test_tables_hold_nothing_personal_that_a_model_has_not_validated_and_a_key_has_not_sealed() -> None:
    assert set(IdentityRow.model_fields) == {"reference", "key_id", "body"}
    assert set(NoteRow.model_fields) == {"note_id", "reference", "key_id", "body"}
    assert EventRow.model_fields["body"].annotation is bytes


def test_an_error_of_the_database_does_not_show_its_parameters(tmp_path: Path) -> None:
    database = Database(tmp_path / "records.db")
    insert = "INSERT INTO identity VALUES (?, ?, ?), (?, ?, ?)"
    with pytest.raises(Unreachable) as refused, database.writing() as connection:
        connection.exec_driver_sql(insert, (NAME,) * 6)
    assert NAME not in texts(refused.value)
    with pytest.raises(Unreachable) as unknown, database.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM none WHERE name = ?", (NAME,))
    assert NAME not in texts(unknown.value)
    database.close()


def test_neither_an_error_nor_a_log_shows_the_address_that_was_called(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(ChannelError) as failed:
        Webhook("http://127.0.0.1:9/planted-token", SECRET, now).send(uuid4(), Urgency.ALARM)
    assert "planted-token" not in texts(failed.value) + caplog.text
    assert "planted-token" not in f"{Settings(heartbeat_url='http://x/planted-token')!r}"  # type: ignore[arg-type]
    assert logging.getLogger("httpx").level == logging.WARNING


async def test_a_failure_lies_sealed_in_a_history(tmp_path: Path, reference: str) -> None:
    async with skipping_server() as environment, rehearsal(environment, tmp_path, BEGAN, reference) as played:
        await played.start(minimal())
        with pytest.raises(Refused, match="never to be contacted"):
            await played.office.record(reference, past(Approached(country="RU"), BEGAN.date()), uuid4())
        stream = next(stream for stream in played.open_streams() if "embassy" in stream)
        text = (await environment.client.get_workflow_handle(stream).fetch_history()).to_json()
    assert "Encoded failure" in text
    assert "contacted" not in text


def test_what_an_engine_tells_of_itself_holds_no_key() -> None:
    assert set(Running.model_fields) == {"address", "ui", "decoder", "pages", "agent", "pid"}
