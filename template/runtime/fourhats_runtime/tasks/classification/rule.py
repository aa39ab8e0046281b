"""Decisions in money: what to do with a probability, and what it is worth.

Two classes: act on the positive class. More: act on the likeliest class, or leave the case to a
person. Either way, act where that is expected to earn at least as much as leaving it, by the
amounts of the moment (Elkan, The foundations of cost-sensitive learning, IJCAI 2001): nothing is
fitted, and nothing is kept with the model that a change in business.toml would leave behind.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.business import ActionValue, Business
from fourhats_runtime.contract import Contract
from fourhats_runtime.tasks.rule import Policy

ACT, LEAVE, ACT_AS = "act", "leave", "act as "
LEFT = -1
"""In the place of a class, for a case that is left."""
DECISIONS = np.array([LEAVE, ACT], dtype=object)

Probabilities = NDArray[np.float64]
"""Shape (rows, classes)."""
Payoff = Callable[[NDArray[np.bool_], NDArray[np.bool_], ActionValue], NDArray[np.float64]]
"""What decisions earn: of who was acted on, of where that was right, and of the amounts."""


@dataclass(frozen=True)
class Rule:
    """The decision rule: act where that is expected to earn at least as much as leaving."""

    contract: Contract
    value: ActionValue
    payoff: Payoff

    @property
    def kept(self) -> dict[str, Any]:
        """What has to be kept with the model to decide like this again: nothing."""
        return {}

    @property
    def threshold(self) -> float:
        """The probability from which on acting pays: 0 where it always does, above 1 for never."""
        if_wrong, gain = self._stakes
        lost, won = float(if_wrong[0] - if_wrong[1]), float(gain[1] - gain[0])
        if won > 0:
            return max(0.0, lost / won)
        return 0.0 if lost <= 0 else float("inf")

    @property
    def stake(self) -> float:
        """The most that deciding a case otherwise can lose, in the currency.

        Of two classes, acting on a case or leaving it; of more, from the best outcome to the worst:
        where one model acts rightly, another may act on a wrong class.
        """
        if_wrong, gain = self._stakes
        outcomes = np.array([if_wrong, if_wrong + gain])
        return float(np.ptp(outcomes, axis=None if self._positive is None else 1).max())

    def certainty(self, outputs: Probabilities) -> NDArray[np.float64]:
        """Give the probability that acting is right, shape (rows,)."""
        if self._positive is not None:
            return outputs[:, self._positive]
        certainty: NDArray[np.float64] = outputs.max(axis=1)
        return certainty

    def decide(self, outputs: Probabilities) -> NDArray[np.bool_]:
        """Decide which rows to act on, shape (rows,)."""
        return self._pays(self.certainty(outputs))

    def choose(self, outputs: Probabilities) -> NDArray[np.intp]:
        """Give the class to act as if of, by its index, or `LEFT`; shape (rows,)."""
        return np.where(self.decide(outputs), self._to_act_on(outputs), LEFT)

    def realised(
        self,
        outputs: Probabilities,
        actual: NDArray[np.float64],
        decisions: Sequence[str] | None = None,
    ) -> NDArray[np.float64]:
        """Give what each decision earned, shape (rows,), in the currency.

        `decisions` are those that were answered; without them, as the rule decides now.
        """
        chosen = self.choose(outputs) if decisions is None else self.decided(decisions, outputs)
        return self._of(chosen, outputs, actual)

    def _of(
        self, decided: NDArray[np.intp], outputs: Probabilities, actual: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        called_for = self._called_for(outputs, actual)
        if self._positive is None:
            called_for = np.where(decided == LEFT, called_for, actual == decided)
        return self._payoff(decided != LEFT, called_for)

    def decided(self, decisions: Sequence[str], outputs: Probabilities) -> NDArray[np.intp]:
        """Give the class that was acted as if of, by its index, or `LEFT`; shape (rows,).

        `decisions` are as they were answered, by payoffs of pairs or without.
        """
        places = {ACT_AS + name: place for place, name in enumerate(self.contract.classes)}
        named = np.array([places.get(each, LEFT) for each in decisions], dtype=np.intp)
        plain = np.array(decisions, dtype=object) == ACT
        return np.where(plain, self._to_act_on(outputs), named)

    def _to_act_on(self, outputs: Probabilities) -> NDArray[np.intp] | int:
        return outputs.argmax(axis=1) if self._positive is None else self._positive

    def earned(
        self, acts: NDArray[np.bool_], outputs: Probabilities, actual: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Give what it earned to act on some rows and to leave the others, shape (rows,)."""
        return self._payoff(acts, self._called_for(outputs, actual))

    def expected(self, outputs: Probabilities) -> NDArray[np.float64]:
        """Give what each decision is expected to earn, shape (rows,), in the currency."""
        return self._payoff(self.decide(outputs), self.certainty(outputs))

    def policies(self, learnt: NDArray[np.float64]) -> list[Policy]:
        """Give the policies without a model.

        Two classes: act on nobody, act on everybody. More: leave every case to a person, or act as
        if each were of the class that is the most frequent of `learnt`.
        """
        names = ("act on nobody", "act on everybody")
        same = self._positive
        if same is None:
            same = int(np.bincount(learnt.astype(np.intp)).argmax())
            names = (
                "leave every case to a person",
                f"act as if all were {self.contract.classes[same]!r}",
            )
        return [
            Policy(names[0], acts=False, on=float(same)),
            Policy(names[1], acts=True, on=float(same)),
        ]

    def by_policy(self, policy: Policy, actual: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give what each decision would have earned by a policy, shape (rows,), in the currency."""
        called_for = np.asarray(actual == policy.on, dtype=np.float64)
        return self._payoff(np.full(len(actual), policy.acts), called_for)

    def answers(self, outputs: Probabilities) -> dict[str, NDArray[Any]]:
        """Give the columns that are answered, each of shape (rows,)."""
        certainty = self.certainty(outputs)
        acts = self._pays(certainty)
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

    def _pays(self, chance: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell where acting is expected to earn at least as much as leaving."""
        if_wrong, gain = self._stakes
        pays: NDArray[np.bool_] = if_wrong[1] + chance * gain[1] >= if_wrong[0] + chance * gain[0]
        return pays

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
        acted, wrong = np.array([False, True]), np.array([False, False])
        if_wrong, if_right = (
            np.asarray(self.payoff(acted, right, self.value), dtype=np.float64)
            for right in (wrong, ~wrong)
        )
        return if_wrong, if_right - if_wrong

    @cached_property
    def _positive(self) -> int | None:
        positive = self.contract.positive
        return None if positive is None else self.contract.classes.index(positive)

    @cached_property
    def _classes(self) -> NDArray[np.object_]:
        return np.array(self.contract.classes, dtype=object)
