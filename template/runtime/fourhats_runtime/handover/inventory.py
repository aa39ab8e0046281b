"""The inventory of data: its sources, its columns, what is personal, how long it is kept."""

from collections.abc import Iterator
from dataclasses import dataclass

from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.project import Project
from fourhats_runtime.training import Training

WHERE = ("path", "url", "query")
"""Keys of a source's table that say where its rows are."""


@dataclass(frozen=True)
class Origin:
    """A source of rows."""

    name: str
    kind: str
    where: str
    in_use: bool


def origins(project: Project) -> list[Origin]:
    """List the sources that the project names; the sample, where none of them is set up."""
    found = [
        Origin(source.name, type(source).__name__, _where(project, source), in_use)
        for source in project.sources
        for in_use in [source.configured(project)]
    ]
    if not any(origin.in_use for origin in found):
        found.append(
            Origin("sample", "made up from the contract", "config/contract.toml", in_use=True)
        )
    return found


def kept(project: Project) -> Iterator[tuple[str, str, str]]:
    """Say what is kept, for how long, and which setting says so."""
    yield "rows of the sources, in the warehouse", "until they are deleted there", "nothing"
    rows = "as long as the version" if project.settings(Training).keep_rows else "not at all"
    yield "rows that a version came of", rows, "training.keep_rows"
    if "api" in project.serving or "stream" in project.serving:
        yield "requests and answers", f"{project.settings(Serve).log_days} days", "serve.log_days"


def _where(project: Project, source: object) -> str:
    section = getattr(source, "section", None)
    if section is None:
        return "src/: a source of the project's own"
    facts = section(project).model_dump()
    return "; ".join(f"{key} = {facts[key]}" for key in WHERE if facts.get(key)) or "not set"
