"""Decisions in money where it matters which class is taken for which: a payoff for each pair.

What is decided is what is expected to earn the most, over all classes that may come: to act as if
of one of them, or to leave the case to a person (Elkan, The foundations of cost-sensitive learning,
IJCAI 2001, section 1). That need not be the likeliest class.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.business import Business
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.tasks.classification.rule import ACT_AS, LEAVE, LEFT, Probabilities, Rule
from fourhats_runtime.tasks.rule import Policy

KEY = "value.payoff"


@dataclass(frozen=True)
class PairRule(Rule):
    """The decision rule: do what is expected to earn the most."""

    @property
    def stake(self) -> float:
        """The most that deciding a case otherwise can lose, whatever comes, in the currency."""
        return float(np.ptp(self._earns, axis=0).max())

    def choose(self, outputs: Probabilities) -> NDArray[np.intp]:
        """Give the class to act as if of, by its index, or `LEFT`; shape (rows,)."""
        best = (outputs @ self._earns.T).argmax(axis=1)
        return np.where(best < len(self.contract.classes), best, LEFT)

    def decide(self, outputs: Probabilities) -> NDArray[np.bool_]:
        """Decide which rows to act on, shape (rows,)."""
        acts: NDArray[np.bool_] = self.choose(outputs) != LEFT
        return acts

    def expected(self, outputs: Probabilities) -> NDArray[np.float64]:
        """Give what each decision is expected to earn, shape (rows,), in the currency."""
        most: NDArray[np.float64] = (outputs @ self._earns.T).max(axis=1)
        return most

    def policies(self, learnt: NDArray[np.float64]) -> list[Policy]:
        """Give the policies without a model: leave every case, or act as if all were of a class."""
        del learnt  # the most frequent class need not be the one that earns the most
        acting = [
            Policy(f"act as if all were {name!r}", acts=True, on=float(place))
            for place, name in enumerate(self.contract.classes)
        ]
        return [Policy("leave every case to a person", acts=False, on=float(LEFT)), *acting]

    def by_policy(self, policy: Policy, actual: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give what each decision would have earned by a policy, shape (rows,), in the currency."""
        chosen = np.broadcast_to(np.where(policy.acts, policy.on, LEFT), len(actual))
        return self._earned_by(chosen.astype(np.intp), actual)

    def answers(self, outputs: Probabilities) -> dict[str, NDArray[Any]]:
        """Give the columns that are answered, each of shape (rows,)."""
        names = np.array([*(ACT_AS + name for name in self.contract.classes), LEAVE], dtype=object)
        return super().answers(outputs) | {
            "decision": names[self.choose(outputs)],
            "expected_value": self.expected(outputs),
        }

    def explain(self, answer: dict[str, Any], business: Business) -> list[str]:
        """Put an answer into sentences for the person who decides."""
        decided, target = answer["decision"], self.contract.target.source
        said = "Decision: leave it to a person"
        if decided != LEAVE:
            said = f"Decision: {business.decision}, as if {target} = {decided.removeprefix(ACT_AS)}"
        likely = f"{target} = {answer['prediction']} is the likeliest ({answer['probability']:.0%})"
        return [said, f"{likely}; decided is what earns the most on average.", self._worth(answer)]

    def _of(
        self, decided: NDArray[np.intp], outputs: Probabilities, actual: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        del outputs  # which class was acted on is all that matters
        return self._earned_by(decided, actual)

    def _earned_by(
        self, chosen: NDArray[np.intp], actual: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        earned: NDArray[np.float64] = self._earns[chosen, actual.astype(np.intp)]
        return earned

    # Looked up for every request: once is enough.
    @cached_property
    def _earns(self) -> NDArray[np.float64]:
        """What each decision earns, by what came: shape (classes + 1, classes), leaving the last.

        What business.toml says of no pair is as value.py has it of the four amounts.

        Raises:
            ProjectError: business.toml names a class that there is not, or the target has a class
                that alone calls for action.

        """
        classes = list(self.contract.classes)
        if self.contract.positive is not None or LEAVE in classes:
            raise ProjectError(
                f"{KEY}: it takes a target without `positive`, and no class {LEAVE!r}: say what "
                "decisions are worth by the four amounts"
            )
        right = np.vstack([np.eye(len(classes), dtype=bool), np.zeros(len(classes), dtype=bool)])
        acted = np.ones_like(right)
        acted[LEFT] = False
        amounts = np.asarray(self.payoff(acted.ravel(), right.ravel(), self.value))
        earns: NDArray[np.float64] = amounts.astype(np.float64).reshape(right.shape)
        decisions = [*classes, LEAVE]
        for decision, pairs in self.value.payoff.items():
            for name, amount in pairs.items():
                if decision not in decisions or name not in classes:
                    strange = decision if decision not in decisions else name
                    raise ProjectError(
                        f"{KEY}.{decision}: {strange!r} is no class of the target (there are: "
                        f"{', '.join(classes)}; and {LEAVE} for what is left to a person)"
                    )
                earns[decisions.index(decision), classes.index(name)] = amount
        return earns
