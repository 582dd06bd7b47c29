"""What a rulebook says of a country, for a person to read: each item with its doubt and the number of its source."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from rich.markup import escape
from rich.table import Table

from domain.deadlines import Unit, band_in_words, in_words
from domain.rulebook.dated import Answer, Dated, Status
from domain.rulebook.known import (
    Authority,
    EntryDocument,
    Outcome,
    Penalty,
    Practice,
    Precondition,
    RiskRecord,
    Service,
    StayLimit,
    Token,
    Track,
    Treaty,
)
from domain.rulebook.model import Country
from domain.rulebook.risk import Risk
from domain.rulebook.rule import Rule
from runtime.screen import plain_table

SOON = timedelta(days=365)
"""What begins or ends within it is shown as a change to come."""

REPORTS_SHOWN = 12


class Sources:
    """Numbers the pages of what is shown, so that each stands once at the end."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, item: Dated) -> str:
        """The numbers of an item's sources."""
        return " ".join(f"({self._numbers.setdefault(_page(one), len(self._numbers) + 1)})" for one in item.sources)

    def table(self) -> Table:
        table = plain_table("Sources", "", "Page")
        for page, number in self._numbers.items():
            table.add_row(f"({number})", escape(page))
        return table


def _page(source: Any) -> str:
    seen = f"; as at {source.seen}" if source.seen else ""
    return f"{source.url}{f' - {source.cites}' if source.cites else ''}{seen}"


def country_tables(country: Country, risk: Risk, on: date) -> Iterator[Table]:
    """All that holds of a country on a day, what changes soon, what nobody knows, and where it stands."""
    sources = Sources()
    for title, items in (
        ("At the border", (*country.entry_documents, *country.preconditions)),
        ("Stay", (*country.stay_limits, *country.tokens)),
        ("Periods", country.rules),
        ("The asylum procedure", (*country.authorities, *country.tracks, *country.services, *country.outcomes)),
        ("What an offence costs", country.penalties),
        ("Treaties and practice", (*country.treaties, *country.practices)),
    ):
        if holding := [one for one in items if one.holds_on(on) and one.status is not Status.REPEALED]:
            yield _section(title, holding, sources)
    if risk.records:
        yield _reports(risk, sources)
    if soon := list(changes(country, on)):
        yield _changes(soon, sources)
    if country.gaps:
        yield _gaps(country.gaps)
    yield sources.table()


def changes(country: Country, on: date) -> Iterator[tuple[date, str, Dated]]:
    """What begins or ends within the coming year, soonest first."""
    found = []
    for item in country.items:
        if item.valid_from is not None and on < item.valid_from <= on + SOON:
            found.append((item.valid_from, "begins", item))
        if item.valid_to is not None and on <= item.valid_to <= on + SOON:
            found.append((item.valid_to, "ends", item))
    return iter(sorted(found, key=lambda one: (one[0], one[2].id, one[1])))


def _section(title: str, items: Iterable[Dated], sources: Sources) -> Table:
    table = plain_table(title, "What", "Says", "Holds", "How sure", "Source")
    for item in items:
        what, says = words_of(item)
        more = (f"note: {item.note}" if item.note else "", *(f"others say: {one.says}" for one in item.contested))
        corrected = f"{item.layer} (installed: {item.corrects or 'nothing'})" if item.layer else ""
        said = "\n".join(line for line in (says, *more, corrected) if line)
        sure = f"{item.confidence}, {item.verified}" + (
            f"\n{item.status}" if item.status is not Status.IN_FORCE else ""
        )
        style = "yellow" if item.doubt else None
        row = (escape(f"{what}\n{item.id}"), escape(said), holds(item), sure, sources.of(item))
        table.add_row(*row, style=style)
    return table


def holds(item: Dated) -> str:
    """From when to when, in a few words."""
    begins = f"from {item.valid_from}" if item.valid_from else ""
    ends = f"to {item.valid_to}" if item.valid_to else ""
    return " ".join(one for one in (begins, ends) if one)


