"""Who signs, and what about: the names and versions that stand at the head of each document."""

import tomllib
from datetime import UTC, datetime
from typing import NamedTuple

from fourhats_runtime.business import Business
from fourhats_runtime.documents.phrase import Phrase
from fourhats_runtime.lifecycle.origin import Commit, commit
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.project import Project

UNNAMED = "to be filled in"


class Head(NamedTuple):
    """What stands at the head of a document; what is not known is empty."""

    client: str
    maker: str
    day: str
    code: Phrase
    champion: str


def head(project: Project) -> Head:
    """Give what stands at the head of a document that is written today."""
    champion = Registry(project.artifacts / "registry").version("champion")
    return Head(
        client=project.settings(Business).client.strip(),
        maker=_names(project),
        day=datetime.now(UTC).date().isoformat(),
        code=_code(commit(project.folder)),
        champion=champion or "",
    )


def maker(project: Project) -> str:
    """Name who wrote the project, as its pyproject.toml says it."""
    return _names(project) or UNNAMED


def contacts(project: Project) -> str:
    """Name who wrote the project, and the addresses for questions."""
    said = [
        f"{author['name']} ({author['email']})" if author.get("email") else author["name"]
        for author in _authors(project)
    ]
    return ", ".join(said) or UNNAMED


def _code(found: Commit | None) -> Phrase:
    if found is None:
        return Phrase("not in git")
    if found["clean"]:
        return Phrase("commit {commit}", commit=found["commit"])
    return Phrase("commit {commit}, with changes", commit=found["commit"])


def _names(project: Project) -> str:
    return ", ".join(author["name"] for author in _authors(project))


def _authors(project: Project) -> list[dict[str, str]]:
    path = project.folder / "pyproject.toml"
    if not path.is_file():
        return []
    found = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {}).get("authors", [])
    return [author for author in found if "name" in author]
