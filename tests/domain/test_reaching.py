"""How a person is reached. A lost channel is no silence, and no silence is only a lost channel."""

from datetime import datetime, timedelta

import pytest

from domain.check_ins import Answer, Channel, CheckedIn, CheckInPlanned, ContactLogged, Reached
from domain.custody import Detained
from domain.duties import Duty
from domain.facts import Fact, Occurred
from domain.reaching import (
    MEND_WITHIN,
    TRY_WITHIN,
    ChannelLost,
    ChannelRestored,
    ChannelsAgreed,
    LanguageNoted,
    Literacy,
)
from domain.references import Phase
from domain.safety import Safety
from tests.domain.strategies import Tale, noon

LOST = noon("2024-01-04")
HOUR = timedelta(hours=1)


def tell(tale: Tale, now: datetime, *facts: Fact) -> None:
    for fact in facts:
        tale.tell(Occurred.at_instant(now), fact, now=now)


def agreed(*order: Channel) -> Tale:
    tale = Tale()
    plan = CheckInPlanned(
        every_days=7, grace_hours=12, told=("eli",), time_zone="Asia/Almaty", quiet_hours="22:00-08:00"
    )
    tell(tale, noon("2024-01-02"), plan, ChannelsAgreed(order=order), CheckedIn())
    return tale


def lost(tale: Tale) -> Duty:
    return tale.duties(Phase.SAFETY)["channel-lost"]


def test_a_lost_channel_asks_for_the_next_one_in_order_until_none_is_left() -> None:
    tale = agreed(Channel.LINK, Channel.CALL, Channel.RELAY)
    tell(tale, LOST, ChannelLost(channel=Channel.LINK))
    assert "Try the next one: call" in lost(tale).title
    # midnight in UTC is 06:00 there: quiet until 08:00
    assert (lost(tale).due, lost(tale).told, lost(tale).emergency) == (LOST + TRY_WITHIN + 2 * HOUR, ("eli",), False)
    tell(tale, LOST + HOUR, ChannelLost(channel=Channel.CALL))
    assert "Try the next one: relay" in lost(tale).title
    tell(tale, LOST + 2 * HOUR, ChannelLost(channel=Channel.RELAY))
    assert "No channel to the person is left" in lost(tale).title
    assert (lost(tale).due, lost(tale).told, lost(tale).emergency) == (LOST + 2 * HOUR, ("eli",), True)


def test_a_channel_that_is_lost_in_the_minute_of_the_last_contact_was_lost_after_it() -> None:
    tale = agreed(Channel.LINK, Channel.CALL)
    tell(tale, LOST, ContactLogged(channel=Channel.LINK, reached=Reached.PERSON), ChannelLost(channel=Channel.LINK))
    assert "Try the next one: call" in lost(tale).title


def test_a_channel_that_worked_in_the_morning_was_lost_at_noon_also_when_that_is_told_later() -> None:
    tale = agreed(Channel.LINK, Channel.CALL)
    tell(tale, LOST, ChannelLost(channel=Channel.LINK))
    worked = Occurred.at_instant(LOST - HOUR)
    tale.tell(worked, ContactLogged(channel=Channel.LINK, reached=Reached.PERSON), now=LOST + HOUR)
    assert "Try the next one: call" in lost(tale).title
    tale.tell("2024-01-04", ContactLogged(channel=Channel.LINK, reached=Reached.PERSON), now=LOST + HOUR)
    assert "channel-lost" not in tale.duties(Phase.SAFETY), "a day without an hour counts"


def test_who_has_no_phone_has_other_channels() -> None:
    tale = agreed(Channel.RELAY, Channel.VISIT)
    tell(tale, LOST, ChannelLost(channel=Channel.RELAY))
    assert "Try the next one: visit" in lost(tale).title


def test_a_lost_channel_neither_counts_as_a_missed_check_in_nor_stops_its_clock() -> None:
    tale = agreed(Channel.LINK, Channel.CALL)
    before = tale.duties(Phase.SAFETY)["check-in"]
    tell(tale, LOST, ChannelLost(channel=Channel.LINK))
    assert tale.duties(Phase.SAFETY)["check-in"] == before