def _reports(risk: Risk, sources: Sources) -> Table:
    rising = ", rising" if risk.rising else ""
    table = plain_table(
        f"Reports of danger: {risk.level} on {risk.on}{rising} ({len(risk.records)} reports)",
        *("When", "Where", "Whom", "What", "By", "Ended", "Source"),
    )
    for one in risk.records[:REPORTS_SHOWN]:
        whom = f"{one.group}{', held ' + one.held if one.held else ''}{', in transit' if one.in_transit else ''}"
        table.add_row(
            *(one.happened, escape(one.place or ""), whom, escape(f"{one.mechanism}: {one.says}")),
            *(str(one.actor), str(one.result), sources.of(one)),
            style="red" if one.result == "handed-over" else None,
        )
    return table


def _changes(soon: Iterable[tuple[date, str, Dated]], sources: Sources) -> Table:
    table = plain_table("What changes within a year", "Day", "", "What", "Doubt", "Source")
    for day, how, item in soon:
        what, says = words_of(item)
        table.add_row(str(day), how, escape(f"{what}: {says}"), "; ".join(item.doubt), sources.of(item))
    return table


def _gaps(gaps: Iterable[str]) -> Table:
    table = plain_table("What nobody has found out", "")
    for gap in gaps:
        table.add_row(escape(gap))
    return table


def words_of(item: Dated) -> tuple[str, str]:
    """What an item is about, and what it says."""
    return _WORDS[type(item)](item)


def period_in_words(rule: Rule) -> str:
    """A rule's period and its clock, as one says them."""
    if rule.amount is None or rule.unit is None:
        period = "no period is known"
    elif rule.at_most is not None:
        period = band_in_words(rule.amount, rule.unit, rule.at_most, rule.at_most_unit or rule.unit)
    else:
        period = f"{'at most ' if rule.up_to else ''}{in_words(rule.amount, rule.unit)}"
    counting = [
        words
        for words, holds_ in (
            ("the first day counts", rule.counting.first_day_counts),
            ("free days", rule.counting.free_days),
            ("rolls over to a working day", rule.counting.rolls_over),
        )
        if holds_
    ]
    when = _conditions(rule.when)
    clock = [
        *([f"begins with the event {rule.begins}"] if rule.begins else []),
        *([f"stands for {' or '.join(rule.suspended_by)}"] if rule.suspended_by else []),
        *([f"begins anew with {' or '.join(rule.restarted_by)}"] if rule.restarted_by else []),
        *(f"can be prolonged {one}" for one in rule.extendable),
        *([f"can begin anew after its end {_times(rule.revivable)}"] if rule.revivable else []),
    ]
    return "; ".join([f"{period} from: {rule.starts_on}", *clock, *counting, *([when] if when else [])])


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _conditions(when: Mapping[str, tuple[str, ...]]) -> str:
    return "where " + " and ".join(f"{name} is {' or '.join(values)}" for name, values in when.items()) if when else ""


def _rule(rule: Rule) -> tuple[str, str]:
    local = f" [{rule.local_name}]" if rule.local_name else ""
    return f"{rule.title}{local}", f"{period_in_words(rule)}\nbinds: {rule.bound}; a miss: {rule.consequence}"


def _document(item: EntryDocument) -> tuple[str, str]:
    margin = f", still valid {in_words(item.valid_for_at_least, item.margin_unit)}" if item.valid_for_at_least else ""
    margin += f" from: {item.margin_from}" if margin and item.margin_from else ""
    says = {Answer.YES: f"accepted{margin}", Answer.NO: "not accepted", Answer.UNKNOWN: "not known"}[item.accepted]
    return item.document, "; ".join(one for one in (says, _conditions(item.when)) if one)


def _precondition(item: Precondition) -> tuple[str, str]:
    valid = f"valid {in_words(item.amount, item.unit)}" if item.amount and item.unit else ""
    cost, missing = item.cost or "", f"without it: {item.missing}" if item.missing else ""
    return item.requirement, "; ".join(one for one in (item.title, valid, cost, missing) if one)


def _stay(item: StayLimit) -> tuple[str, str]:
    limits = " and ".join(one.says for one in item.constraints) or "no limit is known"
    days = f"day of entry counts: {item.entry_day_counts}; of exit: {item.exit_day_counts}"
    return item.title, "; ".join(one for one in (limits, days, _conditions(item.when)) if one)


