"""One line of what a benchmark found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the result.

    Attributes:
        name: what was measured.
        bare: bare Temporal's figure, where there is one.
        ours: Safeconduct's figure.
        ratio: ours as a multiple of bare's; for rates, as a share of it.
        unit: of both figures.
        aim: in words; empty if there is none.
        met: whether the aim is met; ``None`` without one.
        held_back: what holds it back, if it is not met.
    """

    name: str
    bare: float | None
    ours: float
    ratio: float | None
    unit: str
    aim: str = ""
    met: bool | None = None
    held_back: str = ""
