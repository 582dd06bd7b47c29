"""What a benchmark found, and how it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table


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


def show(figures: Sequence[Figure], console: Console) -> None:
    """One table, and below it what holds back the aims that are missed."""
    table = Table("measured", box=box.SIMPLE)
    for heading in ("bare", "Safeconduct", "ratio"):
        table.add_column(heading, justify="right")
    table.add_column("unit")
    table.add_column("aim")
    for one in figures:
        bare = f"{one.bare:.1f}" if one.bare is not None else ""
        ratio = f"{one.ratio:.2f}" if one.ratio is not None else ""
        aim = f"{one.aim}: {'met' if one.met else 'MISSED'}" if one.aim else ""
        table.add_row(one.name, bare, f"{one.ours:.1f}", ratio, one.unit, aim)
    console.print(table)
    for one in figures:
        if one.met is False:
            console.print(f"{one.name}: {one.held_back}.", highlight=False)
