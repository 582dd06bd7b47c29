"""The duty that a limit of stay makes: reckoned from every entry and exit, in the version of each day of entry."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from domain.duties import LEGAL_ESCALATIONS, LEGAL_REMINDERS, Bound, Consequence, Duty
from domain.errors import NotUnderstood
from domain.facts import Occurred
from domain.legal import FIND_OUT, asks, legal_duties
from domain.rulebook import Rules, StayLimit
from domain.starts import local_day
from domain.stay_answers import Reckoning
from domain.stay_reckoning import reckon
from domain.stays import Stay

STEP = "stay-limit"

_TITLE = "The days of stay without another ground end: hold another ground, or have left"


def stay_duties(
    rules: Rules,
    stays: Sequence[Stay],
    printed: date | None,
    facts: Mapping[str, str] | None = None,
    *,
    doubt: tuple[str, ...] = (),
) -> Iterator[Duty]:
    """The duty to be gone, or to hold another ground to stay, and with it what a human must find out.

    Args:
        rules: what the rulebook holds for the country.
        stays: every stay there that is known, oldest first; the last one is the present one.
        printed: last day as printed in the passport or on a card. It beats the reckoning, and a difference alarms.
        facts: conditions of the case that select the limit.
        doubt: what is not certain of the stays themselves.
    """
    if not stays:
        return
    entered = stays[-1].entered
    limit = rules.stay_limit(entered.earliest, **(facts or {}))
    if limit is None or not limit.constraints:
        yield from legal_duties(rules, STEP, entered, printed=printed, facts=facts)
        return
    local = [Stay.local(one.entered, one.left, rules.place) for one in stays]
    try:
        entered_on = local[-1].entered.earliest
        found = reckon(local, lambda day: rules.stay_limit(day, **(facts or {})), entered_on, next_too=False)
    except NotUnderstood as error:
        yield asks(f"find-out.{STEP}", f"The days of stay cannot be reckoned: {error}", entered, FIND_OUT)
        return
    found = replace(found, doubt=(*found.doubt, *doubt))
    yield from _duties(rules, limit, entered, found, printed)


def _duties(
    rules: Rules, limit: StayLimit, entered: Occurred, found: Reckoning, printed: date | None
) -> Iterator[Duty]:
    # an entry that was not lawful on its first day has no lawful day: something must be done on that very day
    last = found.last_day or entered.earliest
    endless = found.last_day is None and found.overstay is None
    if printed is not None:
        line = _printed_line(rules, printed)
        yield _duty(rules, printed, (line, *(f"reckoned: {one}" for one in found.lines)), limit)
        if not endless and last != printed:
            title = f"Printed and reckoned dates differ for: {limit.title}"
            yield asks(f"mismatch.{STEP}", title, entered, timedelta(), limit)
        return
    if endless:
        return
    lines = (*found.lines, f"last lawful day: {last}, to its end in {rules.place.time_zone}")
    yield _duty(rules, last, lines, limit, "; ".join(found.doubt))
    if limit.doubt:
        title = f"Verify with counsel how long this stay is lawful: {limit.title}"
        yield asks(f"verify.{STEP}", title, entered, FIND_OUT, limit)


def printed_end(rules: Rules, printed: date) -> Duty:
    """The same duty where only the stamp or the card is known, and no entry from which the days could be counted.

    Args:
        rules: what the rulebook holds for the country.
        printed: the last day, as printed.
    """
    return _duty(rules, printed, (_printed_line(rules, printed),))


def _printed_line(rules: Rules, printed: date) -> str:
    return f"printed on the document: {printed}, to the end of that day in {rules.place.time_zone}"


def _duty(rules: Rules, last: date, lines: tuple[str, ...], limit: StayLimit | None = None, doubt: str = "") -> Duty:
    reminders = limit.reminders if limit is not None else ()
    return Duty(
        id=STEP,
        title=_TITLE,
        due=rules.place.end_of(last),
        bound=Bound.PERSON,
        consequence=Consequence.LOSS_OF_LAWFUL_STAY,
        rule=limit.id if limit is not None else None,
        version=limit.valid_from if limit is not None else None,
        doubt=doubt,
        reminders=tuple(timedelta(days=one) for one in reminders) or LEGAL_REMINDERS,
        escalations=LEGAL_ESCALATIONS,
        reckoning=lines,
    )


def no_day_is_lawful(rules: Rules, since: Occurred, why: str) -> Duty:
    """The same duty where no limit of stay helps any more: it is due on the very day.

    Args:
        rules: what the rulebook holds for the country.
        since: since when.
        why: in words.
    """
    return Duty(
        id=STEP,
        title=f"No day of stay is lawful without another ground, for {why}: hold one, or have left",
        due=rules.place.end_of(local_day(since, rules.place)),
        bound=Bound.PERSON,
        consequence=Consequence.LOSS_OF_LAWFUL_STAY,
        escalations=LEGAL_ESCALATIONS,
        reckoning=(f"since {since}: {why}",),
    )
