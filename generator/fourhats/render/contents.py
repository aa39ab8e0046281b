"""What a rendered project holds: its files, drawn as a tree, and what it installs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def files_in(folder: Path) -> list[str]:
    """List the files of a rendered project, relative and sorted."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        start = os.path.relpath(place, folder)
        found += [os.path.normpath(os.path.join(start, name)) for name in names]  # noqa: PTH118
    return sorted(name.replace(os.sep, "/") for name in found)


def tree(files: Iterable[str], *, depth: int | None = None) -> list[str]:
    """Draw files as a tree; below `depth` a folder says how many files it holds."""
    root: dict[str, Any] = {}
    for file in files:
        branch = root
        *folders, name = file.split("/")
        for folder in folders:
            branch = branch.setdefault(folder, {})
        branch[name] = None
    return list(_branches(root, "", depth))


def dependencies(folder: Path) -> dict[str, list[str]]:
    """Name what a rendered project installs, by group (the empty name: what it always needs).

    In the place of a package that the project carries with it stands what that one asks for.
    """
    project = _pyproject(folder)
    carried = {name: place["path"] for name, place in _sources(project).items() if "path" in place}
    groups = {"": project.get("project", {}).get("dependencies", [])}
    groups |= project.get("project", {}).get("optional-dependencies", {})
    groups |= project.get("dependency-groups", {})
    named: dict[str, list[str]] = {}
    for group, items in groups.items():
        names: dict[str, None] = {}
        for item in items:
            if isinstance(item, str):
                name, extras = _requirement(item)
                place = carried.get(name)
                asked = _asked_by(folder / place, extras, base=not group) if place else [name]
                names |= dict.fromkeys(asked)
        if names:
            named[group] = sorted(names)
    return named


def _pyproject(folder: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415

    try:
        return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}


def _sources(project: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    sources: dict[str, dict[str, Any]] = project.get("tool", {}).get("uv", {}).get("sources", {})
    return sources


def _asked_by(folder: Path, extras: Iterable[str], *, base: bool) -> list[str]:
    """Name what a package asks for: always, where `base` says so, and by its extras."""
    package = _pyproject(folder).get("project", {})
    optional = package.get("optional-dependencies", {})
    items = [*(package.get("dependencies", []) if base else ())]
    items += [item for extra in extras for item in optional.get(extra, [])]
    return [_requirement(item)[0] for item in items]


def _requirement(text: str) -> tuple[str, list[str]]:
    """Take a requirement apart: the package, and the extras."""
    found = re.match(r"([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?", text)
    assert found is not None  # noqa: S101 (pyproject.toml is ours)
    return found[1], [extra.strip() for extra in (found[2] or "").split(",") if extra.strip()]


def _branches(branch: Mapping[str, Any], indent: str, depth: int | None) -> Iterable[str]:
    entries = sorted(branch.items(), key=lambda entry: (entry[1] is None, entry[0]))
    for position, (name, below) in enumerate(entries, 1):
        last = position == len(entries)
        line = f"{indent}{'└── ' if last else '├── '}{name}"
        if below is None:
            yield line
        elif depth == 1:
            count = _count(below)
            yield f"{line}/  ({count} file{'' if count == 1 else 's'})"
        else:
            yield f"{line}/"
            deeper = None if depth is None else depth - 1
            yield from _branches(below, indent + ("    " if last else "│   "), deeper)


def _count(branch: Mapping[str, Any]) -> int:
    return sum(1 if below is None else _count(below) for below in branch.values())
