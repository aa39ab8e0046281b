"""Decisions in money: what a predicted number is worth.

An exact prediction earns `right`; that shrinks in a straight line to nothing at an error of
`tolerance`, and on to the loss `wrong`, below which it does not fall.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .contract import Contract
from .settings import Business, Value

Numbers = NDArray[np.float64]
"""Shape (rows,), in the target's unit."""


@dataclass(frozen=True)
class Rule:
    """The decision rule: plan with the prediction; `threshold` is the value to expect of one."""

    contract: Contract
    value: Value
    threshold: float

    @classmethod
    def fit(cls, outputs: Numbers, actual: Numbers, contract: Contract, value: Value) -> Self:
        """Take the mean value on these rows as what a prediction is expected to earn."""
        earned = cls(contract, value, 0.0).realised(outputs, actual)
        return cls(contract, value, float(earned.mean()))

    def certainty(self, outputs: Numbers) -> Numbers:
        """Give the figure that decisions rest on: the number itself, shape (rows,)."""
        return outputs

    def realised(self, outputs: Numbers, actual: Numbers) -> Numbers:
        """Give what each decision earned, shape (rows,), in the currency."""
        error = np.abs(outputs - actual)
        earned = self.value.right * (1 - error / self.value.tolerance)
        return np.maximum(earned, self.value.wrong)

    def expected(self, outputs: Numbers) -> Numbers:
        """Give what each decision is expected to earn, shape (rows,), in the currency."""
        return np.full(len(outputs), self.threshold)

    def answers(self, outputs: Numbers) -> dict[str, NDArray[Any]]:
        """Give the columns that are answered, each of shape (rows,)."""
        plans = [f"plan with {number:,.4g}" for number in outputs.tolist()]
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
            f"{business.decision}: {answer['prediction']:,.4g}",
            f"{self.contract.target.source} is predicted to be {answer['prediction']:,.4g}.",
            f"This decision is worth {worth} on average.",
        ]
