"""What a project's requirements lead to, by what the packages in our environment say they need.

All that a project may need is installed here, at its pinned version or at one close to it.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement

from tests.render.runtime import HOME

RUNTIME = "fourhats-runtime"


def package(requirement: str) -> str:
    """Give the package that a requirement, or a pin, is about."""
    return Requirement(requirement).name.lower().replace("_", "-")


def needed(wanted: Iterable[str], *, anywhere: bool) -> set[str]:
    """Name all that is installed: here, or on any Python and platform that there may be."""
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(line) for line in wanted]
    while waiting:
        requirement = waiting.pop()
        name = package(str(requirement))
        for extra in ("", *requirement.extras):
            if (name, extra) not in found:
                found.add((name, extra))
                waiting += (at for at in _asked_for(name) if _counts(at, extra, anywhere=anywhere))
    return {name for name, _ in found} - {RUNTIME}


@cache
def _asked_for(name: str) -> list[Requirement]:
    """List what a package needs, and with which extras; nothing, if it is not installed here."""
    if name == RUNTIME:
        return list(_of_the_runtime())
    try:
        return [Requirement(line) for line in distribution(name).requires or ()]
    except PackageNotFoundError:  # of another Python or platform
        return []


def _of_the_runtime() -> Iterator[Requirement]:
    """List what the runtime needs, as its pyproject.toml says now."""
    project = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield from map(Requirement, project["dependencies"])
    for extra, lines in project["optional-dependencies"].items():
        for line in lines:
            requirement, _, marker = line.partition(";")
            both = f"({marker}) and extra == '{extra}'" if marker else f"extra == '{extra}'"
            yield Requirement(f"{requirement} ; {both}")


def _counts(requirement: Requirement, extra: str, *, anywhere: bool) -> bool:
    marker = requirement.marker
    if marker is None:
        return not extra
    if not anywhere:
        return marker.evaluate({"extra": extra})
    # Of what it depends on, the extra alone counts; whatever else is said may be so somewhere.
    extras = re.findall(r"extra == \"([^\"]+)\"", str(marker))
    return extra in extras if extras else not extra
