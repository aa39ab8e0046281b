"""The challenger against answering nothing, against words alone, and against the champion."""

from dataclasses import asdict
from typing import Any

from fourhats_runtime.business import SearchValue
from fourhats_runtime.chance import Floats
from fourhats_runtime.lifecycle.comparison import Comparison, beyond_chance, compare
from fourhats_runtime.lifecycle.promote import ACCEPT, Verdict
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.limits import Comparing
from fourhats_runtime.project import Project
from fourhats_runtime.search import questions as questions_file
from fourhats_runtime.search.documents import Documents
from fourhats_runtime.search.experiment import asked
from fourhats_runtime.search.figures import by_question, hits, with_intervals
from fourhats_runtime.search.questions import WEAK, Questions
from fourhats_runtime.search.rankers import DEPTH, Words, found
from fourhats_runtime.search.value import earned, fit, of_nothing
from fourhats_runtime.search.version import Version, load_version

NOTHING = "answer nothing"
WORDS_ALONE = "words alone (bm25)"
DECIMALS = 6


def evaluate(project: Project, *, made_up: bool) -> dict[str, Any]:
    """Judge the challenger by the half of the questions that it was not tuned by; keep the result.

    Raises:
        ProjectError: there is no challenger yet, or too few questions.

    """
    registry = Registry(project.artifacts / "registry")
    version = load_version(project, registry.require("challenger"))
    value, questions = project.settings(SearchValue), _questions(project, version)
    given = version.ask([question.text for question in questions.judged])
    amounts = _earned(version, questions, value)
    nothing = of_nothing(questions.judged, value)
    words = _by_words(version.documents, questions, value)
    gain, ahead = (_compare(project, *pair) for pair in ((amounts, nothing), (words, amounts)))
    right = hits(given, questions.judged, version.documents)
    figures = with_intervals(by_question(right, questions.judged, version.documents), project.seed)
    mean = float(amounts.mean())
    result: dict[str, Any] = {
        "version": version.name,
        "rows": len(questions.judged),
        "made_up": made_up,
        "weak": questions.weak,
        "currency": value.currency,
        "monthly_volume": value.monthly_volume,
        "value": mean,
        "monthly_value": mean * value.monthly_volume,
        "policies": {NOTHING: float(nothing.mean())},
        "baselines": {WORDS_ALONE: float(words.mean())},
        "ahead": [WORDS_ALONE] if ahead.is_better else [],
        "gain": {"over": NOTHING, **asdict(gain)},
        "figures": figures,
        "unanswered": sum(each.certainty < version.rule.threshold for each in given)
        / len(questions.judged),
    }
    registry.note(version.name, "evaluation", result)
    return result


def promote(project: Project, *, accepted: bool) -> Verdict:
    """Promote the challenger if it earns more than the champion, beyond chance.

    By the same questions; or if it is not worse, and holds other documents. Without a champion it
    has to earn more than answering nothing, beyond chance; it is never promoted where words alone
    earn more. With `accepted` a person takes the place of the comparison.

    Raises:
        ProjectError: there is no challenger, or it has not been evaluated.

    """
    registry = Registry(project.artifacts / "registry")
    challenger, champion = registry.require("challenger"), registry.version("champion")
    evaluation = registry.evaluation(challenger)
    if challenger == champion:
        return Verdict(promoted=False, champion=champion, reason=f"{challenger} decides already")
    if rolled_back := registry.noted(challenger, "rollback"):
        reason = f"{challenger} was rolled back: {rolled_back['reason']}"
        return Verdict(promoted=False, champion=champion, reason=reason)
    if accepted:
        promoted, reason = True, "a person accepted it"
    elif evaluation["ahead"]:
        promoted, reason = False, f"{challenger} earns less than {evaluation['ahead'][0]}"
    elif champion is None:
        promoted, reason = _as_first(project, challenger)
    else:
        promoted, reason = _against(project, challenger, champion)
    if evaluation["weak"]:
        reason += f" (the questions are {WEAK})"
    registry.note(challenger, "promotion", {"promoted": promoted, "reason": reason})
    if promoted:
        registry.make_champion(challenger, "promoted", reason)
        return Verdict(promoted=True, champion=challenger, reason=reason)
    if champion is None:
        reason += f"; {ACCEPT}"
    return Verdict(promoted=False, champion=champion, reason=reason, undecided=champion is None)


def _as_first(project: Project, challenger: str) -> tuple[bool, str]:
    version = load_version(project, challenger)
    value, questions = project.settings(SearchValue), _questions(project, version)
    amounts = _earned(version, questions, value)
    gain = _compare(project, amounts, of_nothing(questions.judged, value))
    words = gain.words(value.currency, value.monthly_volume)
    return gain.is_better, f"{challenger} adds {words} a month to answering nothing"


def _against(project: Project, challenger: str, champion: str) -> tuple[bool, str]:
    """Have both answer today's questions, each from its own documents."""
    new, old = load_version(project, challenger), load_version(project, champion)
    value, questions = project.settings(SearchValue), _questions(project, new)
    gain = _compare(project, *(_earned(each, questions, value) for each in (new, old)))
    words = gain.words(value.currency, value.monthly_volume)
    said = f"{challenger} adds {words} a month to the champion {champion}"
    if gain.is_better:
        return True, f"{said}: {beyond_chance(project.settings(Comparing).error_rate)}"
    other = new.documents.differing(old.documents)
    if other and gain.high >= 0:
        return True, f"{said}, and {other:,} documents are new, changed or gone"
    return False, said


def judged_questions(project: Project) -> list[str]:
    """Give the questions that judge the champion.

    Raises:
        ProjectError: there is no champion, or too few questions.

    """
    registry = Registry(project.artifacts / "registry")
    version = load_version(project, registry.require("champion"))
    return [question.text for question in _questions(project, version).judged]


def _questions(project: Project, version: Version) -> Questions:
    return questions_file.load(project, version.contract, version.documents)


def _earned(version: Version, questions: Questions, value: SearchValue) -> Floats:
    given = version.ask([question.text for question in questions.judged])
    return earned(asked(given, questions.judged, version.documents), version.rule, value)


def _by_words(documents: Documents, questions: Questions, value: SearchValue) -> Floats:
    """Give what words alone would have earned: all fields, by the rule that suits them best."""
    names = tuple(documents.all[0].texts)
    rank = Words([document.text(names) for document in documents.all])
    known, unseen = (
        [
            found([each], [1.0], "rank")
            for each in rank([question.text for question in half], DEPTH, None)
        ]
        for half in (questions.tuned, questions.judged)
    )
    rule = fit(asked(known, questions.tuned, documents), value)
    return earned(asked(unseen, questions.judged, documents), rule, value)


def _compare(project: Project, challenger: Floats, incumbent: Floats) -> Comparison:
    value = project.settings(SearchValue)
    stake = value.found - value.wrong
    rate = project.settings(Comparing).error_rate
    return compare(challenger.round(DECIMALS), incumbent, stake=stake, error_rate=rate)
