"""The way back: a champion that earns less than the one before it gives the place back."""

import numpy as np

from .contract import Contract
from .errors import ProjectError
from .frames import columns_of
from .model import Model
from .promote import Verdict, announce
from .registry import Registry
from .settings import Settings
from .split import actual
from .sql import literal
from .warehouse import Connection, frame


def rollback(connection: Connection, settings: Settings, contract: Contract) -> Verdict:
    """Compare the champion with the one before it on the champion's own decisions, in money.

    Both models decide on the same records, whose outcomes came since: the difference is one a
    record, and what made a month good or bad falls out of it. A customer counts once, by the latest
    decision: the same one over and over is no further proof. The champion gives the place back
    where the mean difference is below zero by more than `rollback.standard_errors` of its own.

    Raises:
        ProjectError: there is no champion yet, or an alert cannot be sent.

    """
    registry = Registry(settings.artifacts / "registry")
    champion, crownings = registry.require("champion"), registry.crownings()
    before = crownings[-1]["previous"] if crownings else None
    if before is None:
        return _kept(champion, "no champion was there before it", settings)
    if crownings[-1]["how"] == "rolled back":
        return _kept(champion, f"it took its place back from {before}", settings)
    new, old = Model.load(settings, champion), Model.load(settings, before)
    if new.contract.features != old.contract.features:
        return _kept(champion, f"{before} takes other columns, and cannot be compared", settings)
    rows = frame(
        connection,
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY coalesce(id, prediction_id) "
        "ORDER BY given_at DESC, prediction_id) AS nth FROM predictions "
        f"WHERE model_version = ? AND {_known(contract)}) AS decided WHERE nth = 1 "
        f"ORDER BY given_at DESC, prediction_id LIMIT {settings.drift.window_rows}",
        [champion],
    )
    if len(rows) < settings.performance.min_outcomes:
        words = f"{len(rows)} outcomes of its decisions are known, too few to judge by"
        return _kept(champion, words, settings)
    columns = columns_of(rows)
    outcomes = actual(columns["actual"], contract)
    earned, would_have = (
        model.rule.realised(model.predict(columns), outcomes) for model in (new, old)
    )
    difference = earned - would_have
    mean = float(difference.mean())
    error = float(difference.std(ddof=1)) / np.sqrt(len(difference))
    currency = settings.value.currency
    figures = (
        f"on {len(rows):,} decisions with known outcomes {champion} earned {earned.mean():,.4g} "
        f"{currency} each, {before} would have earned {would_have.mean():,.4g}: a difference of "
        f"{mean:+,.4g} with a standard error of {error:,.2g}"
    )
    if mean + settings.rollback.standard_errors * error >= 0:
        return _kept(champion, figures, settings)
    return _give_back(registry, champion, before, figures, settings)


def rollback_to(version: str, settings: Settings) -> Verdict:
    """Make an earlier version champion because a person says so; none named: the one before.

    Raises:
        ProjectError: there is no such version, or none before; or an alert cannot be sent.

    """
    registry = Registry(settings.artifacts / "registry")
    champion, crownings = registry.require("champion"), registry.crownings()
    if not version:
        version = (crownings[-1]["previous"] if crownings else None) or ""
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
        return _kept(champion, "it is the champion already", settings)
    return _give_back(registry, champion, version, "a person said so", settings)


def _give_back(
    registry: Registry, champion: str, version: str, reason: str, settings: Settings
) -> Verdict:
    """Switch the pointer; what loses the place isn't promoted again, what gets it may be."""
    registry.note(champion, "rollback", {"reason": reason, "in_favour_of": version})
    registry.forget(version, "rollback")
    registry.crown(version, "rolled back", reason)
    announce(settings)
    return Verdict(promoted=True, champion=version, reason=reason)


def _kept(champion: str, reason: str, settings: Settings) -> Verdict:
    announce(settings)
    return Verdict(promoted=False, champion=champion, reason=reason)


def _known(contract: Contract) -> str:
    """Give the SQL of an outcome that is known, and one that the target can have."""
    possible = "TRY_CAST(actual AS DOUBLE) IS NOT NULL"
    if contract.classes:
        possible = f"actual IN ({', '.join(map(literal, contract.classes))})"
    return f"actual IS NOT NULL AND {possible}"
