"""Whatever the user did, whatever they answered, whatever the template does: no line is lost.

`UPDATE_CASES` says how many cases are drawn (`make nightly`: thousands). What fails is printed with
the line that draws it again.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from tests.update.cases import answer_sets, cases, histories, without_sour
from tests.update.claims import Update, check, configuration_stays_its_users
from tests.update.commands import fourhats, state, undo
from tests.update.edits import (
    Edit,
    add,
    change,
    delete,
    edited,
    insert,
    link,
    open_end,
    reformat,
    use_windows_line_ends,
)
from tests.update.small_template import CHANGES, DEFAULTS, LOCAL, OWNED, Answers
from tests.update.snapshot import differences, read, write
from tests.update.template import commit
from tests.update.workshop import work

if TYPE_CHECKING:
    from tests.update.small_template import SmallTemplate
    from tests.update.workshop import Workshop


@cases(1)
@given(answers=answer_sets(), history=histories())
# What each rule of the merge is for:
@example(DEFAULTS, ([{"changed_configuration"}], [[Edit(change, ("config/settings.toml", 4, 1))]]))
@example(DEFAULTS, ([{"deleted"}], [[Edit(insert, ("legacy.py", 2, 1))]]))
@example(DEFAULTS, ([{"changed_hunk"}], [[Edit(use_windows_line_ends, ("README.md",))]]))
@example(DEFAULTS, ([{"renamed"}], [[Edit(insert, ("docs/guide.md", 2, 1))]]))
@example(DEFAULTS, ([{"changed_block"}], [[Edit(delete, ("app.py",))]]))
@example(DEFAULTS, ([{"ignored_from_now_on"}], [[Edit(insert, ("open-end.txt", 2, 1))]]))
# Found once: a conflict at a new path, which git does not restore;
@example(DEFAULTS, ([{"renamed_and_changed"}], [[Edit(change, ("loader.py", 8, 1))]]))
# a file of one's own, set aside for a folder that does not come;
@example(DEFAULTS, ([{"swapped"}], [[Edit(add, ("lib", b"MARK\n"))]]))
# a link of one's own, to where the template moves a file that was deleted;
@example(DEFAULTS, ([{"file_became_folder"}], [[Edit(link, ("notes/index.md", "app.py"))]]))
# one that is set aside with Windows line ends, and one that ends without any, in a conflict.
@example(
    DEFAULTS,
    (
        [{"added_with_a_folder"}],
        [[Edit(delete, ("lib/two.py",)), Edit(add, ("legacy", b"MARK\r\n"))]],
    ),
)
# of one's own, where the template moves another: the line ends of neither become the other's;
@example(
    DEFAULTS,
    (
        [{"renamed_and_changed"}],
        [[Edit(add, ("reader.py", b"MARK\n")), Edit(use_windows_line_ends, ("loader.py",))]],
    ),
)
@example(
    DEFAULTS,
    (
        [{"renamed_and_changed"}],
        [[Edit(add, ("reader.py", b"MARK\n")), Edit(use_windows_line_ends, ("reader.py",))]],
    ),
)
@example(
    DEFAULTS,
    (
        [{"lines_taken_out"}],
        [[Edit(act, ("app.py",)) for act in (reformat, open_end, use_windows_line_ends)]],
    ),
)
def test_every_line_that_the_user_wrote_has_a_home(
    workshop: Workshop[SmallTemplate],
    answers: Answers,
    history: tuple[list[set[str]], list[list[Edit]]],
) -> None:
    (changes,), (made,) = history
    workshop.template.release(changes)
    project, old = workshop.start(answers)
    before = work(project, made)
    said = fourhats("update", project, "--yes")
    after = state(project)
    if said.code == 2:
        assert "removed_choice" in changes
        assert answers["flavour"] == "sour"
        assert len(said.err.splitlines()) == 1
        assert after == before
    else:
        new = workshop.render("v2.0.0", answers)
        update = Update(old, before.files, new, after, said, OWNED, LOCAL)
        check(update)
        configuration_stays_its_users(update)
        assert after.head == before.head
        undo(project, said)
        undone = state(project)
        assert not differences(before.files, undone.files)
        assert (undone.index, undone.head) == (before.index, before.head)
    shutil.rmtree(project)


@cases(0.1)
@given(answers=answer_sets(), changes=st.sets(st.sampled_from(sorted(CHANGES)), min_size=1))
def test_an_untouched_project_becomes_what_the_new_version_renders(
    workshop: Workshop[SmallTemplate], answers: Answers, changes: set[str]
) -> None:
    answers = without_sour(answers)
    workshop.template.release(changes)
    project, _ = workshop.start(answers)
    said = fourhats("update", project, "--yes")
    assert said.code == 0
    expected = workshop.render("v2.0.0", answers)
    assert not differences(expected, state(project).files)
    shutil.rmtree(project)


@example(
    DEFAULTS,
    (
        [{"moved_configuration"}, {"added"}],
        [[Edit(insert, ("config/settings.toml", 0, 1))], []],
    ),
)
@cases(0.1)
@given(answers=answer_sets(), history=histories(versions=2))
def test_an_update_follows_on_another(
    workshop: Workshop[SmallTemplate],
    answers: Answers,
    history: tuple[list[set[str]], list[list[Edit]]],
) -> None:
    answers = without_sour(answers)
    changes, made = history
    workshop.template.release(*changes)
    project, old = workshop.start(answers)
    for number, (edits_made, version) in enumerate(zip(made, ("v2.0.0", "v3.0.0"), strict=True)):
        before = work(project, edits_made, f"mine-{number}")
        said = fourhats("update", project, "--yes", "--to", version)
        new = workshop.render(version, answers)
        update = Update(old, before.files, new, state(project), said, OWNED, LOCAL)
        check(update)
        configuration_stays_its_users(update)
        # Committed as it is, conflicts and all: they are the user's lines now.
        commit(project)
        old = new
    before = state(project)
    said = fourhats("update", project, "--yes")
    assert said.code == 0
    assert "up to date" in said.out
    assert state(project) == before
    shutil.rmtree(project)


@cases(0.1)
@given(answers=answer_sets(), history=histories())
def test_what_is_saved_while_the_question_stands_is_there_afterwards(
    workshop: Workshop[SmallTemplate],
    answers: Answers,
    history: tuple[list[set[str]], list[list[Edit]]],
) -> None:
    (changes,), (made,) = history
    workshop.template.release(changes | {"changed_hunk"})
    project, _ = workshop.start(without_sour(answers))
    before = read(project)
    mine = edited(before, made)

    def save() -> bool:
        write(mine, project)
        return True

    with patch("fourhats.change.review._agreed", save):
        said = fourhats("update", project)
    if said.code == 2:
        assert not differences(mine, read(project))
    else:
        seen = {path for path in mine.keys() | before.keys() if mine.get(path) != before.get(path)}
        assert seen <= set(LOCAL), f"{seen} went unseen"
    shutil.rmtree(project)
