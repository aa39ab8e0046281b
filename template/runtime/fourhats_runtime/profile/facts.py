"""What is known of a column, and what its name may say."""

from dataclasses import dataclass, field

MOST_CATEGORIES = 50
TIME_PART_NAMES = {
    "jahr": "year",
    "quartal": "quarter",
    "monat": "month",
    "woche": "week",
    "tag": "day",
    "stunde": "hour",
} | {part: part for part in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")}


@dataclass
class Facts:
    """One column. `kind`: boolean, integer, number, datetime, text, or other (lists, blobs, …)."""

    source: str
    kind: str
    value: str = ""
    """SQL of the value: typed where it is a number or a time, else text; NULL where missing."""
    text: str = ""
    """SQL of the value as text, as the target's classes are written."""
    raw: str = ""
    """SQL of the text as it came, empty where it is none."""
    written: str = ""
    """How its numbers or moments are written, empty where that is plain."""
    missing: tuple[str, ...] | None = None
    """The texts that mean "no value", where they are not the usual ones."""
    marks: tuple[str, ...] = ()
    """Some of the usual ones that stand in it."""
    present: int = 0
    distinct: int = 0
    classes: tuple[str, ...] = ()
    """All values as text, sorted, where there are few."""
    low: float | None = None
    high: float | None = None
    strays: int = 0
    counts_rows: bool = False
    """Whether it merely numbers the rows: 0, 1, 2, … or 1, 2, 3, …"""
    runs_on: bool = False
    """Whether it counts on by one from row to row, from whatever number, up or down."""
    personal: str = ""
    examples: tuple[str, ...] = ()
    said: list[str] = field(default_factory=list)
    """What a person should know of how it is read."""
