"""The way back: a champion that earns less than the one before it gives the place back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from fourhats_runtime.chance import numbered
from fourhats_runtime.contract import Contract
from fourhats_runtime.data.sql import literal
from fourhats_runtime.data.warehouse import Connection, values
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.lifecycle.comparison import beyond_chance
from fourhats_runtime.lifecycle.promote import Verdict
from fourhats_runtime.lifecycle.registered import FeaturesError, Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.replay import NotComparableError, replay
from fourhats_runtime.limits import Comparing, Drift, Performance
from fourhats_runtime.model.parts import actual
from fourhats_runtime.project import Project


def rollback(connection: Connection, project: Project, contract: Contract) -> Verdict:
    """Ask whether the one before the champion earns more, by the comparison that promotes.

    Both decide once more on the cases that any champion decided on, whose outcomes came since: a
    champion's own may come long after it. Outcomes that either may have learnt from prove nothing.
    A case counts once, by the latest decision; cases of one entity are one draw.

    Raises:
        ProjectError: there is no champion yet.

    """
    registry = Registry(project.artifacts / "registry")
    champion, promotions = registry.require("champion"), registry.promotions()
    before = promotions[-1]["previous"] if promotions else None
    if before is None:
        return _kept(champion, "no champion was there before it")
    if promotions[-1]["how"] == "rolled back":
        return _kept(champion, f"it took its place back from {before}")
    rows = _unlearnt(connection, project, contract, promotions[-1]["at"])
    known = len(rows["actual"])
    if known < project.settings(Performance).min_outcomes:
        return _kept(
            champion, f"{known:,} outcomes that it did not learn from are too few to judge"
        )
    error_rate = project.settings(Comparing).error_rate
    try:
        found = replay(
            Model.load(project, before),
            Model.load(project, champion),
            rows,
            actual(rows["actual"], contract),
            contract,
            error_rate=error_rate,
            groups=numbered(rows["_entity"]),
        )
    except (FeaturesError, NotComparableError) as error:
        return _kept(champion, str(error))
    currency = project.value.currency
    figures = (
        f"on {found.rows:,} decisions with known outcomes {before} would have earned "
        f"{found.words(currency)} a decision against {champion}"
    )
    if not found.is_better:
        return _kept(champion, figures)
    return _give_back(registry, champion, before, f"{figures}: {beyond_chance(error_rate)}")


def rollback_to(
    version: str, project: Project, load: Callable[[Project, str], object] = Model.load
) -> Verdict:
    """Make an earlier version champion because a person says so; none named: the one before.

    Raises:
        ProjectError: there is no such version, or none before; or features.py gives others than it
            was trained on.

    """
    registry = Registry(project.artifacts / "registry")
    try:
        champion = registry.require("champion")
    except DamagedError:
        if not version:
            raise
        champion = ""  # nobody knows which: the named one takes the place
    registry.history()  # one that cannot be read is said before anything is changed
    if not version:
        promotions = registry.promotions()
        version = (promotions[-1]["previous"] if promotions else None) or ""
        if not version:
            raise ProjectError(
                f"no champion was there before {champion}: name a version with --to "
                f"({', '.join(registry.versions())})"
            )
    if version not in registry.versions():
        raise ProjectError(
            f"there is no version {version!r}: take one of {', '.join(registry.versions())}"
        )
    if version == champion:
        return _kept(champion, "it is the champion already")
    load(project, version)  # one that cannot be served is no way back
    return _give_back(registry, champion, version, "a person said so")


def _give_back(registry: Registry, champion: str, version: str, reason: str) -> Verdict:
    """Switch the pointer; what loses the place isn't promoted again, what gets it may be."""
    if champion:
        registry.note(champion, "rollback", {"reason": reason, "in_favour_of": version})
    registry.forget(version, "rollback")
    registry.make_champion(version, "rolled back", reason)
    return Verdict(promoted=True, champion=version, reason=reason)


def _kept(champion: str, reason: str) -> Verdict:
    return Verdict(promoted=False, champion=champion, reason=reason)


def _unlearnt(
    connection: Connection, project: Project, contract: Contract, promoted_at: str
) -> dict[str, list[Any]]:
    """Give the latest cases with outcomes that no model had seen when the champion was promoted.

    What a training first saw later, neither the champion nor the one before it has learnt from.
    """
    promoted = datetime.fromisoformat(promoted_at).astimezone(UTC).replace(tzinfo=None)
    return values(
        connection,
        "SELECT * FROM (SELECT predictions.*, row_number() OVER (PARTITION BY "
        "coalesce(predictions.id, prediction_id) ORDER BY given_at DESC, prediction_id) AS nth "
        "FROM predictions LEFT JOIN seen_outcomes ON predictions.id = seen_outcomes.id "
        f"WHERE {_known(contract)} AND coalesce(seen_at > ?, TRUE)) AS decided WHERE nth = 1 "
        f"ORDER BY given_at DESC, prediction_id LIMIT {project.settings(Drift).window_rows}",
        [promoted + timedelta(seconds=1)],  # it is noted in whole seconds, rounded down
    )


def _known(contract: Contract) -> str:
    """Give the SQL of an outcome that is known, and one that the target can have."""
    possible = "TRY_CAST(actual AS DOUBLE) IS NOT NULL"
    if contract.classes:
        possible = f"actual IN ({', '.join(map(literal, contract.classes))})"
    return f"actual IS NOT NULL AND {possible}"
