"""Finding what is delivered of a country by the short names that a test gives it."""

from datetime import date

from domain.deadlines import Unit
from domain.rulebook import Country, EntryDocument, Penalty, RiskRecord, Rule, StayLimit, Token, Track, load
from domain.rulebook.known import Practice, Precondition, Treaty

BOOK = load()
TRANSIT = ("KZ", "AM", "GE", "TR", "RS", "IL", "KG", "ME", "MN")
"""The countries of transit."""

TODAY = date(2026, 6, 2)
"""The day of the newest source."""


def of(code: str) -> Country:
    return BOOK.must_have(code)


def rule(code: str, step: str, on: date = TODAY, **facts: str) -> Rule:
    found = BOOK.for_phase(code, "transit-stay").find(step, on, **facts)
    assert found is not None
    return found


def period(found: Rule) -> tuple[int | None, Unit | None]:
    return found.amount, found.unit


def limit(code: str, on: date = TODAY) -> StayLimit:
    found = of(code).stay_limit(on)
    assert found is not None
    return found


def constraints(found: StayLimit) -> set[tuple[str, int, str, int | None, str]]:
    return {(one.kind, one.amount, one.unit, one.window, one.reset) for one in found.constraints}


def document(code: str, name: str, on: date = TODAY, **when: str) -> EntryDocument:
    wanted = {key: (value,) for key, value in when.items()}
    return next(
        one
        for one in of(code).entry_documents
        if one.document == name and one.holds_on(on) and (not wanted or one.when == wanted)
    )


def token(code: str, name: str, on: date = TODAY) -> Token:
    return next(one for one in of(code).tokens if one.token == name and one.holds_on(on))


def track(code: str, name: str) -> Track:
    return next(one for one in of(code).tracks if one.track == name)


def penalty(code: str, slug: str, on: date = TODAY) -> Penalty | None:
    wanted = f"{code.lower()}.penalty.{slug}"
    return next((one for one in of(code).penalties if one.id == wanted and one.holds_on(on)), None)


def precondition(code: str, slug: str, on: date = TODAY) -> Precondition | None:
    wanted = f"{code.lower()}.precondition.{slug}"
    return next((one for one in of(code).preconditions if one.id == wanted and one.holds_on(on)), None)


def practice(code: str, slug: str, on: date = TODAY) -> Practice:
    wanted = f"{code.lower()}.practice.{slug}"
    return next(one for one in of(code).practices if one.id == wanted and one.holds_on(on))


def treaty(code: str, slug: str) -> Treaty:
    return next(one for one in of(code).treaties if one.id == f"{code.lower()}.treaty.{slug}")


def report(code: str, slug: str) -> RiskRecord:
    return next(one for one in of(code).risks if one.id == f"{code.lower()}.risk.{slug}")
