"""The acceptance test: every criterion is measured, and the protocol is written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.documents.phrase import Phrase
from fourhats_runtime.engagement import criteria
from fourhats_runtime.engagement.criteria import Criterion
from fourhats_runtime.engagement.parties import head
from fourhats_runtime.engagement.protocol import protocol
from fourhats_runtime.engagement.sections import write
from fourhats_runtime.engagement.terms import Terms, read_terms
from fourhats_runtime.engagement.trial import Address, Asking, ask, served
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.project import Project

NOTE = "acceptance"
"""By this name the registry keeps what was measured beside the version."""
Serve = Callable[[Project], AbstractContextManager[Address]]


@dataclass(frozen=True)
class Acceptance:
    """What was measured of a version, when, and of which code."""

    version: str
    day: str
    code: Phrase
    criteria: tuple[Criterion, ...]

    @property
    def open(self) -> tuple[Criterion, ...]:
        """The criteria that are not met, or were not measured."""
        return tuple(each for each in self.criteria if each.state != "met")

    @property
    def verdict(self) -> Phrase:
        """Say in one line what came of it."""
        if not self.open:
            return Phrase("all {count:number} criteria are met", count=len(self.criteria))
        return Phrase(
            "{open:number} of {count:number} criteria are open",
            open=len(self.open),
            count=len(self.criteria),
        )

    @property
    def named(self) -> str:
        """Name what is open, by its state."""
        of = {"not met": list[str](), "not measured": list[str]()}
        for each in self.open:
            of[each.state].append(each.name)
        return "; ".join(f"{state}: {', '.join(names)}" for state, names in of.items() if names)

    def as_data(self) -> dict[str, Any]:
        """Give it as JSON can hold it, in no language yet."""
        criteria = [each.as_data() for each in self.criteria]
        return vars(self) | {"code": self.code.as_data(), "criteria": criteria}

    def in_words(self) -> dict[str, Any]:
        """Give it as JSON can hold it, in English."""
        said = [
            {
                name: str(fact) if isinstance(fact, Phrase) else fact
                for name, fact in vars(each).items()
            }
            for each in self.criteria
        ]
        return vars(self) | {"code": str(self.code), "criteria": said}


def accept(
    project: Project, serve: Serve = served, *, overwrite: bool = False
) -> tuple[Acceptance, list[Path]]:
    """Measure every criterion of the champion; gives what came of it, and the documents.

    Raises:
        ProjectError: there is no champion, a file of terms is not understood, or, unless to
            `overwrite`, somebody wrote between the marks of the protocol.

    """
    terms = read_terms(project)
    version = Registry(project.artifacts / "registry").require("champion")
    found = [criteria.of_value(project, version, terms.asked.value_a_month)]
    with connect(project, read_only=True) as connection:
        found += criteria.of_data(connection, terms)
        asking = criteria.asking(connection, project) if "api" in project.serving else None
    if asking and asking.bodies:
        found[1:1] = _asked(project, terms, asking, serve)
    if terms.asked.reproducible:
        found.append(criteria.of_retrace(project, version))
    top = head(project)
    done = Acceptance(version, top.day, top.code, tuple(found))
    Registry(project.artifacts / "registry").note(version, NOTE, done.as_data())
    return done, write(project, protocol(project, top, done, terms), overwrite=overwrite)


def noted(project: Project, version: str | None) -> Acceptance | None:
    """Give what was measured of a version last; None where nothing was."""
    found = version and Registry(project.artifacts / "registry").noted(version, NOTE)
    if not found:
        return None
    measured = tuple(Criterion.of(each) for each in found["criteria"])
    return Acceptance(found["version"], found["day"], Phrase.of(found["code"]), measured)


def _asked(project: Project, terms: Terms, asking: Asking, serve: Serve) -> list[Criterion]:
    try:
        with serve(project) as address:
            trial = ask(address, asking, terms.asked.requests, explain=bool(terms.explained))
    except ProjectError as error:
        return criteria.without_service(terms, str(error))
    return criteria.of_service(trial, terms)
