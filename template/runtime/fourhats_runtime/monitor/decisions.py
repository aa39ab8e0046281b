"""The decisions that were taken on the predictions about open cases, and what they earned.

They are taken from the answers as they were given, and valued by the amounts of business.toml as
they are today: new amounts change what a decision was worth, and not what was decided.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime import contract as contract_file
from fourhats_runtime import tasks
from fourhats_runtime.chance import Floats, Groups, numbered
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.sql import literal, quote
from fourhats_runtime.data.warehouse import Connection, one_row, values
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle import reference, today
from fourhats_runtime.lifecycle.registry import CONTRACT_FILE, Registry
from fourhats_runtime.model.parts import actual
from fourhats_runtime.project import Project
from fourhats_runtime.tasks.rule import Policy, Rule

logger = logging.getLogger(__name__)


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
    added: Floats
    """What it earned more than the best policy without a model would have, on the same case."""
    entity: Groups
    """Equal for decisions about one entity; where nobody knows of any, each has a number alone."""

    def __len__(self) -> int:
        """Count the decisions."""
        return len(self.earned)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the outcome is known."""
        return ~np.isnan(self.earned)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
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
    project: Project,
    contract: Contract,
    *,
    versions: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    known: bool | None = None,
    most: int | None = None,
) -> Decisions:
    """Give the decisions of some models or of all, from one moment on and before another (in UTC).

    Of several on the same case the latest counts; with `known`, of those with an outcome. With
    `most`, only so many of the latest.
    """

    @cache
    def found(*features: str) -> dict[str, list[Any]]:
        query, parameters = _query(contract, versions, since, until, known, features=features)
        limit = "" if most is None else f" LIMIT {most}"
        return values(connection, query + limit, parameters)

    columns = found()
    given_by = np.array(columns["model_version"], dtype=object)
    certainty, earned, surprise, added = (np.full(len(given_by), np.nan) for _ in range(4))
    made = Decisions(
        np.array(columns["given_at"], dtype="datetime64[us]"),
        given_by,
        certainty,
        earned,
        surprise,
        added,
        numbered(columns["_entity"]),
    )
    for name in set(columns["model_version"]):
        rule = rule_of(project, name)
        if rule is None or rule.contract.classes != contract.classes:
            continue  # nobody knows any more how it decided
        places = np.flatnonzero(given_by == name)
        outputs = rule.recall(
            [columns["prediction"][place] for place in places],
            [columns["probability"][place] for place in places],
        )
        made.certainty[places] = rule.certainty(outputs)
        came = np.array([columns["actual"][place] is not None for place in places], dtype=bool)
        outcomes = actual([columns["actual"][place] for place in places[came]], contract)
        decided = [columns["decision"][place] for place in places[came]]
        made.earned[places[came]] = rule.realised(outputs[came], outcomes, decided)
        made.surprise[places[came]] = rule.surprise(outputs[came], outcomes)
        policy = best_policy(project, name, rule)
        if policy is not None and policy.name == today.NAME:
            there = connection.columns("predictions")
            records = found(*(each.name for each in contract.features if each.name in there))
            cases = {
                column: [kept[place] for place in places[came]] for column, kept in records.items()
            }
            policy = _todays(project, name, cases, contract, rule)
        if policy is not None:
            made.added[places] = made.earned[places]
            made.added[places[came]] -= rule.by_policy(policy, outcomes)
    return made


def waiting(
    connection: Connection, contract: Contract, versions: Sequence[str], until: datetime | None
) -> Wait:
    """Count some models' decisions before a moment, and look how long outcomes are waited for."""
    query, parameters = _query(contract, versions, None, until, None)
    decisions, known, oldest = one_row(
        connection,
        "SELECT count(*), count(actual), min(CASE WHEN actual IS NULL THEN given_at END) "
        f"FROM ({query}) AS taken",
        parameters,
    )
    return Wait(decisions, known, oldest)


