"""Rendering: copier does it, in a folder that is not the destination yet."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fourhats.errors import FourhatsError
from fourhats.git import Git, GitError, NoGitError
from fourhats.terminal import note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fourhats.template_source import TemplateSource


_AT_THE_START = (
    *("gc.auto=0", "maintenance.auto=false"),
    # One pack instead of a file for each file: half the time.
    "core.bigFileThreshold=1",
    # The first commit holds all that was rendered, whatever this machine ignores.
    f"core.excludesFile={os.devnull}",
)


def render(source: TemplateSource, data: Mapping[str, Any], folder: Path) -> None:
    """Render the template with these answers, and its defaults, into an empty folder.

    Raises:
        FourhatsError: the template is broken, or needs to be trusted.

    """
    from copier import run_copy  # noqa: PLC0415  # half a second, and only needed here
    from copier.errors import CopierError  # noqa: PLC0415
    from jinja2 import TemplateError  # noqa: PLC0415

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            worker = run_copy(
                source.location,
                folder,
                data=dict(data),
                defaults=True,
                overwrite=True,
                quiet=True,
                vcs_ref=source.reference,
            )
        except (CopierError, TemplateError, OSError, TypeError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise FourhatsError(f"the template cannot be rendered: {reason}") from error
    noted = source.noted
    if any(warning.category.__name__ == "DirtyLocalWarning" for warning in caught):
        note(f"{source.location} has uncommitted changes: they are part of the project")
        # copier notes a commit that it made of them, in a clone that is gone by now.
        noted = {"_commit": Git(Path(source.location))("describe", "--tags", "--always")}
    answers_file = folder / worker.answers_relpath
    if noted and answers_file.is_file():
        _note(answers_file, noted)


def first_commit(folder: Path, answers: Mapping[str, Any]) -> bool:
    """Start a git repository with everything committed; return whether there is a git.

    Raises:
        FourhatsError: git refuses.

    """
    git = Git(folder, _AT_THE_START)
    try:
        git("init", "--quiet", "--initial-branch", "main")
        git("add", "--all")
        git.signed(
            *("commit", "--quiet", "--no-verify", "--no-gpg-sign", "-m", "Start from Fourhats"),
            name=str(answers.get("user_name") or "Fourhats"),
            address=str(answers.get("user_email") or "fourhats@localhost"),
        )
    except NoGitError:
        return False
    except GitError as error:
        reason = f"git {error.command} failed (--no-git does without): {error.reason}"
        raise FourhatsError(reason) from error
    return True


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
    """Name what a rendered project installs, by group (the empty name: what it always needs)."""
    import tomllib  # noqa: PLC0415

    try:
        content = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    groups = {"": content.get("project", {}).get("dependencies", [])}
    groups |= content.get("project", {}).get("optional-dependencies", {})
    groups |= content.get("dependency-groups", {})
    named = {
        group: [re.split(r"[^A-Za-z0-9._-]", item)[0] for item in items if isinstance(item, str)]
        for group, items in groups.items()
    }
    return {group: names for group, names in named.items() if names}


def _note(answers_file: Path, noted: Mapping[str, str]) -> None:
    """Say in a project's answers file, other than copier did, where the project comes from."""
    text = answers_file.read_text(encoding="utf-8")
    for key in noted:
        # A long path goes on in indented lines.
        text = re.sub(rf"^{key}:.*\n( .*\n)*", "", text, flags=re.MULTILINE)
    # They stand first, below the comments.
    text = re.sub(
        "^(?!#)", lambda _: yaml.safe_dump(dict(noted)), text, count=1, flags=re.MULTILINE
    )
    answers_file.write_text(text, encoding="utf-8", newline="\n")


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
