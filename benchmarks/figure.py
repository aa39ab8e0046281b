"""A figure that the project promises, and the table that shows whether it holds."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

ROUNDS = 5
"""Each side is measured this often, in turns, and the best of each counts."""


@dataclass(frozen=True)
class Figure:
    """What was measured, and the limit it must keep."""

    what: str
    measured: float
    limit: float
    unit: str = ""
    side: Literal["at most", "at least"] = "at most"
    detail: str = ""
    digits: int = 3

    @property
    def met(self) -> bool:
        """Tell whether the limit is kept."""
        if self.side == "at least":
            return self.measured >= self.limit
        return self.measured <= self.limit


def show(measure: Callable[[], Sequence[Figure]]) -> None:
    """Measure, print the table, and exit with 1 where a limit is not kept."""
    figures = measure()
    print(table(figures))
    sys.exit(not all(figure.met for figure in figures))


def table(figures: Sequence[Figure]) -> str:
    """Put figures side by side: what, measured, must reach, met."""
    rows = [("what", "measured", "must reach", "met", "")]
    rows += [
        (
            figure.what,
            _with_unit(figure.measured, figure.unit, figure.digits),
            f"{figure.side} {_with_unit(figure.limit, figure.unit, figure.digits)}",
            "yes" if figure.met else "NO",
            figure.detail,
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _with_unit(value: float, unit: str, digits: int) -> str:
    number = f"{value:.0f}" if value >= 100 else f"{value:.{digits}g}"
    return f"{number} {unit}".rstrip()