def on_holdout(project: Project, version: str) -> Decisions:
    """Give what a model's decisions on the holdout would have earned.

    Raises:
        ProjectError: the model has not been evaluated.

    """
    registry = Registry(project.artifacts / "registry")
    rule = rule_of(project, version)
    outputs, outcomes, groups, _ = reference.holdout(registry.folder(version))
    assert rule is not None  # noqa: S101
    earned, policy = rule.realised(outputs, outcomes), best_policy(project, version, rule)
    return Decisions(
        np.full(len(outcomes), np.datetime64("NaT"), dtype="datetime64[us]"),
        np.full(len(outcomes), version, dtype=object),
        rule.certainty(outputs),
        earned,
        rule.surprise(outputs, outcomes),
        earned - (np.nan if policy is None else rule.by_policy(policy, outcomes)),
        np.arange(len(outcomes)) if groups is None else groups,
    )


def best_policy(project: Project, version: str, rule: Rule) -> Policy | None:
    """Give the policy without a model that a registered one has to beat; None before evaluation.

    The best on the holdout, as the evaluation found it: by the amounts of the moment, since others
    may make another one the best. If that is today's rule, it is what it decided there.
    """
    registry = Registry(project.artifacts / "registry")
    found = (registry.noted(version, "evaluation") or {}).get("no_model")
    if not found:
        return None
    holdout = reference.holdout(registry.folder(version))
    policies = [Policy(**facts) for facts in found]
    if holdout.today is not None:
        policies.append(holdout.today)
    return max(policies, key=lambda policy: float(rule.by_policy(policy, holdout.actual).mean()))


def _todays(
    project: Project,
    version: str,
    rows: Mapping[str, Sequence[object]],
    contract: Contract,
    rule: Rule,
) -> Policy | None:
    """Give what today's rule, as the model was judged against it, decides on other cases.

    `rows` are as `contract` describes them. None where it cannot be asked any more: what the model
    adds to it is not known then.
    """
    registry = Registry(project.artifacts / "registry")
    asked = today.Today.noted(registry.noted(version, "evaluation") or {}, project)
    try:
        return asked.policy(asked.said(rows, contract), rule.contract) if asked else None
    except ProjectError as error:
        logger.warning("what %s adds to today's rule is not known any more: %s", version, error)
        return None


def rule_of(project: Project, version: str) -> Rule | None:
    """Give the rule by which a registered model decides, None for one that is gone."""
    registry = Registry(project.artifacts / "registry")
    folder = registry.folder(version)
    if not folder.is_dir():
        return None
    contract = contract_file.load(folder / CONTRACT_FILE)
    return tasks.rule_of(project, contract, registry.card(version).get("rule", {}))


def _query(  # noqa: PLR0913
    contract: Contract,
    versions: Sequence[str] | None,
    since: datetime | None,
    until: datetime | None,
    known: bool | None,  # noqa: FBT001
    *,
    features: Sequence[str] = (),
) -> tuple[str, list[object]]:
    """Give the SQL of decisions, the latest first, an outcome that the contract forbids as none.

    `features` are columns of their records to be given as well.
    """
    conditions = ["given_at IS NOT NULL"]
    parameters: list[object] = []
    if versions is not None:
        conditions.append(f"model_version IN ({', '.join('?' * len(versions))})")
        parameters += versions
    for condition, parameter in (
        ("given_at >= ?", since),
        ("given_at < ?", until),
    ):
        if parameter is not None:
            conditions.append(condition)
            parameters.append(parameter)
    if contract.classes:
        names = ", ".join(map(literal, contract.classes))
        conditions += [
            f"prediction IN ({names})",
            "probability IS NOT NULL",
            "decision IS NOT NULL",
        ]
        outcome = f"CASE WHEN actual IN ({names}) THEN actual END"
    else:
        conditions.append("TRY_CAST(prediction AS DOUBLE) IS NOT NULL")
        outcome = "TRY_CAST(actual AS DOUBLE)"
    if known:
        conditions.append(f"({outcome}) IS NOT NULL")
    wanted = "actual IS NULL" if known is False else "TRUE"
    given = ["given_at", "model_version", "prediction", "probability", "decision", "_entity"]
    names = ", ".join([*given, *map(quote, features)])
    query = (
        f"SELECT {names}, actual FROM (SELECT {names}, prediction_id, {outcome} AS actual, "
        "row_number() OVER ("
        "PARTITION BY coalesce(id, prediction_id) ORDER BY given_at DESC, prediction_id) AS _nth "
        f"FROM predictions WHERE {' AND '.join(conditions)}) AS numbered "
        f"WHERE _nth = 1 AND {wanted} ORDER BY given_at DESC, prediction_id"
    )
    return query, parameters
