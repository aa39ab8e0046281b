"""The decisions that were taken on the predictions given, and what they earned.

They are rebuilt from the answers as they were given, by the threshold of the model that gave them
and by the values of business.toml as they are today.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .. import contract as contract_file
from ..contract import Contract
from ..frames import columns_of
from ..registry import CONTRACT_FILE, Registry
from ..settings import Settings
from ..split import actual
from ..sql import literal
from ..value import Rule
from ..warehouse import Connection, frame, one_row
from . import reference

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Decisions:
    """What was decided, an array of shape (rows,) a fact; NaN where it cannot be known (yet)."""

    given_at: NDArray[np.datetime64]
    version: NDArray[np.object_]
    certainty: Floats
    """The figure that the decision rests on."""
    earned: Floats
    """What the decision earned, in the currency."""
    surprise: Floats
    """By how much reality missed the figure."""

    def __len__(self) -> int:
        """Count the decisions."""
        return len(self.earned)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the outcome is known."""
        return ~np.isnan(self.earned)

    def where(self, chosen: NDArray[np.bool_]) -> Self:
        """Give some of them."""
        return type(self)(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Wait:
    """How many decisions there are, how many have an outcome, and since when the oldest waits."""

    decisions: int
    known: int
    oldest: datetime | None


def taken(  # noqa: PLR0913
    connection: Connection,
    settings: Settings,
    contract: Contract,
    *,
    version: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    known: bool | None = None,
    most: int | None = None,
) -> Decisions:
    """Give the decisions of a model or of all, from one moment on and before another (in UTC).

    Of several on the same case the latest counts. With `most`, only so many of the latest.
    """
    query, parameters = _query(contract, version, since, until, known)
    if most is not None:
        query += f" LIMIT {most}"
    columns = columns_of(frame(connection, query, parameters))
    versions = np.array(columns["model_version"], dtype=object)
    made = Decisions(
        np.array(columns["given_at"], dtype="datetime64[us]"),
        versions,
        *(np.full(len(versions), np.nan) for _ in range(3)),
    )
    for name in set(columns["model_version"]):
        rule = rule_of(settings, name)
        if rule is None or rule.contract.classes != contract.classes:
            continue  # nobody knows any more how it decided
        places = np.flatnonzero(versions == name)
        outputs = rule.recall(
            [columns["prediction"][place] for place in places],
            [columns["probability"][place] for place in places],
        )
        made.certainty[places] = rule.certainty(outputs)
        told = np.array([columns["actual"][place] is not None for place in places], dtype=bool)
        outcomes = actual([columns["actual"][place] for place in places[told]], contract)
        made.earned[places[told]] = rule.realised(outputs[told], outcomes)
        made.surprise[places[told]] = rule.surprise(outputs[told], outcomes)
    return made


def waiting(
    connection: Connection, contract: Contract, version: str, until: datetime | None
) -> Wait:
    """Count a model's decisions before a moment, and look how long outcomes are waited for."""
    query, parameters = _query(contract, version, None, until, None)
    decisions, known, oldest = one_row(
        connection,
        "SELECT count(*), count(actual), min(CASE WHEN actual IS NULL THEN given_at END) "
        f"FROM ({query}) AS taken",
        parameters,
    )
    return Wait(decisions, known, oldest)


def on_holdout(settings: Settings, version: str) -> Decisions:
    """Give what a model's decisions on the holdout would have earned.

    Raises:
        ProjectError: the model has not been evaluated.

    """
    registry = Registry(settings.artifacts / "registry")
    rule = rule_of(settings, version)
    outputs, outcomes = reference.holdout(registry.folder(version))
    assert rule is not None  # noqa: S101
    return Decisions(
        np.full(len(outcomes), np.datetime64("NaT"), dtype="datetime64[us]"),
        np.full(len(outcomes), version, dtype=object),
        rule.certainty(outputs),
        rule.realised(outputs, outcomes),
        rule.surprise(outputs, outcomes),
    )


def rule_of(settings: Settings, version: str) -> Rule | None:
    """Give the rule by which a registered model decides, None for one that is gone."""
    registry = Registry(settings.artifacts / "registry")
    folder = registry.folder(version)
    if not folder.is_dir():
        return None
    contract = contract_file.load(folder / CONTRACT_FILE)
    return Rule(contract, settings.value, registry.card(version)["threshold"])


def _query(
    contract: Contract,
    version: str | None,
    since: datetime | None,
    until: datetime | None,
    known: bool | None,  # noqa: FBT001
) -> tuple[str, list[object]]:
    """Give the SQL of decisions, the latest first, an outcome that the contract forbids as none."""
    conditions = ["given_at IS NOT NULL"]
    parameters: list[object] = []
    for condition, parameter in (
        ("model_version = ?", version),
        ("given_at >= ?", since),
        ("given_at < ?", until),
    ):
        if parameter is not None:
            conditions.append(condition)
            parameters.append(parameter)
    if contract.classes:
        names = ", ".join(map(literal, contract.classes))
        conditions += [f"prediction IN ({names})", "probability IS NOT NULL"]
        outcome = f"CASE WHEN actual IN ({names}) THEN actual END"
    else:
        conditions.append("TRY_CAST(prediction AS DOUBLE) IS NOT NULL")
        outcome = "TRY_CAST(actual AS DOUBLE)"
    told = {None: "TRUE", True: "actual IS NOT NULL", False: "actual IS NULL"}[known]
    query = (
        "SELECT given_at, model_version, prediction, probability, actual FROM ("
        f"SELECT given_at, prediction_id, model_version, prediction, probability, {outcome} AS "
        "actual, row_number() OVER (PARTITION BY coalesce(id, prediction_id) "
        "ORDER BY given_at DESC, prediction_id) AS nth "
        f"FROM predictions WHERE {' AND '.join(conditions)}) AS numbered "
        f"WHERE nth = 1 AND {told} ORDER BY given_at DESC, prediction_id"
    )
    return query, parameters
