"""Decisions in money: what a predicted number is worth.

An exact prediction earns `right`; that shrinks in a straight line to nothing at an error of
`tolerance`, and on to the loss `wrong`, below which it does not fall.

What a decision is expected to earn is the mean of what it would, were the model as far off as it
was on rows that it had not seen, with predictions of about this size: the errors within a bin of
the prediction are what comes (Boström, Johansson and Löfström, Mondrian conformal predictive
distributions, PMLR 152, 2021). The errors are kept with the model, not what they cost: that is
worked out by the amounts of the moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.business import Business, NumberValue
from fourhats_runtime.contract import Contract
from fourhats_runtime.tasks.rule import Policy
from fourhats_runtime.wording import number

QUANTILES = 101
MOST_BINS, ROWS_A_BIN = 10, 100
MOST_ERRORS = 100

Numbers = NDArray[np.float64]
"""Shape (rows,), in the target's unit."""
Payoff = Callable[[Numbers, NumberValue], Numbers]
"""What decisions earn: of how far off each prediction is, and of the amounts."""


@dataclass(frozen=True)
class Rule:
    """The decision rule: plan with the prediction."""

    contract: Contract
    value: NumberValue
    payoff: Payoff
    edges: Sequence[float] = ()
    """Where one bin of the prediction ends and the next begins."""
    errors: Sequence[Sequence[float]] = ((0.0,),)
    """How far off the model is, a bin: each as often as the others."""

    @classmethod
    def fit(
        cls,
        outputs: Numbers,
        actual: Numbers,
        contract: Contract,
        value: NumberValue,
        payoff: Payoff,
    ) -> Self:
        """Learn how far off the model is, from rows that it was not fitted to.

        In up to ten bins of the prediction with a hundred rows each; few rows are one bin.
        """
        edges = _edges(outputs)
        places = np.searchsorted(edges, outputs, side="right")
        off = np.abs(outputs - actual)
        errors = tuple(_thinned(off[places == place]) for place in range(len(edges) + 1))
        return cls(contract, value, payoff, tuple(edges.tolist()), errors)

    @property
    def kept(self) -> dict[str, Any]:
        """What has to be kept with the model to decide like this again, as JSON can hold it."""
        return {"edges": list(self.edges), "errors": [list(errors) for errors in self.errors]}

    @property
    def stake(self) -> float:
        """Give 0: a little more error loses a little more, and the rows show how far it goes."""
        return 0.0

    def certainty(self, outputs: Numbers) -> Numbers:
        """Give the figure that decisions rest on: the number itself, shape (rows,)."""
        return outputs

    def realised(
        self, outputs: Numbers, actual: Numbers, decisions: Sequence[str] | None = None
    ) -> Numbers:
        """Give what each decision earned, shape (rows,), in the currency.

        What was decided is to plan with the number, whatever it was answered as.
        """
        del decisions
        return self.payoff(np.abs(outputs - actual), self.value)

    def expected(self, outputs: Numbers) -> Numbers:
        """Give what each decision is expected to earn, shape (rows,), in the currency."""
        return self._worth[np.searchsorted(self.edges, outputs, side="right")]

    def policies(self, learnt: Numbers) -> list[Policy]:
        """Give the policies without a model.

        Plan with nothing, or always with one number: the quantile of `learnt` that would have
        earned the most there.
        """

        def worth(number: float) -> float:
            return float(self.payoff(np.abs(learnt - number), self.value).mean())

        one = max(np.quantile(learnt, np.linspace(0, 1, QUANTILES)).tolist(), key=worth)
        return [
            Policy("plan with nothing", acts=False, on=0.0),
            Policy(f"always plan with {number(one)}", acts=True, on=one),
        ]

    def by_policy(self, policy: Policy, actual: Numbers) -> Numbers:
        """Give what each decision would have earned by a policy, shape (rows,), in the currency."""
        return np.where(policy.acts, self.payoff(np.abs(policy.on - actual), self.value), 0.0)

    def answers(self, outputs: Numbers) -> dict[str, NDArray[Any]]:
        """Give the columns that are answered, each of shape (rows,)."""
        plans = [f"plan with {number(each)}" for each in outputs.tolist()]
        return {
            "prediction": outputs,
            "probability": np.full(len(outputs), None),
            "decision": np.array(plans, dtype=object),
            "expected_value": self.expected(outputs),
        }

    def surprise(self, outputs: Numbers, actual: Numbers) -> Numbers:
        """Give by how much reality missed the number, in the target's unit."""
        return actual - outputs

    def recall(self, predictions: Sequence[str], _probabilities: Sequence[float]) -> Numbers:
        """Rebuild outputs from what was answered."""
        return np.array([float(number) for number in predictions], dtype=np.float64)

    def explain(self, answer: dict[str, Any], business: Business) -> list[str]:
        """Put an answer into sentences for the person who decides."""
        worth = f"{answer['expected_value']:,.2f} {self.value.currency}"
        return [
            f"{business.decision}: {number(answer['prediction'])}",
            f"{self.contract.target.source} is predicted to be {number(answer['prediction'])}.",
            f"This decision is worth {worth} on average.",
        ]

    # Worked out for every request: once is enough.
    @cached_property
    def _worth(self) -> Numbers:
        """What a decision is expected to earn, a bin of the prediction."""
        return np.array(
            [self.payoff(np.array(errors), self.value).mean() for errors in self.errors],
            dtype=np.float64,
        )


def _edges(outputs: Numbers) -> Numbers:
    """Cut predictions into bins of as many rows each, none of which is empty."""
    bins = max(1, min(MOST_BINS, len(outputs) // ROWS_A_BIN))
    cuts = np.quantile(outputs, np.linspace(0, 1, bins + 1)[1:-1], method="lower")
    seen = np.unique(outputs)
    first = np.unique(np.searchsorted(seen, cuts))
    first = first[first > 0]
    # Halfway between two predictions that came up: rounding moves no row across.
    edges: Numbers = (seen[first - 1] + seen[first]) / 2
    return edges


def _thinned(errors: Numbers) -> tuple[float, ...]:
    """Give the errors in order; of many, the means of so many parts, each as large as the others.

    A row that lies in two parts counts in both, by its shares: the mean of all stays what it is.
    """
    rows, parts = len(errors), min(len(errors), MOST_ERRORS)
    sums = np.append(0.0, np.sort(errors).cumsum())
    ends = np.interp(np.linspace(0, rows, parts + 1), np.arange(rows + 1), sums)
    return tuple((np.diff(ends) * parts / rows).tolist())
