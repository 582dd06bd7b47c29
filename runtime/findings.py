"""What the doctor finds, one thing at a time. A finding holds no value of a setting, for some are secrets."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do about it (empty if nothing)."""

    check: str
    verdict: Verdict
    found: str
    do: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, Verdict.OK, found)


def warn(check: str, found: str, do: str) -> Finding:
    return Finding(check, Verdict.WARN, found, do)


def fail(check: str, found: str, do: str) -> Finding:
    return Finding(check, Verdict.FAIL, found, do)
