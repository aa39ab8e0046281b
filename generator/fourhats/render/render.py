"""Rendering: copier does it, in a folder that is not the destination yet."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fourhats.errors import FourhatsError
from fourhats.git import HARMLESS, Git, distrusting, everywhere
from fourhats.terminal import note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourhats.render.template import TemplateSource

_IGNORED_BY_MACS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_REPOSITORY = re.compile(r"(\.git|git~\d+)[ .]*(:.*)?", re.IGNORECASE)
"""What Windows takes for `.git` too: its short name, dots and spaces behind, a stream of it."""


def render(source: TemplateSource, data: Mapping[str, Any], folder: Path) -> None:
    """Render the template with these answers, and its defaults, into an empty folder.

    Raises:
        FourhatsError: the template is broken, needs to be trusted, or writes into a `.git`.

    """
    from copier.errors import CopierError  # noqa: PLC0415  # half a second, and only needed here
    from jinja2 import TemplateError  # noqa: PLC0415

    from fourhats.render.worker import run_copy  # noqa: PLC0415

    with (
        everywhere(HARMLESS),
        everywhere((), distrusting(Path(source.location).expanduser())),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        try:
            worker = run_copy(_for_copier(source.location), folder, data, source.reference)
        except (CopierError, TemplateError, OSError, TypeError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise FourhatsError(f"the template cannot be rendered: {reason}") from error
    _check_no_repository(folder)
    noted = source.noted
    if any(warning.category.__name__ == "DirtyLocalWarning" for warning in caught):
        note(f"{source.location} has uncommitted changes: they are part of the project")
        # copier notes a commit that it made of them, in a clone that is gone by now.
        noted = {"_commit": Git(Path(source.location))("describe", "--tags", "--always")}
    answers_file = folder / worker.answers_relpath
    if noted and answers_file.is_file():
        _note(answers_file, noted)


def _for_copier(location: str) -> str:
    # Other than git, copier takes a file's URL for a folder.
    return f"git+{location}" if location.startswith("file://") else location


def _check_no_repository(folder: Path) -> None:
    """Refuse files for a `.git`: git would start the programs that they name.

    Raises:
        FourhatsError: there is one; its name may differ, as long as some system takes it for that.

    """
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if any(map(_is_repository, name.split("\\"))):
                path = os.path.relpath(os.path.join(place, name), folder)  # noqa: PTH118
                raise FourhatsError(
                    f"the template writes {path!r}, which git would take for a repository whose "
                    "programs it starts: nothing was made of it; ask its author what that is for"
                )


def _is_repository(name: str) -> bool:
    return _REPOSITORY.fullmatch(_IGNORED_BY_MACS.sub("", name)) is not None


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
