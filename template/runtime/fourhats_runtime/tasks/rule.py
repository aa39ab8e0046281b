"""What every task's decision rule does: from a model's outputs to decisions, and to money."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.business import Business, Value
from fourhats_runtime.contract import Contract

Floats = NDArray[np.float64]


class Policy(NamedTuple):
    """Decisions that need no model: the same on every case, or, by today's rule, one a case."""

    name: str
    acts: bool | NDArray[np.bool_]
    on: float | Floats
    """The class, as its index, or the number."""


class Rule(Protocol):
    """A decision rule. Outputs are of shape (rows, classes) or (rows,), all else is (rows,)."""

    @property
    def contract(self) -> Contract:
        """What the model was trained on."""

    @property
    def value(self) -> Value:
        """What decisions are worth."""

    @property
    def kept(self) -> dict[str, Any]:
        """What has to be kept with the model to decide like this again, as JSON can hold it."""

    @property
    def stake(self) -> float:
        """The most that deciding a case otherwise can lose, in the currency.

        0 where losses grow smoothly: then the rows show how far they go.
        """

    def certainty(self, outputs: Floats) -> Floats:
        """Give the figure that decisions rest on."""

    def realised(
        self, outputs: Floats, actual: Floats, decisions: Sequence[str] | None = None
    ) -> Floats:
        """Give what each decision earned, in the currency.

        `decisions` are those that were answered; without them, as the rule decides now.
        """

    def expected(self, outputs: Floats) -> Floats:
        """Give what each decision is expected to earn, in the currency."""

    def answers(self, outputs: Floats) -> dict[str, NDArray[Any]]:
        """Give the columns that are answered."""

    def policies(self, learnt: Floats) -> list[Policy]:
        """Give the policies without a model, by outcomes that are known when one is chosen."""

    def by_policy(self, policy: Policy, actual: Floats) -> Floats:
        """Give what each decision would have earned by a policy, in the currency."""

    def surprise(self, outputs: Floats, actual: Floats) -> Floats:
        """Give by how much reality missed the model."""

    def recall(self, predictions: Sequence[str], probabilities: Sequence[float]) -> Floats:
        """Rebuild outputs from what was answered, as far as decisions rest on them."""

    def explain(self, answer: dict[str, Any], business: Business) -> list[str]:
        """Put an answer into sentences for the person who decides."""
