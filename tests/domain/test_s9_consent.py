"""S9: nothing is shared beyond the recorded consent, and a withdrawal stops what is pending."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.asylum_facts import AuthorityContacted
from domain.check_ins import CheckInPlanned, Step
from domain.consent import ConsentForm, ConsentGiven, ConsentWithdrawn, Material, Purpose, Recipient, Scope
from domain.custody import Disappeared
from domain.embassy_contacts import Answer, Answered, Approached, DossierShared, Pledged
from domain.entry import Arrived, Departed, DocumentRequested
from domain.errors import Refused
from domain.events import Event
from domain.facts import Fact
from domain.references import Phase
from domain.stay_facts import AuthorityApproached, ExpulsionAppealed, ExpulsionOrdered, TravelDocument
from domain.three_fields import three_fields
from domain.vetting import Finding, VettingRequested
from tests.domain.strategies import Tale, models, noon

SAYS: dict[type[Fact], tuple[Recipient, Purpose, tuple[Material, ...]]] = {
    Approached: (Recipient.EMBASSY, Purpose.ENTRY, (Material.EXISTENCE,)),
    DocumentRequested: (Recipient.EMBASSY, Purpose.ENTRY, (Material.IDENTITY,)),
    VettingRequested: (Recipient.VETTER, Purpose.VETTING, (Material.IDENTITY, Material.STORY)),
    DossierShared: (Recipient.EMBASSY, Purpose.ENTRY, ()),
    AuthorityContacted: (Recipient.HOST_AUTHORITY, Purpose.ASYLUM, ()),
    AuthorityApproached: (Recipient.TRANSIT_AUTHORITY, Purpose.SAFETY, (Material.EXISTENCE,)),
}
"""What staff say by these acts, and to whom. Some name their materials themselves."""

acts: st.SearchStrategy[Fact] = st.sampled_from([*SAYS]).flatmap(models)
consents: st.SearchStrategy[Fact] = st.builds(
    ConsentGiven,
    scopes=st.lists(
        st.builds(
            Scope,
            recipient=st.sampled_from(Recipient),
            purpose=st.sampled_from(Purpose),
            materials=st.lists(st.sampled_from(Material), min_size=1, unique=True).map(tuple),
        ),
        min_size=1,
        max_size=2,
    ).map(tuple),
    language=st.just("ru"),
    form=st.just(ConsentForm.SPOKEN),
    until=st.none() | st.dates(date(2024, 1, 1), date(2024, 3, 1)),
)
withdrawals: st.SearchStrategy[Fact] = st.builds(ConsentWithdrawn, recipient=st.none() | st.sampled_from(Recipient))
tellings = st.lists(
    st.tuples(st.integers(min_value=1, max_value=29), consents | withdrawals | acts | acts), max_size=14
)


def agreed(consented: list[Event], on: date) -> set[tuple[Recipient, Purpose, Material]]:
    """What a person has agreed to, counted slowly from everything he said, in the order in which it was recorded."""
    standing: dict[tuple[Recipient, Purpose, tuple[Material, ...]], date] = {}
    for event in consented:
        match event.fact:
            case ConsentGiven(scopes=scopes, until=until):
                for scope in scopes:
                    standing[(scope.recipient, scope.purpose, scope.materials)] = until or date.max
            case ConsentWithdrawn(recipient=recipient):
                standing = {key: end for key, end in standing.items() if recipient is not None and key[0] != recipient}
    return {
        (recipient, purpose, material)
        for (recipient, purpose, materials), end in standing.items()
        if on <= end
        for material in materials
    }


@given(tellings)
def test_s9_no_act_of_staff_goes_beyond_what_the_person_agreed_to(told: list[tuple[int, Fact]]) -> None:
    tale = Tale("2024-01-01", scopes=(Scope(recipient=Recipient.EMBASSY, purpose=Purpose.ENTRY, materials=()),))
    # a report takes its place in the story by its own day: here everything is told on the day it happens
    for day, fact in sorted(told, key=lambda pair: pair[0]):
        said = agreed(list(tale.story.path.events), date(2024, 1, day))
        try:
            accepted = tale.tell(f"2024-01-{day:02}", fact)
        except Refused:
            continue
        if accepted and type(fact) in SAYS:
            recipient, purpose, materials = SAYS[type(fact)]
            materials = getattr(fact, "materials", materials)
            assert {(recipient, purpose, material) for material in materials} <= said


ASKINGS = [
    pytest.param(Phase.EMBASSY_CONTACTS, "answer.FR", Recipient.EMBASSY, id="an answer is waited for"),
    pytest.param(Phase.VETTING, "vetting-progress", Recipient.VETTER, id="vetters are at work"),
]


@pytest.mark.parametrize(("phase", "duty", "recipient"), ASKINGS)
def test_s9_a_withdrawal_in_the_middle_of_a_ladder_ends_it(phase: Phase, duty: str, recipient: Recipient) -> None:
    tale = Tale("2024-01-01")
    tale.tell("2024-01-03", Approached(country="FR"))
    tale.tell("2024-01-03", VettingRequested())
    due = tale.duties(phase)[duty].due
    tale.fire_until(due)
    assert [event for event in tale.events("duty-came-due") if event.fact.duty == duty]  # type: ignore[attr-defined]
    tale.tell(f"{due.date()}", ConsentWithdrawn(recipient=recipient), now=due)
    assert duty not in tale.duties(phase)
    later = due.replace(year=due.year + 1)
    assert duty not in {event.fact.duty for event in tale.fire_until(later)}  # type: ignore[attr-defined]
    assert "consent-withdrawn" in tale.duties(Phase.SAFETY), "a person asks him what he wishes"


def test_s9_who_is_not_concerned_by_a_withdrawal_is_still_asked() -> None:
    tale = Tale("2024-01-01")
    tale.tell("2024-01-03", Approached(country="FR"))
    tale.tell("2024-01-04", ConsentWithdrawn(recipient=Recipient.VETTER))
    assert "answer.FR" in tale.duties(Phase.EMBASSY_CONTACTS)
    assert "vetting-progress" not in tale.duties(Phase.VETTING)


def test_s9_nobody_is_reminded_of_asking_after_consent_has_ended() -> None:
    everything = Scope(recipient=Recipient.EMBASSY, purpose=Purpose.ENTRY, materials=tuple(Material))
    tale = Tale("2024-01-01", scopes=(everything,))
    agreed_to = ConsentGiven(scopes=(everything,), language="ru", form=ConsentForm.SPOKEN, until=date(2024, 1, 20))
    tale.tell("2024-01-02", agreed_to)
    tale.tell("2024-01-03", Approached(country="FR"))
    assert "answer.FR" not in tale.duties(Phase.EMBASSY_CONTACTS), "it would be asked after the twentieth"
    assert "consent-ends" in tale.duties(Phase.SAFETY)


def test_s9_what_was_promised_is_not_asked_for_any_more_but_its_end_is_still_known() -> None:
    tale = Tale("2024-01-01")
    tale.tell("2024-01-03", Approached(country="FR"))
    tale.tell("2024-01-04", Pledged(country="FR", until=date(2024, 6, 30)))
    tale.tell("2024-01-05", ConsentWithdrawn())
    standing = tale.duties(Phase.EMBASSY_CONTACTS)
    assert "pledge-follow-up" not in standing
    assert "pledge-ends" in standing


def test_s9_the_travel_document_is_not_asked_for_without_consent() -> None:
    tale = Tale("2024-01-01")
    tale.enter()
    tale.pledge()
    tale.find(Finding.CLEARED)
    tale.clear_exit()
    tale.tell("2024-01-08", DocumentRequested(country="FR", document=TravelDocument.LAISSEZ_PASSER))
    assert "document" in tale.duties(Phase.ENTRY)
    tale.tell("2024-01-09", ConsentWithdrawn(recipient=Recipient.EMBASSY))
    assert "document" not in tale.duties(Phase.ENTRY)
    with pytest.raises(Refused, match="no consent"):
        tale.tell("2024-01-10", DocumentRequested(country="FR", document=TravelDocument.LAISSEZ_PASSER))


def test_s9_an_answer_that_comes_after_a_withdrawal_is_recorded_and_starts_nothing() -> None:
    tale = Tale("2024-01-01")
    tale.tell("2024-01-03", Approached(country="FR"))
    tale.tell("2024-01-04", ConsentWithdrawn())
    assert tale.tell("2024-02-01", Answered(country="FR", answer=Answer.MORE_WANTED))
    assert "answer.FR" not in tale.duties(Phase.EMBASSY_CONTACTS)


HEARING = {
    "ask a partner": {(Recipient.PARTNER, Purpose.SAFETY)},
    "ask the lawyer": {(Recipient.LAWYER, Purpose.LEGAL_HELP), (Recipient.LAWYER, Purpose.SAFETY)},
}
"""Who hears of the person when he is silent, and for what he must have agreed to it."""


def silence(tale: Tale) -> str:
    """What staff are told to do about a missed check-in."""
    return tale.duties(Phase.SAFETY)["check-in"].title


@given(tellings)
def test_s9_a_silence_always_calls_staff_and_asks_nobody_whom_the_person_did_not_agree_to(
    told: list[tuple[int, Fact]],
) -> None:
    tale = Tale("2024-01-01")
    tale.tell("2024-01-01", CheckInPlanned(every_days=7, on_silence=(Step.CALL, Step.PARTNER, Step.LAWYER)))
    for day, fact in sorted(((day, fact) for day, fact in told if type(fact) not in SAYS), key=lambda pair: pair[0]):
        tale.tell(f"2024-01-{day:02}", fact)
        due = tale.duties(Phase.SAFETY)["check-in"].due.date()
        said = {key[:2] for key in agreed(list(tale.story.path.events), due)}
        for asking, wanted in HEARING.items():
            assert asking in silence(tale)
            assert (f"(no consent to {asking})" in silence(tale)) == (not wanted & said)


def test_s9_a_withdrawal_ends_that_a_silence_asks_partner_and_lawyer_and_the_duty_stands() -> None:
    scopes = (
        Scope(recipient=Recipient.PARTNER, purpose=Purpose.SAFETY, materials=(Material.EXISTENCE,)),
        Scope(recipient=Recipient.LAWYER, purpose=Purpose.LEGAL_HELP, materials=(Material.IDENTITY, Material.STORY)),
    )
    tale = Tale("2024-01-01", scopes=scopes)
    tale.tell("2024-01-02", CheckInPlanned(every_days=7, on_silence=(Step.CALL, Step.PARTNER, Step.LAWYER)))
    before = tale.duties(Phase.SAFETY)["check-in"]
    assert before.title.endswith("As agreed: call; then ask a partner; then ask the lawyer")
    tale.tell("2024-01-03", ConsentWithdrawn(recipient=Recipient.PARTNER))
    assert silence(tale).endswith("As agreed: call; then (no consent to ask a partner); then ask the lawyer")
    tale.tell("2024-01-04", ConsentWithdrawn())
    after = tale.duties(Phase.SAFETY)["check-in"]
    assert after.title.endswith("call; then (no consent to ask a partner); then (no consent to ask the lawyer)")
    assert after.model_copy(update={"title": before.title}) == before, "silence in danger calls staff all the same"


def test_s9_a_disappearance_names_nobody_to_be_told_but_whom_consent_covers() -> None:
    tale = Tale("2024-01-01")
    tale.tell("2024-01-03", ConsentWithdrawn())
    tale.tell("2024-01-04", Disappeared())
    title = tale.duties(Phase.SAFETY)["tell-of-disappearance"].title
    assert title == "Decide whom to tell of the disappearance, of those whom consent covers"


def test_s9_deadlines_that_bind_the_person_stand_whatever_he_agreed_to() -> None:
    tale = Tale("2024-01-01")
    tale.open_entry()
    tale.tell("2024-01-10", Departed())
    tale.tell("2024-01-11", Arrived(country="FR"))
    before = set(tale.duties(Phase.ASYLUM_FILING))
    tale.tell("2024-01-12", ConsentWithdrawn())
    assert set(tale.duties(Phase.ASYLUM_FILING)) == before
    with pytest.raises(Refused, match="no consent"):
        tale.tell("2024-01-13", AuthorityContacted(materials=(Material.STORY,)))


def test_s9_a_doubt_of_the_status_asks_no_lawyer_whom_consent_does_not_cover() -> None:
    scope = Scope(recipient=Recipient.LAWYER, purpose=Purpose.LEGAL_HELP, materials=(Material.IDENTITY,))
    tale = Tale("2024-01-01", scopes=(scope,))
    tale.enter()
    tale.tell("2024-01-03", ExpulsionOrdered())
    tale.tell("2024-01-03", ExpulsionAppealed())

    def said() -> str:
        fields = three_fields(tale.story, noon("2024-01-05"))
        return "; ".join((*fields.lawful_stay.doubt, *fields.removal_protection.bars[0].doubt))

    assert said().count("ask the lawyer") == 2
    assert "consent" not in said()
    tale.tell("2024-01-04", ConsentWithdrawn())
    assert said().count("get the person's consent to ask the lawyer, and ask") == 2
