"""The client's rows as a first model takes them, and what a table says about them as a whole."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
from fourhats_runtime.chance import numbered
from fourhats_runtime.contract import Contract, load
from fourhats_runtime.contract.names import landed
from fourhats_runtime.data.duckdb_errors import reason
from fourhats_runtime.data.quality import meant
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.data.typed_values import SQL_TYPES
from fourhats_runtime.model.encoding import SPLIT
from fourhats_runtime.model.features import columns, feed, texts
from fourhats_runtime.profile import to_toml
from sklearn.feature_extraction.text import CountVectorizer

from fourhats.diagnose.learnt import Cases
from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyRelation
    from fourhats_runtime.lifecycle.today import Today
    from fourhats_runtime.profile import Profile
    from numpy.typing import NDArray

MOST_ROWS = 50_000
"""So many are learnt from and judged; of more, an even sample."""
PARTS = 1_000_000
MOST_WORDS = 200


@dataclass(frozen=True)
class Counted:
    """What all rows say."""

    classes: Mapping[str, int]
    """How many rows are of each class; empty where a number is predicted."""
    known: int
    """Rows with an outcome that can be learnt from."""
    open: int
    """Rows without an outcome: cases that wait for a decision."""
    span: tuple[str, str] | None
    """The first moment and the last one."""
    entities: int | None


def contract_of(
    profile: Profile, project: Path, positive: str | None = None
) -> tuple[Contract, str]:
    """Give the project's contract where it is about this data, else the inferred one; says which.

    `positive` is the class that calls for action, where it was chosen; the profile has it already.

    Raises:
        ProjectError: the project's file cannot be read as a contract.
        WrongInputError: its target has no such class.

    """
    file = project / "config" / "contract.toml"
    if file.is_file():
        own = load(file)
        named = {column.source for column in profile.columns}
        target = next(c.source for c in profile.columns if c.name == profile.target)
        if own.target.source == target and all(column.source in named for column in own.used):
            which = "as your config/contract.toml says"
            if positive is None or positive == own.positive:
                return own, which
            if positive not in own.classes:
                raise WrongInputError(
                    f"{file}: the target has no class {positive!r} (there are: "
                    f"{', '.join(own.classes)})"
                )
            chosen = own.model_copy(update={"positive": positive})
            return chosen, f"{which}, but for {positive}, which was chosen to call for action"
    return Contract.model_validate(tomllib.loads(to_toml(profile))), "as inferred from the data"


class Table:
    """Rows typed and named as a contract says; it is read while the client's data is open."""

    def __init__(self, rows: DuckDBPyRelation, contract: Contract) -> None:
        """Read nothing yet."""
        self.contract = contract
        present = {
            landed(name): str(kind) for name, kind in zip(rows.columns, rows.types, strict=True)
        }
        names = ", ".join(f"{quote(name)} AS {quote(landed(name))}" for name in rows.columns)
        values = ", ".join(
            f"CAST({meant(c, present)[0]} AS {SQL_TYPES[c.type]}) AS {quote(c.name)}"
            for c in contract.used
        )
        self._rows = rows.project(names).project(values)
        self._outcome = quote(contract.target.name)
        self._known = f"{self._outcome} IS NOT NULL"
        if contract.classes:
            self._known = f"{self._outcome} IN ({', '.join(map(literal, contract.classes))})"

    def counted(self) -> Counted:
        """Count all rows.

        Raises:
            WrongInputError: they cannot be read.

        """
        contract = self.contract
        classes = {}
        if contract.classes:
            query = f"SELECT {self._outcome}, count(*) FROM rows GROUP BY 1"  # noqa: S608
            found = dict(self._ask(query))
            classes = {name: found.get(name, 0) for name in contract.classes}
        entity = "NULL" if contract.entity is None else quote(contract.entity.name)
        time = [c for c in contract.columns if c.role == "time" and c.is_time]
        moment = quote(time[0].name) if time else "NULL"
        ((known, unknown, entities, first, last),) = self._ask(
            f"SELECT count(*) FILTER ({self._known}), count(*) FILTER ({self._outcome} IS NULL), "  # noqa: S608
            f"count(DISTINCT {entity}), min({moment}), max({moment}) FROM rows"
        )
        span = None if first is None else (f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}")
        return Counted(classes, known, unknown, span, None if contract.entity is None else entities)

    def cases(self, known: int, today: Today | None) -> Cases:
        """Give rows with an outcome, as many of the `known` as a first model takes.

        Raises:
            WrongInputError: they cannot be read.
            ProjectError: today's rule does not fit them.

        """
        contract, order = self.contract, self.contract.time_order
        rank = f"percent_rank() OVER (ORDER BY {', '.join(map(quote, order))})" if order else "0.0"
        share = int(PARTS * min(1.0, MOST_ROWS / max(1, known)))
        values = self._columns(
            f"SELECT * EXCLUDE (_n) FROM (SELECT *, {rank} AS _rank, row_number() OVER () AS _n "  # noqa: S608
            f"FROM rows WHERE {self._known}) WHERE hash(_n) % {PARTS} < {share} ORDER BY _rank, _n"
        )
        outcomes = values[contract.target.name]
        if contract.classes:
            places = {name: place for place, name in enumerate(contract.classes)}
            outcomes = [places[each] for each in outcomes]
        entity = contract.entity
        row = columns(values, contract)
        given = feed(row, contract, None)
        words = texts(contract)
        inputs = [
            _terms(each.ravel()) if name in words else _numbers(each.ravel())
            for name, each in given.items()
        ]
        return Cases(
            np.column_stack(inputs),
            np.asarray(outcomes, dtype=np.float64),
            None if entity is None else numbered(values[entity.name]),
            np.asarray(values["_rank"], dtype=np.float64) if order else None,
            None if today is None else today.on(values, contract),
        )

    def _columns(self, query: str) -> dict[str, Sequence[Any]]:
        found = self._relation(query)
        rows = found.fetchall()
        turned = zip(*rows, strict=True) if rows else ([] for _ in found.columns)
        return dict(zip(found.columns, map(list, turned), strict=True))

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        return self._relation(query).fetchall()

    def _relation(self, query: str) -> DuckDBPyRelation:
        try:
            found = self._rows.query("rows", query)
        except duckdb.Error as error:
            raise WrongInputError(f"the rows cannot be read: {reason(error)}") from error
        assert found is not None  # noqa: S101 (a SELECT gives rows)
        return found


def _terms(values: NDArray[Any]) -> NDArray[np.float64]:
    """Tell which of the commonest words are in each text, shape (rows, words).

    As with categories, no outcome is looked at.
    """
    counter = CountVectorizer(binary=True, **(SPLIT | {"max_features": MOST_WORDS}))
    return np.asarray(counter.fit_transform(values).toarray(), dtype=np.float64)


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    """Give numbers as they are, and categories by their place in the alphabet.

    No outcome is looked at, so that nothing is given away by doing it for all rows at once.
    """
    if values.dtype != object:
        return values.astype(np.float64)
    return np.unique(values.astype(str), return_inverse=True)[1].astype(np.float64)
