"""A deterministic stand-in until the client's data is there, made from the contract.

It has a signal to learn from, dirt for the checks to find, and open cases to score: the newest rows
have no outcome yet. The tests run on it too.
"""

import re
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
from numpy.random import Generator
from numpy.typing import NDArray

from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.contract.written import moment_as
from fourhats_runtime.data.sources import pages
from fourhats_runtime.data.sources.loaded import Loaded
from fourhats_runtime.data.sql import quote

ROWS = 3000
OPEN_ROWS = 300
ENTITY_ROWS = 5
MISSING_SHARE = 0.03
DIRTY_SHARE = 0.01
MOST_DAYS = 2_000
START = datetime(2025, 1, 1, tzinfo=UTC)

Texts = NDArray[np.object_]
Numbers = NDArray[np.float64]


def load(connection: duckdb.DuckDBPyConnection, contract: Contract, table: str) -> Loaded:
    """Write made-up rows into `table`."""
    connection.execute(f"DROP TABLE IF EXISTS {quote(table)}")
    rows = pages.make(contract) if contract.fields else make(contract, open_rows=OPEN_ROWS)
    connection.from_arrow(rows).create(quote(table))
    return Loaded()


def make(contract: Contract, rows: int = ROWS, seed: int = 0, open_rows: int = 0) -> pa.Table:
    """Make `rows` rows of text whose target depends on the features, as a CSV has them.

    Of the last `open_rows` of them the outcome is left empty.
    """
    random = np.random.default_rng(seed)
    columns: dict[str, Texts] = {}
    pushes: list[Numbers] = []
    for column in contract.columns:
        if column.role == "feature" and column.name not in contract.time_parts:
            columns[column.name], push = _feature(column, random, rows)
            if column.is_model_input:
                pushes.append(push)
        elif column.role != "target":
            columns[column.name] = _clockwork(column, contract, rows)
    together = max(2, len(pushes) / 2) * np.prod(pushes[:2], axis=0)  # no linear model sees it
    effect = np.sum(pushes, axis=0) + together + random.normal(0, 0.5, rows)
    columns[contract.target.name] = _target(contract, effect)
    columns[contract.target.name][rows - open_rows :] = ""
    _spoil(contract, columns, random)
    texts = {column.source: columns[column.name].tolist() for column in contract.columns}
    return pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()})


def _feature(column: Column, random: Generator, rows: int) -> tuple[Texts, Numbers]:
    """Draw a feature's texts, and how much each pushes the target."""
    sign = random.choice([-1.0, 1.0])
    push: Numbers
    if column.type == "category":
        choices = column.categories or ("a", "b")
        drawn = random.integers(len(choices), size=rows)
        push = np.linspace(-1, 1, len(choices))[drawn]
        texts = np.array(choices, dtype=object)[drawn]
    elif column.is_time:
        days = random.integers(MOST_DAYS, size=rows)
        moments = [START - timedelta(days=int(day)) for day in days]
        push = np.zeros(rows)
        texts = np.array([moment_as(moment, column.written) for moment in moments], dtype=object)
    elif column.type == "text":
        push, texts = np.zeros(rows), np.array([f"text {row}" for row in range(rows)], dtype=object)
    elif column.type == "boolean":
        drawn = random.integers(2, size=rows)
        push, texts = drawn.astype(np.float64) - 0.5, drawn.astype(str).astype(object)
    else:
        low = column.min if column.min is not None else 0.0
        high = column.max if column.max is not None else low + 100.0
        numbers = random.uniform(low, high, rows)
        place = 2 * (numbers - low) / (high - low) - 1
        push = place + np.abs(place) - 0.5
        texts = _number_texts(column, numbers)
    return texts, sign * push


def _clockwork(column: Column, contract: Contract, rows: int) -> Texts:
    """Count ids up, give an entity some rows, let an hour pass; an ignored column stays empty."""
    moments = [START + timedelta(hours=hour) for hour in range(rows)]
    if column.name in contract.time_parts:
        units = ("year", "month", "day", "hour", "minute")
        unit = next((unit for unit in units if unit in column.name), None)
        parts = [getattr(moment, unit) if unit else hour for hour, moment in enumerate(moments)]
        return np.array([str(part) for part in parts], dtype=object)
    if column.role == "time":
        if column.written and not re.search("[hH]{2}|epoch|days", column.written):
            moments = [START - timedelta(days=rows - day) for day in range(rows)]  # days alone
        return np.array([moment_as(moment, column.written) for moment in moments], dtype=object)
    if column.role == "id":
        return np.array([str(row + 1) for row in range(rows)], dtype=object)
    if column.role == "entity":
        return np.array([str(row // ENTITY_ROWS + 1) for row in range(rows)], dtype=object)
    return np.full(rows, "", dtype=object)


def _target(contract: Contract, effect: Numbers) -> Texts:
    """Turn the effect into classes of fixed shares, or into a number."""
    target = contract.target
    if target.is_number:
        low = target.min if target.min is not None else 0.0
        high = target.max if target.max is not None else low + 100.0
        spread = (effect - effect.min()) / (effect.max() - effect.min())
        return _number_texts(target, low + (high - low) * spread)
    classes = list(target.categories)
    if contract.positive is not None:
        classes = [*(name for name in classes if name != contract.positive), contract.positive]
        cuts = [0.7]
    else:
        cuts = [step / len(classes) for step in range(1, len(classes))]
    drawn = np.searchsorted(np.quantile(effect, cuts), effect)
    return np.array(classes, dtype=object)[drawn]


def _spoil(contract: Contract, columns: dict[str, Texts], random: Generator) -> None:
    """Leave gaps where the contract allows them, and break a few rows for the checks to find."""
    rows = len(columns[contract.target.name])
    for column in contract.features:
        if column.nullable:
            columns[column.name][random.random(rows) < MISSING_SHARE] = ""
    broken = next((c for c in contract.features if c.is_number), contract.features[0])
    columns[broken.name][random.random(rows) < DIRTY_SHARE] = "???"


def _number_texts(column: Column, numbers: Numbers) -> Texts:
    decimal = column.form.decimal if column.form else "."
    texts = [f"{number:.0f}" if column.type == "integer" else f"{number:.2f}" for number in numbers]
    return np.array([text.replace(".", decimal) for text in texts], dtype=object)
