"""Quiet hours: when nobody is asked for a sign of life, in the person's own time zone."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

LONGEST_QUIET = timedelta(hours=12)
"""With longer ones there would be days on which hardly an hour is left to be asked in."""

_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"


def known_zone(name: str) -> str:
    """
    Raises:
        ValueError: no time zone has this name.
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("there is no such time zone: write an IANA name such as Asia/Almaty") from None
    return name


def possible_hours(text: str) -> str:
    """
    Raises:
        ValueError: these are no hours of a day, or too many.
    """
    if not re.fullmatch(rf"{_CLOCK}-{_CLOCK}", text):
        raise ValueError("write quiet hours as 22:00-08:00")
    begins, ends = (timedelta(hours=one.hour, minutes=one.minute) for one in _span(text))
    if not timedelta() < (ends - begins) % timedelta(days=1) <= LONGEST_QUIET:
        raise ValueError("quiet hours are twelve hours of a day at most")
    return text


TimeZone = Annotated[str, AfterValidator(known_zone)]
"""A time zone by its IANA name."""

QuietHours = Annotated[str, AfterValidator(possible_hours)]
"""Hours of the day, such as ``22:00-08:00``."""


def after_quiet(instant: datetime, hours: str | None, time_zone: str) -> datetime:
    """The instant itself, or the end of the quiet hours that it falls into."""
    if hours is None:
        return instant
    begins, ends = _span(hours)
    local = instant.astimezone(ZoneInfo(time_zone))
    clock, over_midnight = local.time(), begins > ends
    is_quiet = (begins <= clock or clock < ends) if over_midnight else begins <= clock < ends
    if not is_quiet:
        return instant
    day = local.date() + timedelta(days=over_midnight and begins <= clock)
    # where clocks change, the hour at which it ends comes twice or not at all: the later reading is the end of both
    readings = (datetime.combine(day, ends.replace(fold=fold), local.tzinfo) for fold in (0, 1))
    return max(reading.astimezone(UTC) for reading in readings)


def _span(hours: str) -> tuple[time, time]:
    begins, ends = hours.split("-")
    return time.fromisoformat(begins), time.fromisoformat(ends)
