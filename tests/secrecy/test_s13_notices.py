"""S13: a notice holds no case data: the same bytes for a thousand cases, for each urgency."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import pytest
from temporalio.testing import ActivityEnvironment

from activities.notifications.channel import SENTENCES
from activities.notifications.sending import NoticeActivities
from activities.notifications.sentences import TEXTS
from activities.notifications.terminal import Terminal
from activities.notifications.webhook import Webhook
from domain.colleagues import Language
from domain.duties import Level, Urgency
from domain.events import ENGINE, Event
from domain.facts import Occurred
from domain.references import Phase, make_reference, phase_stream
from domain.room import DutyCameDue
from records.database import Database
from records.store import Store
from runtime.settings import now
from tests.support.intakes import fresh_reference_bits
from tests.support.keys import store_in
from tests.support.watched import SECRET, outside

NAMES = ("Ivan", "Иван", "Марфа", "Wren", "Zhao")
URGENCIES = (Urgency.REMINDER, Urgency.ALARM, Urgency.EMERGENCY)


def a_rung(chance: Random) -> Event:
    """A rung of a random duty of a random case."""
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(900_000))
    return Event(
        event_id=uuid4(),
        stream=phase_stream(make_reference(fresh_reference_bits), chance.choice(list(Phase)), chance.randint(1, 9)),
        version=1,
        actor=ENGINE,
        occurred=Occurred.at_instant(moment),
        learned_on=moment.date(),
        recorded_at=moment,
        fact=DutyCameDue(
            duty=chance.choice(("stay-limit", "lawyer", "check-in")),
            title=f"{chance.choice(NAMES)} must be told: {chance.randrange(10**9)}",
            due=moment,
            level=chance.choice(list(Level)),
            number=chance.randrange(9),
            at=moment,
            urgency=chance.choice(URGENCIES),
        ),
    )


def waited() -> ActivityEnvironment:
    """A try for which a reminder has waited."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=2)
    return environment


def written(store: Store, number: int) -> list[tuple[UUID, Urgency]]:
    """So many notices, as the log wrote them."""
    chance, found = Random(number), []
    for _ in range(number):
        event = a_rung(chance)
        store.append(event.stream, store.open(event.stream).epoch, 0, [event])
        assert isinstance(event.fact, DutyCameDue)
        found.append((event.event_id, event.fact.urgency))
    return found


def test_s13_a_thousand_cases_have_the_same_bytes_for_each_urgency(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    database = Database(tmp_path / "records.db")
    store = store_in(tmp_path, database)
    activities, environment = NoticeActivities(store, Terminal(), now), waited()
    seen: dict[Urgency, set[bytes]] = {}
    for notice, urgency in written(store, 1000):
        environment.run(activities.send_notice, notice)
        seen.setdefault(urgency, set()).add(capfdbinary.readouterr().out)
    assert seen == {urgency: {f"{SENTENCES[urgency]}\n".encode()} for urgency in URGENCIES}
    database.close()


def test_s13_over_http_only_the_notices_id_its_time_and_its_signature_differ(tmp_path: Path) -> None:
    database = Database(tmp_path / "records.db")
    store, environment = store_in(tmp_path, database), waited()
    with outside() as received:
        activities = NoticeActivities(store, Webhook(f"{received.url}/hook", SECRET, now), now)
        notices = written(store, 40)
        for notice, _ in notices:
            environment.run(activities.send_notice, notice)
    own = {"webhook-id", "webhook-timestamp", "webhook-signature"}
    for (notice, urgency), (headers, body) in zip(notices, received.notices, strict=True):
        assert headers["webhook-id"] == str(notice)
        assert json.loads(body) == {"type": "safeconduct.notice", "data": {"text": SENTENCES[urgency]}}
    constant = {tuple((name, value) for name, value in headers.items() if name not in own | {"content-length"})
                for headers, _ in received.notices}  # fmt: skip
    assert len(constant) == 1
    assert len({body for _, body in received.notices}) == len({urgency for _, urgency in notices})
    database.close()


def test_s13_no_sentence_has_a_gap_into_which_anything_is_put() -> None:
    assert set(TEXTS) == set(Language)
    for language, sentences in TEXTS.items():
        assert set(sentences) == set(Urgency), language
        assert len(set(sentences.values())) == len(Urgency), language
        assert not [sentence for sentence in sentences.values() if any(sign in sentence for sign in "{}%@\n")]
    assert TEXTS[Language.ENGLISH] == SENTENCES
