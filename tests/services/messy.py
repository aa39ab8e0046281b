"""A table in which every type of the contract is written in every way, rightly and wrongly."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 600
CONTRACT = """
table = "orders"
positive = "yes"

[[columns]]
name = "order_no"
source = "Order No"
type = "text"
role = "id"

[[columns]]
name = "seen_at"
source = "seen_at"
type = "datetime"
role = "time"

[[columns]]
name = "pieces"
source = "pieces"
type = "integer"
min = 0
max = 500

[[columns]]
name = "price"
source = "price"
type = "number"
nullable = true
min = 0

[[columns]]
name = "weight"
source = "weight"
type = "number"
written = "1.234,5"
nullable = true

[[columns]]
name = "paid"
source = "paid"
type = "number"
written = "1,234.50k €"
nullable = true

[[columns]]
name = "lasted"
source = "lasted"
type = "number"
written = "hh:mm:ss"
nullable = true

[[columns]]
name = "called"
source = "called"
type = "number"
written = "hh:mm am"
nullable = true

[[columns]]
name = "ordered"
source = "ordered"
type = "datetime"
written = "MM/DD/YY hh:mm am"
nullable = true
parts = ["month", "weekday", "hour"]

[[columns]]
name = "promised"
source = "promised"
type = "datetime"
written = "D MMM YYYY"
nullable = true

[[columns]]
name = "quarter_"
source = "quarter"
type = "datetime"
written = "YYYY-Q"
nullable = true

[[columns]]
name = "abroad"
source = "abroad"
type = "datetime"
written = "YYYY-MM-DD hh:mm:ss+hh:mm"
nullable = true

[[columns]]
name = "counted"
source = "counted"
type = "datetime"
written = "epoch milliseconds"
nullable = true

[[columns]]
name = "express"
source = "express"
type = "boolean"
nullable = true

[[columns]]
name = "region"
source = "region"
type = "category"
categories = ["Köln", "O'Hara", "back\\\\slash"]

[[columns]]
name = "per_region"
source = "per_region"
type = "integer"

[[columns]]
name = "grade"
source = "grade"
type = "category"
nullable = true

[[columns]]
name = "late"
source = "late"
type = "category"
role = "target"
categories = ["no", "yes"]
nullable = true
"""
OWN_SQL = """
SELECT raw.*, sums.per_region, raw.pieces_text AS pieces
FROM raw
JOIN (
    SELECT region AS name, count(*) AS per_region FROM raw GROUP BY ALL
) AS sums ON sums.name = raw.region
"""
MOMENTS = (
    "2026-01-{day:02} 03:04:05",
    "2026-01-{day:02}T03:04:05Z",
    "2026-1-{day}",
    "2026/01/{day:02}",
    "2026-01-{day:02} 03:04:05.25",
)
NO_MOMENTS = ("2026-02-30", "yesterday", "now", "20260102", "02.01.2026", "infinity")
NUMBERS = ("12", "12.5", "-0.5", ".5", "7.", "1e2", "+3", " 4.25 ", "1E-2")
NO_NUMBERS = ("1_000", "0x10", "inf", "12a", "1,5", "--1")
WHOLE = ("12", "+7", "0", "12.0", " 300 ", "-1", "501", "007")
NO_WHOLE = ("12.7", "1e2", "0x10", "1_000", "12a", "?!")
PAID = ("1,234.50k €", "12k", "(0.5 €)", "7-", "1e2", "NA")
LASTED = ("0:45", "26:03:18", "126:00:00.5", "unknown")
CALLED = ("12:15 a.m.", "2:30 PM", "12:00 pm", "9:05 am", "14:10")
ORDERED = ("1/{day}/26 12:05 am", "01/{day:02}/26 1:30 PM", "1/{day}/98", "-")
PROMISED = ("{day} März 2026", "{day}. Dezember 2025", "{day} août 2026", "{day} Sept. 2026 9:05")
QUARTERS = ("2026-Q1", "2025Q4", "2024 q2", "2026-Q3")
ABROAD = ("2026-01-{day:02}T03:04:05+02:00", "2026-01-{day:02} 03:04:05 -0330", "2026-01-{day:02}")
COUNTED = ("1767225600000", "1767312000123", "-86400000")
NO_QUARTERS = ("2026-Q5", "Q1")
TRUTHS = ("true", "FALSE", "t", "F", "1", "0", "yes", "No", "y", "n", "NA", "")
NO_TRUTHS = ("on", "off", "2", "ja")
GRADES = (1.0, 2.0, 2.5, 1e14, -3.0, None)


def write(path: Path) -> None:
    """Write the table as Parquet: texts that are numbers, times and truths of many spellings."""
    random = Random(3)

    def one_of(right: Sequence[str], wrong: Sequence[str], share: float = 0.95) -> str:
        return random.choice(right) if random.random() < share else random.choice(wrong)

    def written(right: Sequence[str], wrong: Sequence[str], day: int) -> str:
        return one_of(right, wrong, 0.99).format(day=day)

    def rows() -> Iterator[dict[str, Any]]:
        for row in range(ROWS):
            region = one_of((" Köln", "O'Hara", "back\\slash"), ("Kölle", "NULL"))
            day = 1 + row // 20
            likely = "yes" if region == "O'Hara" else "no"
            yield {
                "Order No": f"N{row % (ROWS - 9):05}" if row else " ",
                "seen_at": one_of(MOMENTS, NO_MOMENTS).format(day=day),
                "pieces_text": one_of(WHOLE, NO_WHOLE),
                "price": one_of((*NUMBERS, "NA"), NO_NUMBERS),
                "weight": one_of(("1,5", "1.234,5", "-2", ""), ("1,5x", "x")),
                "paid": written(PAID, NO_NUMBERS[:2], day),
                "lasted": written(LASTED, ("9:75", "1:2:3:4"), day),
                "called": written(CALLED, ("noon", "9.30"), day),
                "ordered": written(ORDERED, ("13/32/26", "2026"), day),
                "promised": written(PROMISED, ("32 May 2026", "{day} Foo 2026"), day),
                "quarter": written(QUARTERS, NO_QUARTERS, day),
                "abroad": written(ABROAD, ("tomorrow", "2026"), day),
                "counted": written(COUNTED, ("1e3", "now"), day),
                "express": one_of(TRUTHS, NO_TRUTHS),
                "region": region,
                "grade": random.choice(GRADES),
                "late": random.choice((*[likely] * 9, "no", "yes ", "")),
            }

    pq.write_table(pa.Table.from_pylist(list(rows())), path)
