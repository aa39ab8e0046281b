"""The rows that a model learns from, is chosen on and is judged by: `sides` says which they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.chance import by_entity
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.frames import from_arrays
from fourhats_runtime.data.joins import ROW, SAMPLE
from fourhats_runtime.data.sql import quote
from fourhats_runtime.data.warehouse import Connection
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.limits import Performance
from fourhats_runtime.model.dates import seasons
from fourhats_runtime.model.encoding import Kind, Kinds
from fourhats_runtime.model.features import Columns, Feed, columns, feed, texts
from fourhats_runtime.model.meaning import vector_names
from fourhats_runtime.model.sides import Hashes, Sides, sides
from fourhats_runtime.pretrained.columns import of_project
from fourhats_runtime.project import Project

FEWEST_ROWS = 50
SAMPLE_ROWS = 2_000


@dataclass(frozen=True)
class Part:
    """Rows with known outcomes: the model's inputs and what really happened.

    `actual` has shape (rows,): the index of the class, or the number itself.
    """

    inputs: Feed
    actual: NDArray[np.float64]
    dataframe: str = "polars"
    """The library whose frames estimators are given."""
    rows: Mapping[str, Sequence[object]] = field(default_factory=dict)
    """Of the holdout: the columns of the table `clean`, which a model of another contract takes.
    Of the validation rows, those that say which rows they are: `ROW`."""
    keys: Hashes | None = None
    """What names each row, of shape (rows,), as `sides` hashes it; None: made by hand."""
    groups: Hashes | None = None
    """Equal for rows of one entity, of shape (rows,); None: each row stands for itself."""
    texts: frozenset[str] = frozenset()
    """The inputs that are texts."""
    seasons: frozenset[str] = frozenset()
    """The inputs that tell where in a year, a week or a day a moment is."""
    vectors: frozenset[str] = frozenset()
    """The inputs that are dimensions of texts' vectors."""

    @cached_property
    def frame(self) -> Any:  # noqa: ANN401 (a frame of either library)
        """The inputs as a frame, which estimators take."""
        arrays = {name: values.ravel() for name, values in self.inputs.items()}
        return from_arrays(arrays, self.dataframe)

    @property
    def kinds(self) -> Kinds:
        """What the inputs are."""
        return {name: self._kind(name) for name in self.inputs}

    def labels(self, contract: Contract) -> NDArray[np.float64] | NDArray[np.int64]:
        """Give what an estimator is fitted to: whole numbers for classes."""
        return self.actual.astype(np.int64) if contract.classes else self.actual

    def entities(self, contract: Contract) -> Hashes | None:
        """Give whose each row is, of shape (rows,); None where the contract has no entity."""
        return self.groups if contract.entity is not None else None

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Part":
        """Give some of the rows, those that are true or stand in these places; as inputs alone."""
        inputs = {name: values[chosen] for name, values in self.inputs.items()}
        keys, groups = (None if each is None else each[chosen] for each in (self.keys, self.groups))
        return replace(
            self, inputs=inputs, actual=self.actual[chosen], rows={}, keys=keys, groups=groups
        )

    def by_entity(self, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give amounts, one a row, as independent draws: see `by_entity`."""
        return by_entity(amounts, self.groups)

    def standard_error(self, amounts: NDArray[np.float64]) -> float:
        """Give the standard error of the mean of amounts, one a row, in their unit.

        Infinite where all rows are of one entity.
        """
        draws = self.by_entity(amounts)
        if len(draws) == 1:
            return float("inf")
        return float(draws.std(ddof=1) / len(draws) ** 0.5)

    def joined(self, other: "Part") -> "Part":
        """Give the rows of both, as inputs alone."""

        def both(one: Any, two: Any) -> Any:  # noqa: ANN401 (arrays, or None)
            return None if one is None or two is None else np.concatenate([one, two])

        return replace(
            self,
            inputs={name: both(values, other.inputs[name]) for name, values in self.inputs.items()},
            actual=both(self.actual, other.actual),
            rows={},
            keys=both(self.keys, other.keys),
            groups=both(self.groups, other.groups),
        )

    def _kind(self, name: str) -> Kind:
        values = self.inputs[name]
        if values.dtype != object:
            if np.isnan(values).all():
                return "nothing"
            if name in self.vectors:
                return "vector"
            return "season" if name in self.seasons else "number"
        return "text" if name in self.texts else "category"

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.actual)


@dataclass(frozen=True)
class Split:
    """The three parts; no row is in two of them."""

    train: Part
    validation: Part
    holdout: Part
    sample: Columns
    """Some of the training rows as the contract has them, before features are derived."""
    by: str = ""
    """What decides which part a row is in, in words."""
    notes: tuple[str, ...] = ()
    """What a person should know of it: how many rows are in no part, and why."""
    table: Any = None
    """The rows that were split, as the table `clean` has them (an Arrow table); None: by hand."""

    @property
    def made_up(self) -> bool:
        """Whether a sample stands in for the client's data."""
        return self.table is not None and set(self.table["_source"].to_pylist()) == {SAMPLE}

    @cached_property
    def learned(self) -> Part:
        """What the final model learns from: the rows of training and of validation."""
        return self.train.joined(self.validation)


def split(connection: Connection, project: Project) -> Split:
    """Split the rows of `clean` that have an outcome.

    Raises:
        ProjectError: there are too few of them, or too many of one moment or entity; or
            features.py fails.

    """
    contract = project.contract
    target, rank = quote(contract.target.name), "0"
    if contract.time_order:
        rank = f"percent_rank() OVER (ORDER BY {', '.join(map(quote, contract.time_order))})"
    table = connection.arrow(
        f"SELECT *, {rank} AS _rank FROM clean WHERE {target} IS NOT NULL "
        "ORDER BY _rank, _source, _row"
    )
    connection.let_go()  # to learn and to judge takes long: others may write meanwhile
    rows = table.to_pydict()
    ranks = np.array(rows["_rank"], dtype=np.float64)
    if len(ranks) < FEWEST_ROWS:
        raise ProjectError(
            f"only {len(ranks)} valid rows have an outcome ({contract.target.name}): "
            f"at least {FEWEST_ROWS} are needed"
        )
    row = columns(rows, contract)
    outcomes = actual(rows[contract.target.name], contract)
    days = project.settings(Performance).outcome_days
    side = sides(rows, ranks, contract, days)
    inputs = feed(row, contract, project.features, of_project(project))
    whole = Part(
        inputs,
        outcomes,
        project.dataframe,
        keys=side.keys,
        groups=side.groups,
        texts=texts(contract),
        seasons=seasons(contract),
        vectors=vector_names(inputs, contract),
    )
    # In time, or in no order that means anything: every n-th of them stands for all.
    order = np.arange(len(whole)) if contract.time_order else np.argsort(side.keys, kind="stable")
    train, validation, holdout = (
        order[chosen[order]] for chosen in (side.train, side.validation, side.holdout)
    )
    if not (len(train) and len(validation) and len(holdout)):
        raise ProjectError(_no_split(contract, side, days))
    return Split(
        train=whole.where(train),
        validation=_with_rows(whole, validation, {name: rows[name] for name in ROW}),
        holdout=_with_rows(whole, holdout, rows),
        sample={
            name: values[train][:: -(-len(train) // SAMPLE_ROWS)] for name, values in row.items()
        },
        by=side.by,
        notes=(
            *side.notes,
            *_never_seen(outcomes[train], contract),
            *_empty(whole.where(train)),
        ),
        table=table.select([*ROW, *(column.name for column in contract.used)]),
    )


def _with_rows(whole: Part, places: NDArray[np.intp], rows: Mapping[str, Sequence[object]]) -> Part:
    kept = {name: [values[place] for place in places] for name, values in rows.items()}
    return replace(whole.where(places), rows=kept)


def actual(outcomes: Iterable[object], contract: Contract) -> NDArray[np.float64]:
    """Turn outcomes, or their texts, into class indices or into plain numbers."""
    if contract.classes:
        index = {name: float(place) for place, name in enumerate(contract.classes)}
        outcomes = [index[str(name)] for name in outcomes]
    return np.asarray(outcomes, dtype=np.float64)


def _never_seen(outcomes: NDArray[np.float64], contract: Contract) -> Iterator[str]:
    seen = set(outcomes.tolist())
    for place, name in enumerate(contract.classes):
        if place not in seen:
            yield f"no training row is of the class {name}, so it is never predicted"


def _empty(train: Part) -> Iterator[str]:
    """Say which inputs have no value in any of the rows."""
    empty = [name for name, kind in train.kinds.items() if kind == "nothing"]
    if empty:
        yield f"not learnt from, as no training row has a value: {', '.join(empty)}"


def _no_split(contract: Contract, side: Sides, outcome_days: float) -> str:
    """Say why a part is empty, and what to do."""
    time = " and ".join(contract.time_order)
    if outcome_days and side.notes:
        return (
            f"{'; '.join(side.notes)}: nothing is left to learn from, to tune on or to judge by."
            " It takes rows of a longer time, or a smaller performance.outcome_days in"
            " config/monitoring.toml"
        )
    if contract.entity is not None:
        return (
            f"the rows are of {len(np.unique(side.groups)):,} {contract.entity.name} only"
            f"{f', or too many have the same {time}' if time else ''}: they cannot be split so that"
            " no entity is on two sides. It takes more of them; or take the role away in"
            " config/contract.toml, where they are a category and not somebody"
        )
    return (
        f"too many rows have the same {time or 'content'}: they cannot be split by it."
        " Take its role away in config/contract.toml, and they are split by a hash"
    )
