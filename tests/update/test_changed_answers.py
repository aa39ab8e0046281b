"""Other answers, and the first ones again: only what the user wrote makes a difference."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.update.cases import answer_sets, cases
from tests.update.claims import Update, check
from tests.update.commands import Said, fourhats, state, undo
from tests.update.edits import OWN_NAMES, Edit, edits
from tests.update.small_template import OWNED, RENDERED, Answers
from tests.update.snapshot import Tree, differences, lines
from tests.update.template import commit
from tests.update.workshop import work

if TYPE_CHECKING:
    from pathlib import Path

    from tests.update.small_template import SmallTemplate
    from tests.update.workshop import Workshop


@cases(0.1)
@given(one=answer_sets(), other=answer_sets())
def test_there_and_back_is_where_it_started(
    workshop: Workshop[SmallTemplate], one: Answers, other: Answers
) -> None:
    assume(one != other)
    project, old = workshop.start(one)
    assert answer(project, other).code == 0
    assert not differences(workshop.render("v1.0.0", other), state(project).files)
    commit(project)
    assert answer(project, one).code == 0
    assert not differences(old, state(project).files)
    shutil.rmtree(project)


@cases(0.2)
@given(
    one=answer_sets(),
    other=answer_sets(),
    made=edits(st.sampled_from(RENDERED), OWN_NAMES),
)
def test_there_and_back_every_line_of_the_user_is_kept(
    workshop: Workshop[SmallTemplate], one: Answers, other: Answers, made: list[Edit]
) -> None:
    assume(one != other)
    project, old = workshop.start(one)
    start = work(project, made).files
    between = workshop.render("v1.0.0", other)
    clean = True
    for answers, was, now in ((other, old, between), (one, between, old)):
        before = state(project)
        said = answer(project, answers)
        after = state(project)
        check(Update(was, before.files, now, after, said, OWNED))
        clean &= said.code == 0 and "Kept" not in said.out
        undo(project, said)
        assert not differences(before.files, state(project).files)
        answer(project, answers)
        commit(project)
    end = state(project).files
    assert not written(start, old) - set().union(*(lines(entry.content) for entry in end.values()))
    touched = {path for path in old if start.get(path) != old[path]}
    if clean and touched <= between.keys():
        assert not differences(start, end)
    else:
        alone = {path: entry for path, entry in old.items() if path not in touched}
        assert not differences(alone, {path: end[path] for path in alone if path in end})
    shutil.rmtree(project)


def answer(project: Path, answers: Answers) -> Said:
    """Give a project these answers."""
    shown = [
        f"{name}={','.join(value) if isinstance(value, list) else value}"
        for name, value in answers.items()
    ]
    return fourhats("set", project, *shown, "--yes")


def written(tree: Tree, rendered: Tree) -> set[bytes]:
    """Give the lines that were not rendered."""
    known = {line for entry in rendered.values() for line in lines(entry.content)}
    wrote = {line for entry in tree.values() for line in lines(entry.content)}
    return {line for line in wrote if line.rstrip(b"\r") not in known}
