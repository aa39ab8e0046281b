"""The edits that a search's docs/changing.md shows can be made, and leave the code clean."""

from pathlib import Path

import pytest

from tests.render.tree import grow
from tests.run.test_eight_edits import MOST_LINES, apply, edits


@pytest.mark.parametrize("worked_example", [True, False])
def test_each_edit_is_made_in_one_file(
    source: Path, tmp_path: Path, *, worked_example: bool
) -> None:
    answers = {"task": "search", "worked_example": worked_example, "alerts": ["log", "slack"]}
    tree = grow(tmp_path / "project", source, answers)
    shown = edits(tree.text("docs/changing.md"))
    assert len(shown) == 5
    for edit in shown:
        assert edit.added <= MOST_LINES
        apply(tree.folder, edit)
    tree.accepted_by("ruff", "format", "--check", "src")
    tree.accepted_by("ruff", "check", "src")
