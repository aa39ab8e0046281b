"""Decisions in money: what to do with a probability, and what it is worth.

Two classes: act where the positive class is likely enough. More: act on the likeliest class where
it is likely enough, else leave the case to a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .contract import Contract
from .settings import Business, Value

ACT, LEAVE = "act", "leave"
DECISIONS = np.array([LEAVE, ACT], dtype=object)
MOST_THRESHOLDS = 200

Probabilities = NDArray[np.float64]
"""Shape (rows, classes)."""


@dataclass(frozen=True)
class Rule:
    """The decision rule: act from `threshold` on."""

    contract: Contract
    value: Value
    threshold: float

    @classmethod
    def fit(
        cls,
        outputs: Probabilities,
        actual: NDArray[np.float64],
        contract: Contract,
        value: Value,
    ) -> Self:
        """Choose the threshold that earns the most on these rows."""
        certainty = cls(contract, value, 0.0).certainty(outputs)
        seen = np.unique(np.quantile(certainty, np.linspace(0, 1, MOST_THRESHOLDS)))
        # Halfway between two probabilities that came up: rounding moves no row across.
        between = (seen[1:] + seen[:-1]) / 2
        rules = [cls(contract, value, float(c)) for c in (seen[0] / 2, *between, seen[-1] + 1)]
        return max(rules, key=lambda rule: float(rule.realised(outputs, actual).sum()))

    def certainty(self, outputs: Probabilities) -> NDArray[np.float64]:
        """Give the probability that acting is right, shape (rows,)."""
        if self._positive is not None:
            return outputs[:, self._positive]
        certainty: NDArray[np.float64] = outputs.max(axis=1)
        return certainty

    def decide(self, outputs: Probabilities) -> NDArray[np.bool_]:
        """Decide which rows to act on, shape (rows,)."""
        return self.certainty(outputs) >= self.threshold

    def realised(self, outputs: Probabilities, actual: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give what each decision earned, shape (rows,), in the currency."""
        return self._payoff(self.decide(outputs), self._called_for(outputs, actual))

    def expected(self, outputs: Probabilities) -> NDArray[np.float64]:
        """Give what each decision is expected to earn, shape (rows,), in the currency."""
        return self._payoff(self.decide(outputs), self.certainty(outputs))

    def answers(self, outputs: Probabilities) -> dict[str, NDArray[Any]]:
        """Give the columns that are answered, each of shape (rows,)."""
        certainty = self.certainty(outputs)
        acts = certainty >= self.threshold
        return {
            "prediction": self._classes[outputs.argmax(axis=1)],
            "probability": certainty,
            "decision": DECISIONS[acts.astype(np.intp)],
            "expected_value": self._payoff(acts, certainty),
        }

    def surprise(self, outputs: Probabilities, actual: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give by how much reality missed the certainty: its mean is 0 where probabilities hold."""
        return self._called_for(outputs, actual) - self.certainty(outputs)

    def recall(self, predictions: Sequence[str], probabilities: Sequence[float]) -> Probabilities:
        """Rebuild outputs from what was answered, as far as decisions rest on them.

        The answer holds one probability; what is left of it the other classes share.
        """
        index = {name: place for place, name in enumerate(self.contract.classes)}
        told = np.array([index[name] for name in predictions], dtype=np.int64)
        if self.contract.positive is not None:
            told[:] = index[self.contract.positive]
        chance = np.asarray(probabilities, dtype=np.float64)
        others = (1 - chance) / (len(index) - 1)
        outputs = np.repeat(others[:, np.newaxis], len(index), axis=1)
        outputs[np.arange(len(told)), told] = chance
        return outputs

    def explain(self, answer: dict[str, Any], business: Business) -> list[str]:
        """Put an answer into sentences for the person who decides."""
        act = answer["decision"] == ACT
        likely = f"{self.contract.target.source} = {self.contract.positive or answer['prediction']}"
        return [
            f"Decision: {business.decision}" if act else "Decision: leave it as it is",
            (
                f"{likely} has a probability of {answer['probability']:.0%}; "
                f"acting pays from {min(self.threshold, 1):.0%} on."
            ),
            self._worth(answer),
        ]

    def _called_for(
        self, outputs: Probabilities, actual: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Tell for which rows acting was right, as 0 and 1."""
        if self._positive is not None:
            called_for = actual == self._positive
        else:
            called_for = actual == outputs.argmax(axis=1)
        return np.asarray(called_for, dtype=np.float64)

    def _worth(self, answer: dict[str, Any]) -> str:
        amount = f"{answer['expected_value']:,.2f} {self.value.currency}"
        return f"This decision is worth {amount} on average."

    def _payoff(self, act: NDArray[np.bool_], chance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weigh the four payoffs by the chance that acting is right."""
        if_wrong, gain = self._stakes
        choice = act.astype(np.intp)
        payoff: NDArray[np.float64] = if_wrong[choice] + chance * gain[choice]
        return payoff

    # Looked up for every request: once is enough.
    @cached_property
    def _stakes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What leaving and acting earn where acting is wrong, and how much more where right."""
        value = self.value
        if_wrong = np.array([value.left_alone, value.act_wrong], dtype=np.float64)
        if_right = np.array([value.missed, value.act_right], dtype=np.float64)
        return if_wrong, if_right - if_wrong

    @cached_property
    def _positive(self) -> int | None:
        positive = self.contract.positive
        return None if positive is None else self.contract.classes.index(positive)

    @cached_property
    def _classes(self) -> NDArray[np.object_]:
        return np.array(self.contract.classes, dtype=object)