def test_a_lost_channel_says_why_a_silence_that_was_taken_in_hand_goes_on_but_only_while_it_is_lost() -> None:
    tale = agreed(Channel.LINK, Channel.CALL)
    missed = tale.duties(Phase.SAFETY)["check-in"].due
    tell(tale, missed - HOUR, ChannelLost(channel=Channel.LINK))
    tale.fire_until(missed)
    assert "check-in" in tale.duties(Phase.SAFETY)
    tale.acknowledge(Phase.SAFETY, "check-in", missed + HOUR)
    assert "check-in" not in tale.duties(Phase.SAFETY)
    assert "channel-lost" in tale.duties(Phase.SAFETY)
    tell(tale, missed + 2 * HOUR, ChannelRestored(channel=Channel.LINK))
    assert "channel-lost" not in tale.duties(Phase.SAFETY)
    assert tale.duties(Phase.SAFETY)["check-in"].due <= missed + timedelta(days=1)


def test_an_old_lost_channel_excuses_no_silence_that_came_after_the_person_was_reached() -> None:
    tale = agreed(Channel.LINK, Channel.CALL)
    tell(tale, LOST, ChannelLost(channel=Channel.LINK))
    tell(tale, LOST + HOUR, ContactLogged(channel=Channel.CALL, reached=Reached.PERSON))
    assert lost(tale).due == LOST + HOUR + MEND_WITHIN
    missed = tale.duties(Phase.SAFETY)["check-in"].due
    tale.fire_until(missed)
    tale.acknowledge(Phase.SAFETY, "check-in", missed + HOUR)
    assert "check-in" in tale.duties(Phase.SAFETY)


@pytest.mark.parametrize(
    ("fact", "is_over"),
    [
        (ChannelRestored(channel=Channel.CALL), True),
        (CheckedIn(channel=Channel.CALL), True),
        (CheckedIn(channel=Channel.CALL, answer=Answer.UNRECOGNISED), False),
        (CheckedIn(channel=Channel.CALL, answer=Answer.DURESS), False),
        (ContactLogged(channel=Channel.CALL, reached=Reached.PERSON), True),
        (ContactLogged(channel=Channel.CALL, reached=Reached.THIRD_PARTY), False),
        (ChannelsAgreed(order=(Channel.LINK, Channel.RELAY)), True),
        (ChannelsAgreed(order=(Channel.LINK, Channel.CALL)), False),
        (ChannelRestored(channel=Channel.LINK), False),
    ],
)
def test_it_is_over_when_the_channel_works_again_or_is_agreed_on_no_more(fact: Fact, is_over: bool) -> None:
    tale = agreed(Channel.CALL, Channel.VISIT)
    tell(tale, LOST, ChannelLost(channel=Channel.CALL))
    tell(tale, LOST + HOUR, fact)
    assert ("channel-lost" in tale.duties(Phase.SAFETY)) != is_over


def test_taken_in_hand_it_comes_again_and_in_custody_nobody_tries() -> None:
    tale = agreed(Channel.CALL)
    tell(tale, LOST, ChannelLost(channel=Channel.CALL))
    tale.fire_until(LOST)
    tale.acknowledge(Phase.SAFETY, "channel-lost", LOST + HOUR)
    assert lost(tale).due == LOST + HOUR + TRY_WITHIN
    tell(tale, LOST + 2 * HOUR, Detained())
    assert "channel-lost" not in tale.duties(Phase.SAFETY)


def test_a_restored_channel_that_was_not_lost_is_flagged() -> None:
    tale = agreed(Channel.CALL)
    assert tale.tell("2024-01-04", ChannelRestored(channel=Channel.CALL))[0].outside_path == "this channel was not lost"


def test_how_a_person_is_spoken_with_is_kept() -> None:
    tale, noted = Tale(), LanguageNoted(language="kk", interpreter=True, literacy=Literacy.READS_LITTLE)
    tale.tell("2024-01-04", noted)
    state = tale.ledger(Phase.SAFETY).state
    assert isinstance(state, Safety)
    assert state.reaching.speech == noted
