"""How a source's values differ from what the contract says of them: `contract diff`, `validate`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp

from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.contract.names import landed
from fourhats_runtime.data.differences import FILE, Difference, absent, added, as_toml
from fourhats_runtime.data.joins import own_columns
from fourhats_runtime.data.quality import meant
from fourhats_runtime.data.sql import among, quote
from fourhats_runtime.data.warehouse import Connection, columns, one_row, table_exists
from fourhats_runtime.profile.texts import LOOKS
from fourhats_runtime.profile.writing import example, moments, numbers

LISTED = 5
MOST_TEXTS = 1000
FEWEST_KNOWN = 30
ALIKE = 0.15
FACTORS = (10, 100, 1000, 10**6, 60, 3600)
"""How many of one unit another is: cents, thousands, seconds."""


def differences(
    connection: Connection,
    contract: Contract,
    earlier: Connection | None = None,
    failing: Collection[str] | None = None,
) -> list[Difference]:
    """Give what is in `raw` and not as the contract says: columns, values, units.

    Units are judged by the rows in the table `clean` of `earlier`, if there are any. `failing` are
    the columns that break the contract, if that is known: the values of others are read as it says.
    """
    present = own_columns(connection, "raw")
    read = [c for c in contract.used if landed(c.source) in present and not c.pii]
    # An open case may be of a category that is not known: that breaks nothing.
    doubtful = [c for c in read if failing is None or c.categories or c.name in failing]
    return [
        *absent(contract, list(present)),
        *added(contract, list(present)),
        *_values(connection, doubtful, present),
        *_units(connection, read, present, earlier),
    ]


@dataclass(frozen=True)
class _Seen:
    """A column in `raw`: the SQL of its value, of a text that is not read, and how many are not."""

    column: Column
    value: str
    unread: str
    rows: int
    count: int


def _values(
    connection: Connection, read: Sequence[Column], present: Mapping[str, str]
) -> Iterator[Difference]:
    asked = []
    for column in read:
        value, missing = meant(column, present)
        unread = "FALSE" if missing is None else f"({value} IS NULL AND NOT {missing})"
        if column.categories:
            unread = f"(NOT {among(value, (*column.categories, *column.set_aside))})"
        asked.append((column, value, unread))
    if not asked:
        return
    counts = ", ".join(f"count(CASE WHEN {unread} THEN 1 END)" for _, _, unread in asked)
    rows, *found = one_row(connection, f"SELECT count(*), {counts} FROM raw")
    for (column, value, unread), count in zip(asked, found, strict=True):
        if count:
            seen = _Seen(column, value, unread, rows, count)
            yield _categories(connection, seen) if column.categories else _written(connection, seen)


def _categories(connection: Connection, seen: _Seen) -> Difference:
    column = seen.column
    rows = connection.execute(
        f"SELECT {seen.value} AS v, count(*) AS n FROM raw WHERE {seen.unread} "
        f"GROUP BY {seen.value} ORDER BY n DESC, v LIMIT {MOST_TEXTS}"
    ).fetchall()
    new = [str(value) for value, _ in rows]
    listed = ", ".join(map(as_toml, new[:LISTED])) + f" and {len(new) - LISTED} more" * (
        len(new) > LISTED
    )
    follows = "rows with an outcome are set aside, open cases are scored as of an unknown category"
    edit = f"categories = {as_toml([*column.categories, *new])} and train anew"
    if column.role == "target":
        follows = "rows of it are set aside"
        edit += f", or set_aside = {as_toml([*column.set_aside, *new])}"
    return Difference(
        column.name,
        f"{column.source} holds what is none of its categories, {listed}, in {seen.count:,} of "
        f"{seen.rows:,} rows",
        follows,
        f"at {column.name} in {FILE} write {edit}",
    )


def _written(connection: Connection, seen: _Seen) -> Difference:
    """Say how values are written that are not read as the contract says."""
    column, source = seen.column, f"CAST({quote(landed(seen.column.source))} AS VARCHAR)"
    rows = connection.execute(
        f"SELECT {source} AS v, count(*) AS n FROM raw WHERE {seen.unread} "
        f"GROUP BY {source} ORDER BY n DESC, v LIMIT {MOST_TEXTS}"
    ).fetchall()
    texts = [str(text).replace("\u00a0", " ").strip() for text, _ in rows]
    written, kind = _way(column, texts)
    expected = f"written = {as_toml(column.written)}" if column.written else f"type {column.type}"
    said = (
        f"{column.source} holds what {expected} does not read, in {seen.count:,} of {seen.rows:,}"
    )
    if not kind:
        return Difference(
            column.name,
            f"{said} rows",
            "they are set aside",
            f'mend it in the source, or at {column.name} in {FILE} write type = "text" or '
            '"category" and train anew',
        )
    edits = [f"write written = {as_toml(written)}"] if written else []
    edits += [f"remove {expected}"] if column.written and not written else []
    if kind != column.type and (kind, column.type) != ("number", "integer"):
        edits.append(f'write type = "{kind}"')
    line = f"at {column.name} in {FILE} {' and '.join(edits)}"
    all_of_them = seen.count == seen.rows
    return Difference(
        column.name,
        f"{said} rows: {'all' if all_of_them else 'these'} are written "
        f"{f'as {written}' if written else 'plainly, as 2026-12-31 or 12.5'}",
        "they are set aside",
        line if all_of_them else f"write all of them one way in the source, or {line}",
    )


def _way(column: Column, texts: Sequence[str]) -> tuple[str, str]:
    """Give how texts are written, empty where that is plain, and of which type they are, if any."""
    for kind in ("datetime", "number"):
        if texts and all(map(LOOKS[kind].fullmatch, texts)):
            return "", kind
    if dated := moments(column.name, texts):
        alike = (way.written for way in dated if way.written[0] == column.written[:1])
        return next(alike, dated[0].written), "datetime"
    if ways := numbers(texts):
        seen = "".join(sign for sign in ".,'( " if any(sign in text for text in texts))
        fitting = (each for each in ways if set(seen) & set(".,") <= set(each[0]))
        signs, way = next(fitting, ways[0])
        return example(way, signs, seen), "number"
    return "", ""


def _units(
    connection: Connection,
    read: Sequence[Column],
    present: Mapping[str, str],
    earlier: Connection | None,
) -> Iterator[Difference]:
    """Compare the sizes of each amount with those of the rows before, on a logarithmic scale.

    There, another unit moves all of them by as much, however heavy the tail is.
    """
    if earlier is None or not table_exists(earlier, "clean"):
        return
    known = columns(earlier, "clean")
    amounts = [c for c in read if c.type in ("integer", "number") and c.name in known]
    if not amounts:
        return
    now = _sizes(connection, [meant(c, present)[0] for c in amounts], "raw")
    before = _sizes(earlier, [quote(c.name) for c in amounts], "clean")
    for column, old, new in zip(amounts, before, now, strict=True):
        factor = _factor(old, new)
        if not factor:
            continue
        larger, times = factor > 1, max(factor, 1 / factor)
        yield Difference(
            column.name,
            f"{column.source} is {times:,.0f} times {'more' if larger else 'less'} than in the rows"
            " before, all along",
            "nothing is set aside, though it is another unit, as it seems, and the model would be "
            "given what it has never seen",
            f"{'divide' if larger else 'multiply'} it by {times:.0f} in the source, or train anew",
        )


@dataclass(frozen=True)
class _Sizes:
    """How many values there are, and the mean and standard deviation of their logarithms."""

    known: int
    mean: float | None
    spread: float | None


def _sizes(connection: Connection, values: Sequence[str], table: str) -> list[_Sizes]:
    asked = []
    for value in values:
        size = f"ln(abs(CASE WHEN {value} <> 0 THEN CAST({value} AS DOUBLE) END))"
        asked += [f"count({size})", f"avg({size})", f"stddev_samp({size})"]
    figures = one_row(connection, f"SELECT {', '.join(asked)} FROM {table}")
    return [_Sizes(*each) for each in zip(figures[::3], figures[1::3], figures[2::3], strict=True)]


def _factor(before: _Sizes, now: _Sizes) -> float:
    """Give the factor between two units by which all values differ; 0 where there is none."""
    if min(before.known, now.known) < FEWEST_KNOWN or not before.spread or not now.spread:
        return 0
    if before.mean is None or now.mean is None or abs(now.spread / before.spread - 1) > ALIKE:
        return 0
    apart = exp(now.mean - before.mean)
    near = (each for factor in FACTORS for each in (factor, 1 / factor))
    return next((each for each in near if abs(apart / each - 1) <= ALIKE), 0)
