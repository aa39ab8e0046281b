"""The accounts and keys that a project uses: their names, and where each name stands."""

import re
from collections.abc import Iterator

from dotenv import dotenv_values

from fourhats_runtime.project import Project

EXAMPLE = ".env.example"
OF_GITLAB = re.compile(r"\$\{?((?!CI_|GITLAB_)[A-Z][A-Z0-9_]*_(?:KEY|TOKEN|PASSWORD|SECRET))\b")
AUTOMATION = {
    ".github/workflows/*.yml": re.compile(r"\b(?:secrets|vars)\.([A-Z][A-Z0-9_]+)"),
    ".gitlab-ci.yml": OF_GITLAB,
    ".gitlab/**/*.yml": OF_GITLAB,
    ".azure-pipelines/*.yml": re.compile(r"\$\(([A-Z][A-Z0-9_]+)\)"),
}
"""Where a CI is told what to do, and how it names what it was given."""
SETTING = "__"
"""In the name of a variable that sets a key of config/, such as TRAINING__TRIALS."""


def accounts(project: Project) -> dict[str, list[str]]:
    """Give the names of the variables that hold accounts and keys, and where each stands."""
    found: dict[str, list[str]] = {}
    for name, place in _named(project):
        if SETTING not in name and place not in found.setdefault(name, []):
            found[name].append(place)
    return found


def _named(project: Project) -> Iterator[tuple[str, str]]:
    for name in dotenv_values(project.folder / EXAMPLE, interpolate=False):
        yield name, EXAMPLE
    for name in project.settings.names():
        yield name, ".env"
    for source in project.sources:
        if variable := getattr(source, "url_variable", ""):
            yield variable, f"the source {source.name}"
    for pattern, names in AUTOMATION.items():
        for path in sorted(project.folder.glob(pattern)):
            for name in names.findall(path.read_text(encoding="utf-8", errors="replace")):
                yield name, path.relative_to(project.folder).as_posix()
