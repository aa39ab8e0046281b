"""The ledger of experiments: what was trained, what was changed for it, and what it is worth.

All of it is read from what the registry keeps of versions; a person adds why, by `train --note`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fourhats_runtime import contract as contract_file
from fourhats_runtime.contract import Column
from fourhats_runtime.lifecycle.figures import Figure
from fourhats_runtime.lifecycle.origin import NOTE
from fourhats_runtime.lifecycle.registry import CONTRACT_FILE, Card, Registry
from fourhats_runtime.project import Project

EXPERIMENT = "experiment"
OF_ORIGIN = {"code": "code", "training": "settings", "value": "value", "versions": "libraries"}
"""What is compared of where two versions come from, and what it is called."""
MOST_NAMED = 3
"""Of what was changed, by name; the others are counted."""


class Gain(NamedTuple):
    """What a model adds a month to the best policy without one, with its interval."""

    gain: float
    low: float
    high: float
    over: str


@dataclass(frozen=True)
class Experiment:
    """A version that was trained."""

    version: str
    at: str
    """When, in UTC, by ISO 8601; empty where it is not known."""
    note: str
    """Why, as a person said it."""
    changed: tuple[str, ...]
    """What is otherwise than for the version before; nothing for the first."""
    model: str
    measure: str
    """What the figure is, such as AUC."""
    figure: Figure | None
    """On the validation rows, which chose the model."""
    gain: Gain | None
    """On the holdout, in the currency; None before it is evaluated."""
    currency: str
    seconds: float | None
    """How long training took, the last time."""
    verdict: str
    reason: str


def note_training(project: Project, version: str, note: str, seconds: float) -> None:
    """Note why a version was trained, and how long it took; an empty note keeps the last one."""
    registry = Registry(project.artifacts / "registry")
    before = registry.noted(version, EXPERIMENT) or {}
    facts = {"note": note or before.get("note", ""), "seconds": round(seconds, 1)}
    registry.note(version, EXPERIMENT, facts)


def experiments(project: Project) -> list[Experiment]:
    """Give all experiments that the registry knows, the oldest first.

    Raises:
        DamagedError: what is kept of one cannot be read.

    """
    registry = Registry(project.artifacts / "registry")
    champion = registry.version("champion")
    found: list[Experiment] = []
    before: _Made | None = None
    for version in registry.versions():
        made = _made(registry, version)
        changed = _changes(before, made) if before else ()
        found.append(_experiment(registry, version, made.origin, changed, champion))
        before = made
    return found


class _Made(NamedTuple):
    """What a version was made of."""

    origin: Card
    features: Mapping[str, Column]


def _made(registry: Registry, version: str) -> _Made:
    contract = contract_file.load(registry.folder(version) / CONTRACT_FILE)
    # Of a search there is no target: its fields are what is looked in.
    own = [column for column in contract.columns if column.role in {"target", "field", "filter"}]
    columns = {column.name: column for column in (*contract.features, *own)}
    return _Made(registry.noted(version, NOTE) or {}, columns)


def _experiment(
    registry: Registry,
    version: str,
    origin: Card,
    changed: tuple[str, ...],
    champion: str | None,
) -> Experiment:
    noted = registry.noted(version, EXPERIMENT) or {}
    evaluation = registry.noted(version, "evaluation")
    measure, figure = next(iter(origin.get("validation", {}).items()), ("", None))
    verdict, reason = _verdict(registry, version, champion)
    return Experiment(
        version=version,
        at=origin.get("at", ""),
        note=noted.get("note", ""),
        changed=changed,
        model=registry.card(version)["model"],
        measure=measure,
        figure=figure,
        gain=_gain(evaluation) if evaluation else None,
        currency=origin.get("value", {}).get("currency", ""),
        seconds=noted.get("seconds"),
        verdict=verdict,
        reason=reason,
    )


def _gain(evaluation: Card) -> Gain:
    found, decisions = evaluation["gain"], evaluation["monthly_volume"]
    gain, low, high = (found[name] * decisions for name in ("gain", "low", "high"))
    return Gain(gain, low, high, found["over"])


def _verdict(registry: Registry, version: str, champion: str | None) -> tuple[str, str]:
    """Say what became of a version, and why."""
    promotion = registry.noted(version, "promotion")
    if rollback := registry.noted(version, "rollback"):
        return "rolled back", rollback["reason"]
    if promotion is None:
        evaluated = registry.noted(version, "evaluation") is not None
        return "evaluated" if evaluated else "trained", ""
    if version == champion:
        return "champion", promotion["reason"]
    return "promoted" if promotion["promoted"] else "refused", promotion["reason"]


def _changes(before: _Made, now: _Made) -> tuple[str, ...]:
    """Say what is otherwise for one version than for the one before."""
    said = []
    for what, word in OF_ORIGIN.items():
        names = _differing(before.origin.get(what, {}), now.origin.get(what, {}))
        if names:
            said.append(f"{word}: {_named(names)}")
    if columns := _columns(before.features, now.features):
        said.append(f"contract: {columns}")
    if data := _data(before.origin.get("data", {}), now.origin.get("data", {})):
        said.append(data)
    return tuple(said)


def _columns(before: Mapping[str, Column], now: Mapping[str, Column]) -> str:
    """Say which columns came, went, or are described otherwise."""
    parts = [
        ("with", [name for name in now if name not in before]),
        ("without", [name for name in before if name not in now]),
        ("other", [name for name in now if name in before and now[name] != before[name]]),
    ]
    return ", ".join(f"{word} {_named(names)}" for word, names in parts if names)


def _data(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if before.get("sha256") == now.get("sha256"):
        return ""
    more = now.get("rows", 0) - before.get("rows", 0)
    if not more:
        return "data: other rows"
    return f"data: {abs(more):,} rows {'more' if more > 0 else 'fewer'}"


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name what is not in both, or not the same in both."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    shown = ", ".join(names[:MOST_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
