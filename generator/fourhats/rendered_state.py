"""What a project was rendered as, before its user changed it: noted in its repository.

A reference beside the branches holds the tree, so that a look at a hundred projects need not render
a hundred times. It counts as long as its answers file is the project's; a fresh clone has none.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from fourhats.git import Git, GitError
from fourhats.merge import ANSWERS_FILE
from fourhats.render import render
from fourhats.store import Store, listing

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats.store import Listing
    from fourhats.subproject import Subproject
    from fourhats.template_history import TemplateHistory


def reference(prefix: str = "") -> str:
    """Name the reference of the project at `prefix` in its repository."""
    return f"refs/fourhats/rendered/{sha256(prefix.encode()).hexdigest()[:12]}"


def note_first_commit(folder: Path) -> None:
    """Note that a new project's first commit is what was rendered."""
    Git(folder)("update-ref", reference(), "HEAD^{tree}")


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
    rendered = store.added(folder, f"{project.head}:{project.prefix}")
    note_rendered(project, store, rendered)
    return rendered
