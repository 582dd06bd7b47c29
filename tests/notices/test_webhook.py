"""Notices over HTTP, to a real receiver: signed, the same bytes for every case, tried again, sent once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from activities.notifications.channel import SENTENCES, ChannelError, Lasting
from activities.notifications.webhook import Webhook
from domain.duties import Urgency
from domain.references import Phase, phase_stream
from runtime.settings import now
from tests.support.intakes import minimal
from tests.support.rehearsal import eventually, rehearsal, skipping_server
from tests.support.serving import Handler, serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)


class Received:
    """What came, and the answers still to be given; 204 when none is left."""

    def __init__(self, answers: list[int]) -> None:
        self.answers = answers
        self.calls: list[tuple[dict[str, str], bytes]] = []


@contextmanager
def receiver(*answers: int) -> Iterator[tuple[str, Received]]:
    received = Received(list(answers))

    class Answering(Handler):
        def do_POST(self) -> None:
            body = self.content()
            received.calls.append((self.named(), body))
            self.send_response(received.answers.pop(0) if received.answers else 204)
            self.end_headers()

    with serving(Answering) as url:
        yield f"{url}/hook", received


@pytest.mark.parametrize("urgency", list(Urgency))
def test_a_notice_is_signed_as_standard_webhooks_say_and_holds_one_constant_sentence(urgency: Urgency) -> None:
    with receiver() as (url, received):
        for _ in range(2):
            Webhook(url, SECRET, now).send(uuid4(), urgency)
    (first_headers, first), (_, second) = received.calls
    assert first == second
    assert SENTENCES[urgency].encode() in first
    Verifier(SECRET).verify(first, first_headers)


@pytest.mark.parametrize(
    ("answer", "lasting"),
    [(500, Lasting.TRANSIENT), (429, Lasting.TRANSIENT), (410, Lasting.PERMANENT), (308, Lasting.NEEDS_A_HUMAN)],
)
def test_what_the_receiver_answers_tells_whether_to_try_again(answer: int, lasting: Lasting) -> None:
    with receiver(answer) as (url, _), pytest.raises(ChannelError) as raised:
        Webhook(url, SECRET, now).send(uuid4(), Urgency.ALARM)
    assert raised.value.lasting is lasting
    assert url not in str(raised.value)


async def test_a_receiver_that_fails_at_first_gets_the_same_notice_again_and_then_no_more(
    tmp_path: Path, reference: str
) -> None:
    with receiver(500, 503) as (url, received):
        channel = Webhook(url, SECRET, now)
        async with (
            skipping_server() as environment,
            rehearsal(environment, tmp_path, BEGAN, reference, channel=channel) as played,
        ):
            await played.start(minimal())
            await played.move_to(BEGAN + timedelta(days=15))
            await eventually(lambda: not unsent(played.board.notices()), "every notice was sent")
            alarms = [event for event in played.events() if event.fact.kind == "duty-came-due"]
    assert alarms
    delivered = [headers["webhook-id"] for headers, _ in received.calls]
    assert len(delivered) == len(alarms) + 2
    assert set(delivered) == {str(event.event_id) for event in alarms}
    assert phase_stream(reference, Phase.SAFETY, 1) not in " ".join(str(call) for call in received.calls)


def unsent(notices: Sequence[object]) -> bool:
    return any(getattr(notice, "sent_at", None) is None for notice in notices)
