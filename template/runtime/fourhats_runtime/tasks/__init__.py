"""What is particular to a task: its decision rule, its figures, its plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.business import ActionValue, NumberValue
from fourhats_runtime.chance import Groups
from fourhats_runtime.tasks.classification import figures as of_probabilities
from fourhats_runtime.tasks.classification import rule as classification
from fourhats_runtime.tasks.classification.pairs import PairRule
from fourhats_runtime.tasks.regression import figures as of_numbers
from fourhats_runtime.tasks.regression import rule as regression
from fourhats_runtime.tasks.rule import Floats, Rule

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fourhats_runtime.contract import Contract
    from fourhats_runtime.project import Project

__all__ = [
    "ActionValue",
    "NumberValue",
    "Rule",
    "answers",
    "fit_rule",
    "holdout_plots",
    "rule_of",
    "weighed_figures",
]


def rule_of(project: Project, contract: Contract, kept: Mapping[str, Any]) -> Rule:
    """Give the decision rule of a trained model, by the values of today's business.toml.

    `kept` is what is kept of the rule with the model (see `Rule.kept`).
    """
    if contract.classes:
        value = cast("ActionValue", project.value)
        kind = PairRule if value.payoff else classification.Rule
        return kind(contract, value, project.payoff)
    number = cast("NumberValue", project.value)
    return regression.Rule(contract, number, project.payoff, **kept)


def fit_rule(project: Project, contract: Contract, outputs: Floats, actual: Floats) -> Rule:
    """Make the decision rule of a model: of numbers, it learns how good they are.

    `outputs` and `actual`, by row, are what the model says and what came, of rows that it was not
    fitted to.
    """
    if contract.classes:
        return rule_of(project, contract, {})
    number = cast("NumberValue", project.value)
    return regression.Rule.fit(outputs, actual, contract, number, project.payoff)


def answers(rule: Rule, outputs: Floats) -> dict[str, NDArray[Any]]:
    """Give the columns that are answered, each of shape (rows,), beside whose probability it is.

    That of the class that calls for action; without one, of the class that is predicted; of a
    number, none.
    """
    given = rule.answers(outputs)
    whose = given["prediction"]
    if rule.contract.positive is not None or not rule.contract.classes:
        whose = np.full(len(outputs), rule.contract.positive, dtype=object)
    found: dict[str, NDArray[Any]] = {}
    for name, values in given.items():
        found[name] = values
        if name == "probability":
            found["probability_of"] = whose
    return found


def weighed_figures(
    outputs: Floats, actual: Floats, rule: Rule
) -> Callable[[Floats], dict[str, float]]:
    """Give what tells the field's figures by the rows' weights; the first is the task's own."""
    if isinstance(rule, classification.Rule):
        return of_probabilities.weighed(outputs, actual, rule)
    return of_numbers.weighed(outputs, actual)


def holdout_plots(
    outputs: Floats,
    actual: Floats,
    contract: Contract,
    rule: Rule,
    groups: Groups | None = None,
) -> dict[str, Figure]:
    """Plot outputs on the holdout against what came, by title.

    `groups` are equal for rows of one entity.
    """
    if isinstance(rule, classification.Rule):
        from fourhats_runtime.tasks.classification import plots  # noqa: PLC0415 (matplotlib)

        return plots.holdout_plots(outputs, actual, contract, rule, groups)
    from fourhats_runtime.tasks.regression import plots as number_plots  # noqa: PLC0415

    return number_plots.holdout_plots(outputs, actual, contract, cast("regression.Rule", rule))