def _token(item: Token) -> tuple[str, str]:
    says = [
        f"valid {_validity(item)}" if item.amount and item.unit else "validity as printed",
        f"renewable: {item.renewable}",
        f"at most {in_words(item.longest, item.longest_unit)}" if item.longest and item.longest_unit else "",
        f"renewal to be asked for {item.file_before} days before" if item.file_before else "",
        f"issued: {item.issued_within}" if item.issued_within else "",
        f"bound to {', '.join(item.bound_to)}" if item.bound_to else "",
        f"barred by {', '.join(item.blockers)}" if item.blockers else "",
        f"needs {', '.join(item.needs)}" if item.needs else "",
    ]
    return f"{item.title}{f' [{item.local_name}]' if item.local_name else ''}", "; ".join(one for one in says if one)


def _validity(item: Token) -> str:
    amount, unit = item.amount or 0, item.unit or Unit.DAYS
    if item.at_most is not None:
        return f"{amount} to {in_words(item.at_most, unit)}"
    return f"{'at most ' if item.up_to else ''}{in_words(amount, unit)}"


def _track(item: Track) -> tuple[str, str]:
    says = [
        item.entered_when or "",
        f"an appeal suspends removal: {item.suspensive}",
        f"free lawyer: {item.free_lawyer}",
        f"counts as asylum seeker: {item.counts_as_seeker}",
        f"leads to {', '.join(item.leads_to)}" if item.leads_to else "",
    ]
    return f"{item.title}{f' [{item.local_name}]' if item.local_name else ''}", "; ".join(one for one in says if one)


def _service(item: Service) -> tuple[str, str]:
    after = in_words(item.amount, item.unit) + " after" if item.amount else "at once with"
    unless = f", or earlier: {item.unless}" if item.unless else ""
    return item.title, f"counts as served {after}: {item.begins}{unless}"


def _outcome(item: Outcome) -> tuple[str, str]:
    return item.outcome, f"{item.title}{f' ({in_words(item.amount, item.unit)})' if item.amount and item.unit else ''}"


def _penalty(item: Penalty) -> tuple[str, str]:
    ban = f"ban {_ban(item)}" if item.ban and item.ban_unit else ""
    says = (_scale(item), item.fine or "", ban, _conditions(item.when))
    return f"{item.offence}: {item.title}", "; ".join(one for one in says if one)


def _scale(item: Penalty) -> str:
    """Which part of the scale it is."""
    if item.from_days or item.to_days:
        return f"day {item.from_days or 1} to {item.to_days or 'any'}"
    over = f"more than {in_words(item.from_months, Unit.MONTHS)}" if item.from_months else ""
    to = f"up to {in_words(item.to_months, Unit.MONTHS)}" if item.to_months else ""
    return ", ".join(one for one in (over, to) if one)


def _ban(item: Penalty) -> str:
    ban, unit = item.ban or 0, item.ban_unit or Unit.DAYS
    if item.ban_at_most is None:
        return f"{'at least' if item.ban_at_least else 'up to'} {in_words(ban, unit)}"
    return in_words(ban, unit) if item.ban_at_most == ban else f"{ban} to {in_words(item.ban_at_most, unit)}"


def _treaty(item: Treaty) -> tuple[str, str]:
    return item.treaty, f"bound: {item.bound}{f', since {item.since}' if item.since else ''}"


def _authority(item: Authority) -> tuple[str, str]:
    return ", ".join(item.tasks), f"{item.name}{f' [{item.local_name}]' if item.local_name else ''}"


def _practice(item: Practice) -> tuple[str, str]:
    return item.topic, item.says + (f" (concerns {', '.join(item.concerns)})" if item.concerns else "")


def _risk(item: RiskRecord) -> tuple[str, str]:
    return f"{item.happened} {item.mechanism}", item.says


_WORDS: Mapping[type[Dated], Callable[[Any], tuple[str, str]]] = {
    Rule: _rule,
    EntryDocument: _document,
    Precondition: _precondition,
    StayLimit: _stay,
    Token: _token,
    Track: _track,
    Service: _service,
    Outcome: _outcome,
    Penalty: _penalty,
    Treaty: _treaty,
    Authority: _authority,
    Practice: _practice,
    RiskRecord: _risk,
}
