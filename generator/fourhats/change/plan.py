"""What an update or a changed answer would do to a project: worked out in a scratch folder."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pathspec import GitIgnoreSpec

from fourhats.ask import answers as answering
from fourhats.change.merge import Merged, Rules, Sides, merge
from fourhats.change.store import Store, listing
from fourhats.errors import WrongInputError
from fourhats.render.render import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fourhats.ask.questions import Questionnaire, Sheet
    from fourhats.change.history import TemplateHistory
    from fourhats.change.store import Listing
    from fourhats.change.subproject import Subproject

RENAMED_BY_TEMPLATE = 50
"""Percent of a file that a new version leaves alone when it moves it (git's own measure)."""
RENAMED_BY_ANSWERS = 90
"""The same where only answers change: another option's file may look much alike."""


@dataclass(frozen=True)
class Change:
    """A project, and what it would become."""

    project: Subproject
    store: Store
    yours: Listing
    theirs: Listing
    """What is rendered now."""
    merged: Merged
    version: str
    """The template's version that it would have."""
    answers: Mapping[str, Any]
    notes: list[str] = field(default_factory=list)
    """What a person has to know of the answers."""
    changelog: list[str] = field(default_factory=list)

    @property
    def added(self) -> list[str]:
        """Files that come."""
        elsewhere = {*self.merged.kept.values(), *self.merged.moved.values()}
        return sorted(self.merged.files.keys() - self.yours.keys() - elsewhere)

    @property
    def removed(self) -> list[str]:
        """Files that go, and nothing of their user's with them."""
        elsewhere = {*self.merged.kept, *self.merged.moved}
        return sorted(self.yours.keys() - self.merged.files.keys() - elsewhere)

    @property
    def changed(self) -> list[str]:
        """Files that change and have no conflict."""
        return sorted(
            path
            for path in self.yours.keys() & self.merged.files.keys()
            if self.yours[path] != self.merged.files[path] and path not in self.merged.unmerged
        )

    @property
    def conflicts(self) -> list[str]:
        """Files in which both sides changed the same."""
        return sorted(self.merged.unmerged)

    @property
    def tree(self) -> str:
        """The tree that the project would be, in the store."""
        return self.store.tree(self.merged.files)

    @property
    def empty(self) -> bool:
        """Tell whether nothing would change."""
        return self.yours == self.merged.files


def update(
    project: Subproject,
    history: TemplateHistory,
    scratch: Path,
    *,
    to: str | None,
    data: Mapping[str, Any],
) -> Change:
    """Work out the update of a project to a newer version of its template.

    Raises:
        WrongInputError: a version is not known, or an answer does not do.

    """
    old = history.commit(project.version)
    new = history.commit(to or history.newest_after(old))
    if new != old and history.precedes(new, old):
        raise WrongInputError(
            f"{history.described(new)} is older than {project.version}, which {project.name} has: "
            "there is no way back but git's"
        )
    questionnaire = history.questionnaire(new)
    if questionnaire.settings.get("_migrations"):
        raise WrongInputError(
            f"the template {history.location} wants programs of its own run (_migrations), which "
            "fourhats does not do: `copier update --trust` does"
        )
    sheet = sheet_of(questionnaire, project.answers, data)
    sides = _rendered(project, history, scratch, (old, project.answers), (new, sheet.data))
    version = history.described(new)
    merged = merge(*sides, rules_of_update(questionnaire, sheet, version))
    return Change(
        project,
        sides[0],
        sides[1].yours,
        sides[1].theirs,
        merged,
        version,
        sheet.answers,
        _about_answers(questionnaire, project.answers, data, sheet),
        history.changelog(old, new),
    )


def change_answers(
    project: Subproject, history: TemplateHistory, scratch: Path, data: Mapping[str, Any]
) -> Change:
    """Work out what other answers make of a project; its template's version stays.

    Raises:
        WrongInputError: its version is not known, or an answer does not do.

    """
    commit = history.commit(project.version)
    questionnaire = history.questionnaire(commit)
    sheet = sheet_of(questionnaire, project.answers, data)
    open_again = {
        entry.name
        for entry in sheet.entries
        if entry.applies and entry.name not in {*project.answers, *data}
    }
    earlier = project.earlier_answers(open_again)
    if earlier:
        sheet = sheet_of(questionnaire, project.answers | earlier, data)
    sides = _rendered(project, history, scratch, (commit, project.answers), (commit, sheet.data))
    owned = _owned(questionnaire, sheet.answers)
    merged = merge(*sides, Rules("new-answers", RENAMED_BY_ANSWERS, owned, merge_owned=True))
    notes = [
        f"{name}: {_shown(project.answers.get(name))} → {_shown(value)}"
        for name, value in sheet.answers.items()
        if name in project.answers and project.answers[name] != value
    ]
    notes += [
        f"{name} is not used any more ({_shown(value)})"
        for name, value in project.answers.items()
        if name not in sheet.answers
    ]
    notes += [f"{name}: {_shown(value)}, as it was before" for name, value in earlier.items()]
    notes += [
        f"{name} is not used: the other answers leave it out"
        for name in answering.unused(sheet, data)
    ]
    return Change(
        *(project, sides[0], sides[1].yours, sides[1].theirs, merged),
        *(project.version, sheet.answers, notes),
    )


def adopt(
    project: Subproject, history: TemplateHistory, scratch: Path, commit: str, sheet: Sheet
) -> Change:
    """Work out what a repository lacks to be a project: its own files stay as they are."""
    store = Store(scratch / "merge.git", project.objects)
    folder = scratch / "new"
    render(history.source(commit), sheet.data, folder)
    yours = listing(project.git, project.tree)
    theirs = store.added(folder, project.tree)
    merged = Merged({**theirs, **yours})
    merged.own = sorted(path for path in theirs if yours.get(path, theirs[path]) != theirs[path])
    return Change(
        *(project, store, yours, theirs, merged),
        *(history.described(commit), sheet.answers),
    )


def without(change: Change, paths: list[str]) -> Change:
    """Leave some of the new files out."""
    merged = change.merged
    files = {path: entry for path, entry in merged.files.items() if path not in paths}
    return replace(change, merged=replace(merged, files=files))


def sheet_of(
    questionnaire: Questionnaire, recorded: Mapping[str, Any], data: Mapping[str, Any]
) -> Sheet:
    """Take the recorded answers over to a version's questions, with others given now.

    Raises:
        WrongInputError: an answer does not do, or one is missing.

    """
    known = {name: value for name, value in recorded.items() if name in questionnaire.questions}
    return answering.complete(questionnaire, {**known, **data})


def rules_of_update(questionnaire: Questionnaire, sheet: Sheet, version: str) -> Rules:
    """Say how an update to a newer version is merged."""
    owned = _owned(questionnaire, sheet.answers)
    return Rules(version, RENAMED_BY_TEMPLATE, owned, merge_owned=False)


def _rendered(
    project: Subproject,
    history: TemplateHistory,
    scratch: Path,
    before: tuple[str, Mapping[str, Any]],
    now: tuple[str, Mapping[str, Any]],
) -> tuple[Store, Sides]:
    store = Store(scratch / "merge.git", project.objects)
    listings = []
    for name, (commit, answers) in (("old", before), ("new", now)):
        folder = scratch / name
        render(history.source(commit), answers, folder)
        listings.append(store.added(folder, project.tree))
    yours = listing(project.git, project.tree)
    return store, Sides(listings[0], yours, listings[1])


def _owned(questionnaire: Questionnaire, answers: Mapping[str, Any]) -> Callable[[str], bool]:
    patterns = questionnaire.rendered(questionnaire.settings.get("_skip_if_exists", []), answers)
    return GitIgnoreSpec.from_lines(patterns).match_file


def _about_answers(
    questionnaire: Questionnaire,
    recorded: Mapping[str, Any],
    data: Mapping[str, Any],
    sheet: Sheet,
) -> list[str]:
    notes = [
        f"{name} is no longer asked: its answer {_shown(value)} goes"
        for name, value in recorded.items()
        if name not in questionnaire.questions
    ]
    notes += [
        f"{name} is new: {_shown(entry.value)}" + ("" if entry.given else " (its default)")
        for entry in sheet.entries
        if (name := entry.name) not in recorded and entry.changeable
    ]
    notes += [
        f"{name}: {_shown(recorded[name])} → {_shown(sheet.answers.get(name))}"
        for name in data
        if name in recorded and recorded[name] != sheet.answers.get(name)
    ]
    return notes


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return str(value)
