"""Projects of a template; what is the same for many of them is made once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Generic, TypeVar

from tests.update.commands import State, render, start, state
from tests.update.edits import Edit, edited
from tests.update.snapshot import Tree, write
from tests.update.template import Template, commit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.update.small_template import Answers

TemplateT = TypeVar("TemplateT", bound=Template)


class Workshop(Generic[TemplateT]):
    """A template, and a folder for projects of it."""

    def __init__(self, template: TemplateT, folder: Path) -> None:
        """Begin with no project."""
        self.template = template
        self.folder = folder
        self._first: dict[str, tuple[Path, Tree]] = {}
        self._number = 0

    def place(self) -> Path:
        """Give a folder that does not exist yet."""
        self._number += 1
        return self.folder / f"{self._number}"

    def render(self, version: str, answers: Answers) -> Tree:
        """Render a version anew."""
        place = self.place()
        try:
            return render(self.template.folder, version, answers, place)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def start(self, answers: Answers) -> tuple[Path, Tree]:
        """Start a project with the first version; return what was rendered, too."""
        name = repr(sorted(answers.items()))
        if name not in self._first:
            place, first = self.place(), self.place()
            tree = render(self.template.folder, "v1.0.0", answers, place)
            self._first[name] = start(place, first), tree
        first, tree = self._first[name]
        project = self.place()
        shutil.copytree(first, project, symlinks=True)
        return project, tree


def work(project: Path, made: Iterable[Edit], mark: str = "mine") -> State:
    """Do the edits and commit them; return the project as it is then."""
    write(edited(state(project).files, list(made), mark), project)
    commit(project)
    return state(project)
