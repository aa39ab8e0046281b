"""What is open, and can still go wrong: each risk, and where it is known from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fourhats_runtime.documents.phrase import Phrase
from fourhats_runtime.engagement.acceptance import noted
from fourhats_runtime.engagement.phrases import question
from fourhats_runtime.lifecycle import looks
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor.incident_log import Incident, incidents
from fourhats_runtime.project import Project


class Risk(NamedTuple):
    """Something that is open."""

    what: Phrase
    why: Phrase
    source: Phrase


def open_incidents(project: Project) -> list[Incident]:
    """Give the incidents that are not over."""
    return [each for each in incidents(project) if each.cleared is None]


def risks(project: Project) -> list[Risk]:
    """List what is open, from what the run has noted."""
    return [*_incidents(project), *_criteria(project), *_model(project), *_personal(project)]


def _incidents(project: Project) -> Iterator[Risk]:
    for each in open_incidents(project):
        yield Risk(
            Phrase("Not so: {question}", question=question(each.name)),
            Phrase(
                "since {day:day}: {message}",
                day=each.began.date().isoformat(),
                message=each.message,
            ),
            Phrase("monitoring"),
        )


def _criteria(project: Project) -> Iterator[Risk]:
    registry = Registry(project.artifacts / "registry")
    champion = registry.version("champion")
    found = noted(project, champion)
    if found is None:
        measured = [version for version in registry.versions() if noted(project, version)]
        why = Phrase("`accept` was never run")
        if measured:
            why = Phrase("last measured: {version}", version=measured[-1])
        what = Phrase("The champion {version} was not accepted", version=str(champion))
        yield Risk(what, why, Phrase("acceptance"))
        return
    for each in found.open:
        words = {"not met": Phrase("Not met: {what}", what=each.what)}
        unknown = Phrase("Not measured: {what}", what=each.what)
        yield Risk(words.get(each.state, unknown), each.measured, Phrase("acceptance"))


def _model(project: Project) -> Iterator[Risk]:
    registry = Registry(project.artifacts / "registry")
    champion = registry.version("champion")
    evaluation = (registry.noted(champion, "evaluation") if champion else None) or {}
    if evaluation.get("made_up"):
        why = Phrase("no source is set up: nothing is known of the client's own rows")
        yield Risk(Phrase("The champion was judged on made-up rows"), why, Phrase("evaluation"))
    used = evaluation.get("looks", 0.0)
    if looks.warning(used):
        why = Phrase(
            "its rows have judged {count:number} models: their figures look better than they are",
            count=used,
        )
        yield Risk(Phrase("The holdout is used up"), why, Phrase("evaluation"))


def _personal(project: Project) -> Iterator[Risk]:
    for column in project.contract.columns:
        if column.pii:
            use = (
                Phrase("kept as a pseudonym; the legal basis is to be filled in")
                if column.is_identifier
                else Phrase("left out of what is learnt; the legal basis is to be filled in")
            )
            what = Phrase("Personal data: {name}", name=column.name)
            yield Risk(what, use, Phrase("data contract"))
