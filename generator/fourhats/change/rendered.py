"""What a project was rendered as, before its user changed it: noted in its repository.

A reference beside the branches holds the tree, so that a look at a hundred projects need not render
a hundred times. It counts as long as its answers file is the project's; a fresh clone has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourhats.change.store import Store, listing
from fourhats.git import GitError
from fourhats.render.render import render
from fourhats.render.repository import reference
from fourhats.source import ANSWERS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats.change.history import TemplateHistory
    from fourhats.change.store import Listing
    from fourhats.change.subproject import Subproject


def note_rendered(project: Subproject, store: Store, rendered: Listing) -> None:
    """Note what a project is rendered as from now on."""
    store.git("update-ref", "refs/heads/rendered", store.commit(store.tree(rendered)))
    project.git(
        *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(store.folder)),
        f"+refs/heads/rendered:{reference(project.prefix)}",
    )


def rendered_state(
    project: Subproject, history: TemplateHistory, commit: str, scratch: Path
) -> Listing:
    """List the files that were rendered: as noted, else rendered once more and noted."""
    try:
        noted = listing(project.git, reference(project.prefix))
        answers = project.git("rev-parse", f"HEAD:./{ANSWERS_FILE}")
    except GitError:
        noted, answers = {}, ""
    if noted.get(ANSWERS_FILE, ("", None))[1] == answers:
        return noted
    store = Store(scratch / "rendered.git", project.objects)
    folder = scratch / "rendered"
    render(history.source(commit), project.answers, folder)
    rendered = store.added(folder, project.tree)
    note_rendered(project, store, rendered)
    return rendered
