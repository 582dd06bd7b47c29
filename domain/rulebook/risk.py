"""A country's present risk, reckoned from dated reports over time and place. A fact to weigh, never a promise.

What counts:
    1. Reports of the last two years weigh in full, older ones less: halved for each two years that have passed.
    2. A hand-over weighs most, then what could have become one, then what ended well. Nothing weighs below nothing:
       good ends do not pay for bad ones.
    3. A report of a doubtful source weighs half.
    4. No report is no safety: without any the level is *unknown*.

The weights are the organisation's own judgement, not law; they order countries and places for a person to look at.
"""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from domain.facts import Frozen
from domain.rulebook.dated import Confidence
from domain.rulebook.known import Mechanism, Result, RiskRecord

YEARS_IN_FULL = 2.0

_RESULTS = {
    Result.HANDED_OVER: 4.0,
    Result.PENDING: 2.0,
    Result.UNKNOWN: 2.0,
    Result.SUSPENDED: 1.5,
    Result.REFUSED: 1.0,
    Result.RELEASED: 0.5,
    Result.LEFT: 0.5,
}
_GRAVEST = {Mechanism.ABDUCTION, Mechanism.HAND_OVER}
_GRAVE_FACTOR = 1.5


class RiskLevel(StrEnum):
    """How dangerous the reports make a place, in words for a list."""

    UNKNOWN = "unknown"
    LOW = "low"
    RAISED = "raised"
    HIGH = "high"
    GRAVE = "grave"


_FROM = ((12.0, RiskLevel.GRAVE), (5.0, RiskLevel.HIGH), (1.5, RiskLevel.RAISED))


class PlaceRisk(Frozen):
    """The risk at one place.

    Attributes:
        place: the town or region; ``None`` for reports that name none.
        level: what the reports make of it.
        weight: the sum behind it.
        reports: how many there are.
        latest: the day of the newest.
    """

    place: str | None
    level: RiskLevel
    weight: float
    reports: int
    latest: date | None


class Risk(Frozen):
    """The risk of a country on a day.

    Attributes:
        on: the day.
        level: of the country as a whole.
        weight: the sum behind it.
        records: the reports that were counted, newest first.
        places: the same by place, the gravest first.
        rising: whether the last year weighs more than the year before.
    """

    on: date
    level: RiskLevel
    weight: float
    records: tuple[RiskRecord, ...]
    places: tuple[PlaceRisk, ...]
    rising: bool


def reckon_risk(records: Iterable[RiskRecord], on: date, groups: frozenset[str] | None = None) -> Risk:
    """Reckon the risk of a country.

    Args:
        records: its reports.
        on: the day; reports of later days are left out.
        groups: whom it is reckoned for, such as ``deserter``; everybody if not given.
    """
    counted = [one for one in records if one.when.earliest <= on and (groups is None or one.group in groups)]
    counted.sort(key=lambda one: (one.when.latest, one.id), reverse=True)
    places = dict.fromkeys(one.place for one in counted)
    found = [_of_place(place, [one for one in counted if one.place == place], on) for place in places]
    weight = sum(weight_of(one, on) for one in counted)
    return Risk(
        on=on,
        level=_level(weight, len(counted)),
        weight=round(weight, 2),
        records=tuple(counted),
        places=tuple(sorted(found, key=lambda one: (-one.weight, one.place or ""))),
        rising=_year(counted, on, 0) > _year(counted, on, 1),
    )


def weight_of(record: RiskRecord, on: date) -> float:
    """What one report weighs on a day."""
    weight = _RESULTS[record.result] * (_GRAVE_FACTOR if record.mechanism in _GRAVEST else 1.0)
    if record.confidence in (Confidence.LOW, Confidence.UNVERIFIED):
        weight /= 2
    years = max((on - record.when.latest).days, 0) / 365.25
    return weight if years <= YEARS_IN_FULL else weight * float(0.5 ** ((years - YEARS_IN_FULL) / 2))


def _of_place(place: str | None, records: list[RiskRecord], on: date) -> PlaceRisk:
    weight = sum(weight_of(one, on) for one in records)
    latest = max((one.when.latest for one in records), default=None)
    return PlaceRisk(
        place=place, level=_level(weight, len(records)), weight=round(weight, 2), reports=len(records), latest=latest
    )


def _level(weight: float, reports: int) -> RiskLevel:
    if not reports:
        return RiskLevel.UNKNOWN
    return next((level for least, level in _FROM if weight >= least), RiskLevel.LOW)


def _year(records: Iterable[RiskRecord], on: date, back: int) -> float:
    days = [(on - one.when.earliest).days - 365 * back for one in records]
    return sum(_RESULTS[one.result] for one, ago in zip(records, days, strict=True) if 0 <= ago < 365)
