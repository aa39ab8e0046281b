"""The rows of `clean`: all of them to DuckDB, for counts, and an even sample of them as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fourhats_runtime.chance import Floats, Groups, greatest_effect, numbered
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.data.warehouse import relation
from fourhats_runtime.explore.coding import Coded, coded
from fourhats_runtime.model.features import Columns, columns, derived
from fourhats_runtime.model.parts import actual

if TYPE_CHECKING:
    import duckdb

    from fourhats_runtime.contract import Column, Contract
    from fourhats_runtime.data.warehouse import Connection
    from fourhats_runtime.project import Project

MOST_ROWS, MOST_VALUES = 50_000, 2_000_000
"""Of the sample: of wide tables fewer rows, so that 300 columns take no longer than 40."""


@dataclass(frozen=True)
class Rows:
    """The table, and some of its rows, drawn by a hash of where they came from."""

    project: Project
    contract: Contract
    table: duckdb.DuckDBPyRelation
    number: int
    sample: Columns
    """The features, and what features.py makes of them; by name."""
    outcomes: Sequence[object]
    groups: Groups | None
    """Equal for rows of one entity."""

    @classmethod
    def of(cls, connection: Connection, project: Project) -> Rows:
        """Read them.

        Raises:
            ProjectError: features.py fails.

        """
        contract = project.contract
        names = [column.name for column in contract.used]
        picked = ", ".join(map(quote, names))
        table = relation(connection, f"SELECT {picked}, _source, _row FROM clean")
        (number,) = table.aggregate("count(*)").fetchall()[0]
        most = max(1_000, min(MOST_ROWS, MOST_VALUES // len(names)))
        place = "hash(_source, _row)"
        sampled = table.filter(f"{place} % {max(1, -(-number // most))} = 0")
        arrow = sampled.order(f"{place}, _source, _row").project(picked).to_arrow_table()
        values: dict[str, list[Any]] = arrow.to_pydict()
        row = columns(values, contract)
        entity = contract.entity
        groups = None if entity is None else numbered(values[entity.name])
        made = derived(row, project.features) if len(arrow) else {}
        sample = {**row, **{f"{name} (features.py)": each for name, each in made.items()}}
        return cls(project, contract, table, number, sample, values[contract.target.name], groups)

    @cached_property
    def codes(self) -> dict[str, Coded]:
        """Each feature in a few bins."""
        return {self.called(name): coded(values) for name, values in self.sample.items()}

    @cached_property
    def known(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether a row of the sample has an outcome."""
        return np.array([outcome is not None for outcome in self.outcomes], dtype=bool)

    @cached_property
    def actual(self) -> Floats:
        """The outcomes that are known: the class's index, or the number."""
        return actual([each for each in self.outcomes if each is not None], self.contract)

    @cached_property
    def level(self) -> Floats:
        """What a rate or a mean is of: 1 where it came as it calls for action, or the number."""
        if not self.contract.classes:
            return self.actual
        came = self.actual == self.contract.classes.index(self.followed)
        return np.asarray(came, dtype=np.float64)

    @property
    def known_groups(self) -> Groups | None:
        """The entities of the rows with an outcome."""
        return None if self.groups is None else self.groups[self.known]

    @cached_property
    def independent(self) -> float:
        """What each row counts as, at least: one of several alike within their entity is less."""
        return 1 / greatest_effect(self.groups, len(self.outcomes)) if self.outcomes else 1.0

    @cached_property
    def followed(self) -> str:
        """The class whose rate is looked at: that which calls for action, else the commonest."""
        if self.contract.positive is not None:
            return self.contract.positive
        return self.contract.classes[int(np.bincount(self.actual.astype(np.int64)).argmax())]

    @property
    def measured(self) -> str:
        """What `level` is called."""
        target = self.contract.target.source
        return f"share of {target} = {self.followed}" if self.contract.classes else f"mean {target}"

    @property
    def level_in_sql(self) -> str:
        """What `level` is, in DuckDB's SQL."""
        target = quote(self.contract.target.name)
        if not self.contract.classes:
            return f"CAST({target} AS DOUBLE)"
        return f"CAST({target} = {literal(self.followed)} AS INTEGER)"

    def called(self, name: str) -> str:
        """Give a column's name in the client's data."""
        column = self.column(name)
        return name if column is None else column.source

    def column(self, name: str) -> Column | None:
        """Give a column of the contract."""
        return next((each for each in self.contract.used if each.name == name), None)
