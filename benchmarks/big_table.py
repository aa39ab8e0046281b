"""A table of 5 million rows and 20 columns, as a client might hand it over."""

from pathlib import Path

import duckdb

ROWS = 5_000_000

# SQL over the row's number `i` and eight chances `r1` to `r8`, even between 0 and 1.
COLUMNS = {
    **{f"amount_{n}": f"CASE WHEN r{n} > 0.03 THEN round(r{n} * 1000, 2) END" for n in range(1, 5)},
    **{f"ratio_{n}": f"ln(1 + r{n} * {n})" for n in range(1, 5)},
    **{f"count_{n}": f"CAST(floor(r{n} * {20 * n}) AS INTEGER)" for n in range(1, 5)},
    **{
        f"kind_{n}": f"['alpha', 'beta', 'gamma', 'delta', 'epsilon'][1 + CAST(floor(r{n} * 4.999)"
        " AS INTEGER)]"
        for n in range(1, 6)
    },
    "region": "CASE WHEN r6 > 0.05 THEN ['north', 'south'][1 + CAST(r6 > 0.5 AS INTEGER)] END",
    "active": "r7 > 0.3",
    "outcome": "CASE WHEN r1 + r2 * r3 + r8 / 2 > 1.3 THEN 'yes' ELSE 'no' END",
}


def write(path: Path, rows: int = ROWS, *, are_open: bool = False) -> None:
    """Write the table as Parquet: 8 numbers, 4 integers, 6 categories, a boolean, a target.

    Half of the numbers and one category have missing values. The same rows every time; of open
    cases the target is empty.
    """
    columns = COLUMNS | ({"outcome": "CAST(NULL AS VARCHAR)"} if are_open else {})
    chances = ", ".join(f"hash(i * 8 + {n}) / 18446744073709551615 AS r{n}" for n in range(1, 9))
    values = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    with duckdb.connect() as connection:
        drawn = connection.table_function("range", [rows]).project(f"range AS i, {chances}")
        drawn.project(values).write_parquet(str(path))
