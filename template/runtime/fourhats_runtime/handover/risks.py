"""The open risks of a hand-over: those of the engagement, and those of handing over itself."""

import tomllib
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from fourhats_runtime.engagement.risks import risks
from fourhats_runtime.handover.dates import END_OF_SUPPORT, python_version
from fourhats_runtime.handover.git import Sources
from fourhats_runtime.handover.licences import Package
from fourhats_runtime.project import Project

MONTHS_AHEAD = 12


class Risk(NamedTuple):
    """Something that is open, in English as all pages of a hand-over are."""

    what: str
    why: str
    source: str


def open_risks(
    project: Project,
    sources: Sources,
    packages: Sequence[Package],
    today: date,
    *,
    is_signed: bool,
) -> list[Risk]:
    """List what is open on the day of the hand-over."""
    return [
        *(Risk(*map(str, each)) for each in risks(project)),
        *_flaws(project),
        *_python(today),
        *_licences(packages),
        *_sources(sources, is_signed=is_signed),
    ]


def _flaws(project: Project) -> Iterator[Risk]:
    """Name the known flaws of packages that the project lets pass."""
    path = project.folder / "pyproject.toml"
    if not path.is_file():
        return
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    audit = found.get("tool", {}).get("uv", {}).get("audit", {})
    for key in ("ignore", "ignore-until-fixed"):
        for name in audit.get(key, ()):
            yield Risk(f"A known flaw is let pass: {name}", key, "[tool.uv.audit], pyproject.toml")


def _python(today: date) -> Iterator[Risk]:
    minor = python_version()
    when, source = END_OF_SUPPORT.get(minor, ("", ""))
    if not when:
        return
    year, month = map(int, when.split("-"))
    left = (year - today.year) * 12 + month - today.month
    if left <= MONTHS_AHEAD:
        why = f"no more fixes from {when} on: in {left} months" if left > 0 else f"since {when}"
        yield Risk(f"The support of Python {minor} ends", why, source)


def _licences(packages: Sequence[Package]) -> Iterator[Risk]:
    if found := [package.name for package in packages if package.to_know]:
        why = "see licences.md: copyleft, or a licence that could not be read"
        yield Risk(f"Licences to look into: {', '.join(found)}", why, "licences.md")


def _sources(sources: Sources, *, is_signed: bool) -> Iterator[Risk]:
    if sources.commit is None:
        yield Risk("The code is in no git repository", "its history is not handed over", "git")
    if sources.uncommitted:
        names = ", ".join(sources.uncommitted)
        yield Risk("Work that was not committed is left out", names, "git")
    if not is_signed:
        why = "whoever changes a file can write the checksums anew"
        yield Risk("The checksums are not signed", why, "checksums.txt")
