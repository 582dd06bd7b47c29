"""Limits of stay."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.facts import Frozen

Days = Annotated[int, Field(ge=1, le=9999)]


class Constraint(Frozen):
    """One limit among several that must all hold.

    Attributes:
        kind: ``rolling``: at most ``amount`` days in any ``window`` days. ``per-entry``: at most ``amount`` of ``unit``
            from each entry. ``calendar-year``, ``rolling-year``: at most ``amount`` days in one. ``year``: the same,
            where nobody knows which of the two.
        amount: how much.
        unit: what it is counted in; days for all but ``per-entry``.
        window: in days, for ``rolling``.
        reset: for ``per-entry``, whether leaving and entering again begins anew.
    """

    kind: Literal["rolling", "per-entry", "calendar-year", "rolling-year", "year"]
    amount: Days
    unit: Literal["days", "months", "years"] = "days"
    window: Days | None = None
    reset: Literal["yes", "no", "unknown"] = "unknown"

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.kind == "rolling") != (self.window is not None):
            raise ValueError("a rolling limit has a window in days, and no other has one")
        return self
