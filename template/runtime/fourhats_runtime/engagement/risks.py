"""What is open, and can still go wrong: each risk, and where it is known from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fourhats_runtime.engagement.acceptance import noted
from fourhats_runtime.lifecycle import looks
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor.findings import question
from fourhats_runtime.monitor.incident_log import Incident, incidents
from fourhats_runtime.project import Project


class Risk(NamedTuple):
    """Something that is open."""

    what: str
    why: str
    source: str


def open_incidents(project: Project) -> list[Incident]:
    """Give the incidents that are not over."""
    return [each for each in incidents(project) if each.cleared is None]


def risks(project: Project) -> list[Risk]:
    """List what is open, from what the run has noted."""
    return [*_incidents(project), *_criteria(project), *_model(project), *_personal(project)]


def _incidents(project: Project) -> Iterator[Risk]:
    for each in open_incidents(project):
        yield Risk(
            f"Not so: {question(each.name)}",
            f"since {each.began:%Y-%m-%d}: {each.message}",
            "monitoring",
        )


def _criteria(project: Project) -> Iterator[Risk]:
    registry = Registry(project.artifacts / "registry")
    champion = registry.version("champion")
    found = noted(project, champion)
    if found is None:
        measured = [version for version in registry.versions() if noted(project, version)]
        why = f"last measured: {measured[-1]}" if measured else "`accept` was never run"
        yield Risk(f"The champion {champion} was not accepted", why, "acceptance")
        return
    for each in found.open:
        yield Risk(f"{each.state.capitalize()}: {each.what}", each.measured, "acceptance")


def _model(project: Project) -> Iterator[Risk]:
    registry = Registry(project.artifacts / "registry")
    champion = registry.version("champion")
    evaluation = (registry.noted(champion, "evaluation") if champion else None) or {}
    if evaluation.get("made_up"):
        why = "no source is set up: nothing is known of the client's own rows"
        yield Risk("The champion was judged on made-up rows", why, "evaluation")
    if spent := looks.warning(evaluation.get("looks", 0.0)):
        yield Risk("The holdout is used up", spent, "evaluation")


def _personal(project: Project) -> Iterator[Risk]:
    for column in project.contract.columns:
        if column.pii:
            use = "kept as a pseudonym" if column.is_identifier else "left out of what is learnt"
            yield Risk(
                f"Personal data: {column.name}",
                f"{use}; the legal basis is to be filled in",
                "contract",
            )
