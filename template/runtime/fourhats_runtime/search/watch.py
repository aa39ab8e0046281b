"""What is watched of a search: what is asked, what is clicked, what is worth what was promised."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fourhats_runtime.chance import FEWEST_ENTITIES, Floats, half_width, normal_limit
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.warehouse import Connection
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.limits import Drift, Statistics
from fourhats_runtime.monitor import data
from fourhats_runtime.monitor.findings import Finding, state_of
from fourhats_runtime.project import Project
from fourhats_runtime.search.documents import read
from fourhats_runtime.search.log import Searched, searches
from fourhats_runtime.search.value import Asked, Rule, earned
from fourhats_runtime.search.version import Version, load_version

MOST_MISSING = 0.05
"""Of the documents, the share that the index may lack before somebody is alerted."""


def watch(connection: Connection, project: Project, contract: Contract) -> list[Finding]:
    """Judge the data, the index and the latest searches."""
    found = data.check(connection, project, contract)
    registry = Registry(project.artifacts / "registry")
    champion = registry.version("champion")
    if champion is None:
        return [*found, Finding("search:index", "unknown", "there is no champion yet")]
    version = load_version(project, champion)
    promised = registry.noted(champion, "evaluation") or {}
    latest = searches(project, project.settings(Drift).window_rows)
    looks: Sequence[Callable[[], Finding]] = (
        lambda: _index(connection, contract, version, registry.size(champion)),
        lambda: _answered(latest, promised, project),
        lambda: _questions(latest, version, project),
        lambda: _clicks(latest, promised),
        lambda: _value(latest, promised, version, project),
    )
    return [*found, *(look() for look in looks)]


def _index(connection: Connection, contract: Contract, version: Version, size: int) -> Finding:
    now = read(connection, contract)
    others = now.differing(version.documents)
    words = (
        f"the index of {version.name} holds {len(version.documents):,} documents in "
        f"{size / 1e6:,.1f} MB; of the "
        f"{len(now):,} that are there by now, {others:,} are new, changed or gone"
    )
    return Finding("search:index", state_of(fine=others <= MOST_MISSING * len(now)), words, others)


def _answered(latest: Sequence[Searched], promised: dict[str, Any], project: Project) -> Finding:
    """Compare the share of questions without an answer with that on the judged questions."""
    name, number = "search:answered", len(latest)
    if number < FEWEST_ENTITIES:
        return Finding(name, "unknown", f"{number} questions were asked: too few to judge")
    share = sum(not each.answers for each in latest) / number
    before, rows = promised["unanswered"], promised["rows"]
    spread = (before * (1 - before) + 1 / rows) * (1 / number + 1 / rows)
    limit = before + normal_limit(project.settings(Statistics).false_alarms) * spread**0.5
    words = f"nothing fitted {share:.0%} of {number:,} questions (promised: {before:.0%})"
    return Finding(name, state_of(fine=share <= limit), words, share)


def _questions(latest: Sequence[Searched], version: Version, project: Project) -> Finding:
    """Compare the newer half of the questions with the older one, by where they lie.

    A permutation test of the distance of both halves' mean vectors.
    """
    name, half = "search:questions", len(latest) // 2
    if version.embed is None or half < FEWEST_ENTITIES:
        why = "words alone are looked for" if version.embed is None else f"{half} questions a half"
        return Finding(name, "unknown", f"{why}: nothing to compare")
    vectors = version.embed([each.question for each in latest])
    alarms = project.settings(Statistics).false_alarms
    random = np.random.default_rng(project.seed)

    def apart(order: Any) -> float:  # noqa: ANN401 (places)
        older, newer = vectors[order[:half]], vectors[order[half:]]
        return float(np.linalg.norm(older.mean(axis=0) - newer.mean(axis=0)))

    seen = apart(np.arange(len(vectors)))
    drawn = [apart(random.permutation(len(vectors))) for _ in range(round(2 / alarms))]
    chance = (1 + sum(each >= seen for each in drawn)) / (1 + len(drawn))
    words = (
        f"the newer half of {len(latest):,} questions lies {seen:.3f} from the older one; chance "
        f"puts {chance:.1%} as far apart (alert: {alarms:.1%})"
    )
    return Finding(name, state_of(fine=chance > alarms), words, seen)


def _clicks(latest: Sequence[Searched], promised: dict[str, Any]) -> Finding:
    ranks = [each.clicked for each in latest if each.clicked is not None]
    first = promised["figures"].get("MRR")
    if len(ranks) < FEWEST_ENTITIES or first is None:
        words = f"{len(ranks)} answers were clicked: too few to judge"
        return Finding("search:clicks", "unknown", words)
    reciprocal = 1 / np.array(ranks, dtype=np.float64)
    mean = float(reciprocal.mean())
    promise = first["figure"]
    words = f"the first click has a mean reciprocal rank of {mean:.2f} (promised: {promise:.2f})"
    fine = _is_kept(reciprocal, first["low"])
    return Finding("search:clicks", state_of(fine=fine), words, mean)


def _value(
    latest: Sequence[Searched], promised: dict[str, Any], version: Version, project: Project
) -> Finding:
    """Hold what judged answers earned against what was promised of them."""
    value = project.value
    said = [each.judged for each in latest if each.judged is not None]
    if len(said) < FEWEST_ENTITIES:
        words = f"{len(said)} searches were judged: too few to say what they are worth"
        return Finding("search:value", "unknown", words)
    ranks = np.array([rank or np.inf for rank in said])
    answered = Rule(version.rule.answers, -np.inf)
    amounts = earned(Asked(ranks, np.zeros(len(ranks))), answered, value)  # type: ignore[arg-type]
    mean = float(amounts.mean())
    words = (
        f"{len(said):,} judged answers earned {mean:.2f} {value.currency} each "
        f"(promised: {promised['value']:.2f})"
    )
    fine = _is_kept(amounts, promised["value"])
    return Finding("search:value", state_of(fine=fine), words, mean)


def _is_kept(amounts: Floats, promised: float) -> bool:
    """Tell whether chance alone may put the mean so far below what was promised."""
    return float(amounts.mean()) + half_width(amounts, None) >= promised
