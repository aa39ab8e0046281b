"""The experiment: which models, fields and fusions find best, on questions that chose none."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, get_args

import numpy as np

from fourhats_runtime.business import SearchValue
from fourhats_runtime.chance import Floats
from fourhats_runtime.lifecycle.comparison import compare
from fourhats_runtime.lifecycle.figures import Figure
from fourhats_runtime.search.bench import Rereader, Tried
from fourhats_runtime.search.documents import Documents
from fourhats_runtime.search.figures import by_question, hits, ranks, with_intervals
from fourhats_runtime.search.questions import Question, Questions
from fourhats_runtime.search.rankers import Found, Fusion, Recipe, found, scale
from fourhats_runtime.search.value import Asked, Rule, earned, fit


@dataclass(frozen=True)
class Candidate:
    """A recipe, the rule that earns most with it on the tuning half, and how it fares."""

    recipe: Recipe
    scales: tuple[float, ...]
    """Of its members' scores."""
    rule: Rule
    tuned: float
    """Its mean reciprocal rank on the half that it was tuned by."""
    reciprocal: Floats
    """The same, question by question."""
    facts: dict[str, Any]
    """A row of the table, as JSON can hold it."""


@dataclass(frozen=True)
class Experiment:
    """Every candidate, and the one that was chosen by the tuning half alone."""

    candidates: tuple[Candidate, ...]
    chosen: Candidate


def experiment(
    judge: "Judge", tried: Sequence[Tried], rerankers: Sequence[Rereader] = ()
) -> Experiment:
    """Compare single rankers, fusions of them, and the best of these re-ranked.

    Of each model, the fields and the distance are those that come first, unless others find better
    beyond chance; such singles are fused. What is best on the tuning half is re-ranked by each of
    the re-rankers. The best on the tuning half is chosen; of equals, what takes fewer megabytes.
    """
    best = _best_of_each_model(tried, judge)
    several = [some for number in range(2, len(best) + 1) for some in combinations(best, number)]
    candidates = [judge.judged([each]) for each in tried]
    fused = [judge.judged(some, how) for some in several for how in get_args(Fusion)]
    singles = [candidate for candidate, each in zip(candidates, tried, strict=True) if each in best]
    chosen = _chosen([*singles, *fused])
    members = [each for each in tried if each.member in chosen.recipe.members]
    reranked = [judge.judged(members, chosen.recipe.fusion, each) for each in rerankers]
    return Experiment((*candidates, *fused, *reranked), _chosen([chosen, *reranked]))


def _chosen(candidates: Sequence[Candidate]) -> Candidate:
    return max(candidates, key=lambda each: (round(each.tuned, 6), -each.facts["megabytes"]))


def asked(given: Sequence[Found], questions: Sequence[Question], documents: Documents) -> Asked:
    """Put what was found for questions as the rule takes it."""
    certain = np.array([each.certainty for each in given])
    return Asked(ranks(hits(given, questions, documents)), certain)


def _best_of_each_model(tried: Sequence[Tried], judge: "Judge") -> list[Tried]:
    best: dict[str, tuple[Tried, Floats]] = {}
    for each in tried:
        reciprocal = judge.reciprocal([each])
        known = best.get(each.member.model)
        if known is None or compare(reciprocal, known[1], stake=1.0).is_better:
            best[each.member.model] = (each, reciprocal)
    return [each for each, _ in best.values()]


@dataclass(frozen=True)
class Judge:
    """What candidates are tuned and judged by: their rankings stand in this order of questions."""

    documents: Documents
    questions: Questions
    value: SearchValue
    seed: int

    @property
    def asks(self) -> tuple[Question, ...]:
        """All questions, in the order of the rankings."""
        return (*self.questions.tuned, *self.questions.judged)

    def on_tuned(self, candidate: Candidate) -> dict[str, Figure]:
        """Give what chose a candidate, with its interval."""
        return with_intervals({"MRR": candidate.reciprocal}, self.seed)

    def reciprocal(self, tried: Sequence[Tried]) -> Floats:
        """Give the reciprocal ranks on the tuning half."""
        half = slice(0, len(self.questions.tuned))
        right = hits(self._found(tried, half), self.questions.tuned, self.documents)
        return by_question(right, self.questions.tuned, self.documents)["MRR"]

    def judged(
        self,
        tried: Sequence[Tried],
        fusion: Fusion = "rank",
        reranker: Rereader | None = None,
    ) -> Candidate:
        """Tune a recipe on one half, and judge it by the other."""
        split = len(self.questions.tuned)
        given = self._found(tried, slice(None), fusion)
        megabytes = {each.member.model: each.megabytes for each in tried}
        milliseconds = sum(each.milliseconds for each in tried)
        if reranker is not None:
            started = time.perf_counter()
            given = reranker.rerank([question.text for question in self.asks], given)
            milliseconds += 1000 * (time.perf_counter() - started) / len(self.asks)
            megabytes[reranker.name] = reranker.megabytes
        known, unseen = given[:split], given[split:]
        rule = fit(asked(known, self.questions.tuned, self.documents), self.value)
        tuned = hits(known, self.questions.tuned, self.documents)
        right = hits(unseen, self.questions.judged, self.documents)
        answers = asked(unseen, self.questions.judged, self.documents)
        amounts = earned(answers, rule, self.value)
        figures = with_intervals(
            by_question(right, self.questions.judged, self.documents), self.seed
        )
        reciprocal = by_question(tuned, self.questions.tuned, self.documents)["MRR"]
        name = reranker.name if reranker else ""
        recipe = Recipe(tuple(each.member for each in tried), fusion, name)
        facts = {
            "name": recipe.name,
            **figures,
            "value": float(amounts.mean()),
            "milliseconds": milliseconds,
            "megabytes": sum(megabytes.values()),
        }
        scales, mean = tuple(self.scales(tried)), float(reciprocal.mean())
        return Candidate(recipe, scales, rule, mean, reciprocal, facts | {"MRR tuned": mean})

    def _found(self, tried: Sequence[Tried], part: slice, fusion: Fusion = "rank") -> list[Found]:
        lists, scales = [each.ranked[part] for each in tried], self.scales(tried)
        return [found(some, scales, fusion) for some in zip(*lists, strict=True)]

    def scales(self, tried: Sequence[Tried]) -> list[float]:
        """Give the scale of each member, by the tuning half."""
        return [scale(each.ranked[: len(self.questions.tuned)]) for each in tried]
