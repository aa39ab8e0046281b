"""The real template, and what its next version can do to a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.render.tree import template_copy
from tests.update.snapshot import Entry, Tree, read
from tests.update.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PACKAGE = "template/src/{{ package_name }}"
RUNTIME = "template/runtime/fourhats_runtime"
OWNED = [f"config/{name}.toml" for name in ("contract", "business", "monitoring", "sources")]


class RealTemplate(Template):
    """A copy of the template as it stands, with later versions."""

    first: Tree

    @classmethod
    def made(cls, folder: Path) -> RealTemplate:
        """Make the repository, with the template as it stands for its first version."""
        template = cls(folder / "template")
        template.first = read(template_copy(folder / "copy"))
        template.begin(template.first)
        return template

    def release(self, changes: Iterable[str]) -> None:
        """Make 2.0.0 by the named changes."""
        tree = dict(self.first)
        for name in sorted(changes):
            CHANGES[name](tree)
        self.publish(tree)


def changed_readme(tree: Tree) -> None:
    _insert(tree, "template/README.md.jinja", 3, b"\nThe template says more.\n")


def changed_modules(tree: Tree) -> None:
    _insert(tree, f"{PACKAGE}/estimator.py.jinja", 7, b"# The template says more.\n")
    _insert(tree, f"{PACKAGE}/transform.py.jinja", 7, b"# The template says more.\n")
    _insert(tree, f"{RUNTIME}/pipeline.py", 5, b"# The runtime says more.\n")
    _insert(tree, f"{RUNTIME}/serve/front.py", 5, b"# The runtime says more.\n")


def changed_dag(tree: Tree) -> None:
    _replace(tree, "includes/airflow/dag.py.jinja", b'"@monthly"', b'"@weekly"')


def changed_configuration(tree: Tree) -> None:
    _insert(tree, "template/config/business.toml.jinja", 1, b"# The template says more.\n")


def changed_tests(tree: Tree) -> None:
    _insert(tree, "includes/prediction/test_line.py", 1, b"# The template says more.\n")
    tree["template/tests/test_more.py"] = Entry(b'"""More."""\n')


def moved_runbook(tree: Tree) -> None:
    tree["template/docs/operations.md.jinja"] = tree.pop("template/docs/runbook.md.jinja")


def removed_notebook(tree: Tree) -> None:
    del tree["template/notebooks/exploration.ipynb.jinja"]
    tree.pop("template/tests/test_notebook.py.jinja", None)
    tree.pop("template/tests/test_notebook.py", None)


def new_document(tree: Tree) -> None:
    tree["template/docs/new.md.jinja"] = Entry(b"# {{ project_name }}\n\nNew.\n")


def new_question(tree: Tree) -> None:
    name = "questions/50_ml_engineer.yml"
    tree[name] = Entry(tree[name].content + b"\nregion:\n  type: str\n  default: EU\n")
    _insert(tree, "template/docs/charter.md.jinja", 2, b"\nRegion: {{ region }}\n")


CHANGES = {
    change.__name__: change
    for change in (
        *(changed_readme, changed_modules, changed_dag, changed_configuration, changed_tests),
        *(moved_runbook, removed_notebook, new_document, new_question),
    )
}
"""What a next version can do, by name."""


def _insert(tree: Tree, name: str, line: int, text: bytes) -> None:
    lines = tree[name].content.splitlines(keepends=True)
    lines.insert(line, text)
    tree[name] = tree[name]._replace(content=b"".join(lines))


def _replace(tree: Tree, name: str, old: bytes, new: bytes) -> None:
    content = tree[name].content
    assert content.count(old) == 1, f"{name} has changed"
    tree[name] = tree[name]._replace(content=content.replace(old, new))
