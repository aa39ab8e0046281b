"""What there is: rows, outcomes, what was set aside, and what was left out and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourhats_runtime.data.joins import SAMPLE
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.data.warehouse import count, one_row, table_exists
from fourhats_runtime.explore.facts import Section, Table
from fourhats_runtime.lifecycle.comparison import MADE_UP
from fourhats_runtime.monitor.quality_report import MOST_REASONS, reasons
from fourhats_runtime.wording import number

if TYPE_CHECKING:
    from fourhats_runtime.contract import Column
    from fourhats_runtime.data.warehouse import Connection
    from fourhats_runtime.explore.sample import Rows


def overview(connection: Connection, rows: Rows) -> Section:
    """Count what there is."""
    target = rows.contract.target
    (known,) = rows.table.aggregate(f"count({quote(target.name)})").fetchall()[0]
    cells = [
        ["Rows that came in", f"{count(connection, 'raw'):,}"] if _has(connection, "raw") else [],
        ["Rows that pass every check", f"{rows.number:,}"],
        ["… of which the outcome is known", f"{known:,}"],
        ["Features", f"{len(rows.contract.features):,}"],
        *_outcomes(rows),
        *_of_entities(rows),
        *_of_time(rows),
    ]
    words = [f"What follows is of the {rows.number:,} rows that pass every check."]
    if len(rows.outcomes) < rows.number:
        words.append(
            "Counts are of all of them; what compares columns rests on "
            f"{len(rows.outcomes):,}, drawn evenly."
        )
    (real,) = one_row(connection, f"SELECT count(*) FROM clean WHERE _source <> {literal(SAMPLE)}")
    if not real:
        words.insert(0, MADE_UP)
    return Section(
        "What there is", words, Table(["What", "How much"], [row for row in cells if row])
    )


def quality(connection: Connection) -> Section:
    """Say which rows were set aside, and why."""
    title = "Quality"
    if not _has(connection, "quarantine"):
        return Section(title, ["No row has been checked yet."])
    found = reasons(connection)
    aside = count(connection, "quarantine")
    words = [f"{aside:,} rows were set aside, as they fail a check of the contract."]
    if not found:
        return Section(title, words)
    cells = [[reason, f"{rows:,}"] for reason, rows, _ in found[:MOST_REASONS]]
    return Section(title, words, Table(["Why rows were set aside", "Rows"], cells))


def left_out(rows: Rows) -> Section:
    """Say which columns no model is given, and why."""
    title = "What was left out, and why"
    found = [column for column in rows.contract.columns if not column.reaches_model]
    cells = [
        [column.source, why]
        for column in found
        if column.role != "target" and (why := _why(column))
    ]
    if not cells:
        return Section(title, ["Nothing: every column of the contract is looked at."])
    words = ["These columns stand in the contract, and no model is given them as they are."]
    return Section(title, words, Table(["Column", "Why"], cells))


def _why(column: Column) -> str:
    if column.pii:
        why = "personal data"
    elif column.leak == "suspected":
        why = "is suspected to give the outcome away"
    elif column.is_identifier:
        why = "says which row it is, or whose"
    elif column.role == "time":
        why = "puts the rows in time"
    elif column.role == "ignore":
        why = "the contract leaves it out"
    elif column.is_time:
        why = "a moment: features.py may derive something from it"
    else:
        why = "a free text, whose words are not counted"
    return f"{why} ({column.note})" if column.note else why


def _outcomes(rows: Rows) -> list[list[str]]:
    contract = rows.contract
    target = quote(contract.target.name)
    if not contract.classes:
        mean, least, middle, most = rows.table.aggregate(
            f"avg({target}), min({target}), median({target}), max({target})"
        ).fetchall()[0]
        if mean is None:
            return []
        named = ("mean", mean), ("least", least), ("median", middle), ("most", most)
        return [[f"{contract.target.source}: {name}", number(float(each))] for name, each in named]
    counted = dict(
        rows.table.filter(f"{target} IS NOT NULL")
        .aggregate(f"{target}, count(*)", target)
        .fetchall()
    )
    total = sum(counted.values()) or 1
    return [
        [
            f"{contract.target.source} = {name}",
            f"{counted.get(name, 0):,} ({number(100 * counted.get(name, 0) / total, 3)} %)",
        ]
        for name in contract.classes
    ]


def _of_entities(rows: Rows) -> list[list[str]]:
    entity = rows.contract.entity
    if entity is None:
        return []
    (there,) = rows.table.aggregate(f"count(DISTINCT {quote(entity.name)})").fetchall()[0]
    return [[f"Different {entity.source}", f"{there:,}"]]


def _of_time(rows: Rows) -> list[list[str]]:
    return [
        [f"{column.source}, from … to", " … ".join(str(each)[:10] for each in ends)]
        for column in rows.contract.used
        if column.role == "time"
        and (
            ends := rows.table.aggregate(
                f"min({quote(column.name)}), max({quote(column.name)})"
            ).fetchall()[0]
        )[0]
        is not None
    ]


def _has(connection: Connection, table: str) -> bool:
    return table_exists(connection, table)
