"""What an update would meet in a project, found without doing it.

Only a file that its user changed and the template touches can be in conflict. Where those are plain
code, the template's own files are what would be rendered, so that nothing needs to be.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats.change.merge import Sides, merge
from fourhats.change.plan import rules_of_update, sheet_of
from fourhats.change.rendered import rendered_state
from fourhats.change.store import Store, listing
from fourhats.render.render import render

if TYPE_CHECKING:
    from fourhats.ask.questions import Questionnaire, Sheet
    from fourhats.change.history import TemplateHistory
    from fourhats.change.store import Listing
    from fourhats.change.subproject import Subproject


RUNTIME = "runtime/"


@dataclass(frozen=True)
class Ahead:
    """What is newer than one version of a template."""

    old: str
    new: str
    newest: str
    behind: int
    """Released versions."""
    questionnaire: Questionnaire
    touched: list[str]
    """The template's files that can render otherwise."""
    plain: dict[str, tuple[str, str]]
    """Those of them that are rendered as they stand, in both versions: as they are in the new."""

    @classmethod
    @cache
    def of(cls, history: TemplateHistory, version: str) -> Ahead:
        """Look at what came after `version`.

        Raises:
            WrongInputError: it is not known.

        """
        old = history.commit(version)
        new = history.commit(history.newest_after(old))
        questionnaire = history.questionnaire(new)
        touched = history.touched(old, new)
        before, now = history.files(old), history.files(new)
        same_map = _map(questionnaire) == _map(history.questionnaire(old))
        suffix = _suffix(questionnaire)
        return cls(
            old,
            new,
            history.described(new),
            0 if new == old else max(1, len(history.between(old, new))),
            questionnaire,
            touched,
            {
                name: now[name]
                for name in touched
                if same_map and name in before and name in now and not name.endswith(suffix)
            },
        )


def conflicts_ahead(project: Subproject, history: TemplateHistory, ahead: Ahead) -> list[str]:
    """Name the files in which an update would meet the user's changes.

    Raises:
        WrongInputError: an answer does not do for the newer version.

    """
    sheet = sheet_of(ahead.questionnaire, project.answers, {})
    suffix = _suffix(ahead.questionnaire)
    touched = {
        str(ahead.questionnaire.rendered(name, sheet.answers)).removesuffix(suffix): name
        for name in ahead.touched
    }
    with tempfile.TemporaryDirectory(prefix="fourhats-", ignore_cleanup_errors=True) as place:
        scratch = Path(place)
        base = rendered_state(project, history, ahead.old, scratch)
        yours = listing(project.git, project.tree)
        contested = [path for path in touched if yours.get(path) != base.get(path)]
        if not contested:
            return []
        store = Store(scratch / "merge.git", project.objects)
        if all(touched[path] in ahead.plain and path in yours for path in contested):
            theirs = {path: _plain(store, history, ahead, touched[path]) for path in contested}
            sides = Sides(_only(base, contested), _only(yours, contested), theirs)
        else:
            sides = Sides(base, yours, _rendered(project, history, ahead, sheet, store))
        merged = merge(store, sides, rules_of_update(ahead.questionnaire, sheet, "new"))
        return sorted(merged.unmerged)


def edited_runtime(project: Subproject, history: TemplateHistory) -> list[str]:
    """Name the files of runtime/ that are not as they came: an update merges them one by one.

    Nothing in the runtime is rendered, so its files are the template's own. An unedited runtime is
    replaced as a whole.

    Raises:
        WrongInputError: the project's version of the template is not known.

    """
    came = _below(history.files(history.commit(project.version)), RUNTIME)
    here = _below(listing(project.git, project.tree), RUNTIME)
    return sorted(path for path in {*came, *here} if came.get(path) != here.get(path))


def _below(files: Listing, folder: str) -> Listing:
    return {path: entry for path, entry in files.items() if path.startswith(folder)}


def _rendered(
    project: Subproject, history: TemplateHistory, ahead: Ahead, sheet: Sheet, store: Store
) -> Listing:
    # Without a repository copier has nothing to clone; the answers file may lack the version here.
    source = history.source(ahead.new)
    folder = store.folder.parent / "new"
    render(replace(source, location=str(source.folder)), sheet.data, folder)
    return store.added(folder, project.tree)


def _plain(store: Store, history: TemplateHistory, ahead: Ahead, name: str) -> tuple[str, str]:
    mode, oid = ahead.plain[name]
    return mode, store.write(history.git.bytes("cat-file", "blob", oid))


def _only(files: Listing, paths: list[str]) -> Listing:
    return {path: files[path] for path in paths if path in files}


def _map(questionnaire: Questionnaire) -> object:
    return questionnaire.settings.get("_exclude")


def _suffix(questionnaire: Questionnaire) -> str:
    return str(questionnaire.settings.get("_templates_suffix", ".jinja"))
