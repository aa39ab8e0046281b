"""What answers are worth, and the rule that follows: how many are given, and when none is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fourhats_runtime.business import SearchValue
from fourhats_runtime.chance import Floats

MOST_ANSWERS = 10


class Rule(NamedTuple):
    """How many answers are given, and how sure they have to be: else "nothing fits" is said."""

    answers: int
    threshold: float


class Asked(NamedTuple):
    """What a ranker made of questions: shape (questions,)."""

    ranks: Floats
    """Of the first right answer, infinite where there is none."""
    certainties: Floats


def earned(asked: Asked, rule: Rule, value: SearchValue) -> Floats:
    """Give what each answer earned, in the currency."""
    right = asked.ranks <= rule.answers
    looked_at = np.where(right, asked.ranks, rule.answers)
    answered = np.where(right, value.found, value.wrong) + value.reading * looked_at
    return np.where(asked.certainties < rule.threshold, value.none, answered)


def fit(asked: Asked, value: SearchValue) -> Rule:
    """Find the rule that earns the most: the threshold lies between two certainties.

    Of equally good ones, the one that answers the most questions, with the fewest answers.
    """
    certain = np.unique(asked.certainties)
    between = (certain[1:] + certain[:-1]) / 2
    above = np.nextafter(certain[-1:].astype(np.float64), np.inf)
    cuts = np.concatenate([[0.0], between, above])
    rules = [Rule(answers, float(cut)) for answers in range(1, MOST_ANSWERS + 1) for cut in cuts]
    return max(rules, key=lambda rule: _worth(asked, rule, value))


def _worth(asked: Asked, rule: Rule, value: SearchValue) -> tuple[float, float, int]:
    worth = round(float(earned(asked, rule, value).mean()), 9)
    return worth, -rule.threshold, -rule.answers


def of_nothing(questions: Sequence[object], value: SearchValue) -> Floats:
    """Give what is earned where nothing is ever answered."""
    return np.full(len(questions), value.none)
