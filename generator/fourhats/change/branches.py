"""`fourhats update --all`: every project's update on a branch of its own, its files left alone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats.change import plan
from fourhats.change.fleet import for_each, projects_in, show_table
from fourhats.change.subproject import Subproject
from fourhats.errors import FourhatsError, WrongInputError
from fourhats.git import Git
from fourhats.interrupt import stoppable, undisturbed
from fourhats.scratch import scratch_folder
from fourhats.terminal import fact

if TYPE_CHECKING:
    from fourhats.change.history import TemplateHistory
    from fourhats.change.plan import Change


@dataclass(frozen=True)
class Outcome:
    """What became of one project."""

    project: str
    said: str
    branch: str = ""
    failed: bool = False


def update_all_command(folder: str, *, dry_run: bool) -> int:
    """Run `fourhats update --all`; 1 where a project could not be updated."""
    with stoppable(), scratch_folder():
        found = projects_in(folder)
        if not found:
            raise WrongInputError(f"there is no project in {folder}")
        outcomes = for_each(found, partial(update_on_branch, dry_run=dry_run))
    rows = [(Path(each.project).resolve().name, each.branch or "-", each.said) for each in outcomes]
    show_table([("project", "branch", "update"), *rows])
    if dry_run:
        fact("\nNothing was changed (--dry-run).")
    elif any(each.branch for each in outcomes):
        fact("\nLook at one: git -C PROJECT switch BRANCH; take it: git merge BRANCH")
    return 1 if any(each.failed for each in outcomes) else 0


def update_on_branch(typed: str, history: TemplateHistory | str, *, dry_run: bool) -> Outcome:
    """Commit a project's update to a new branch; what is wrong with it is what is said."""
    try:
        project = Subproject.opened(typed)
        if isinstance(history, str):
            raise WrongInputError(history)
        with tempfile.TemporaryDirectory(prefix="fourhats-", ignore_cleanup_errors=True) as place:
            change = plan.update(project, history, Path(place), to=None, data={})
            if change.empty:
                return Outcome(typed, f"up to date ({change.version})")
            if change.conflicts:
                raise WrongInputError(
                    f"conflicts in {', '.join(change.conflicts)}: fourhats update {typed}"
                )
            branch = _free_branch(change)
            if not dry_run:
                _commit(change, branch, Path(place))
    except FourhatsError as error:
        return Outcome(typed, str(error), failed=True)
    said = f"{project.version} → {change.version}"
    if change.merged.kept:
        said += f", kept {', '.join(sorted(change.merged.kept.values()))}"
    return Outcome(typed, said, branch)


def _free_branch(change: Change) -> str:
    branch = f"fourhats/{change.version}"
    if change.project.git.succeeds("rev-parse", "--quiet", "--verify", f"refs/heads/{branch}"):
        raise WrongInputError(f"there is a branch {branch} already: merge or delete it first")
    return branch


def _commit(change: Change, branch: str, scratch: Path) -> None:
    project, merged = change.project, change.merged
    change.store.git("update-ref", "refs/heads/merged", change.store.commit(change.tree))
    project.git(
        *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head"),
        *(str(change.store.folder), "refs/heads/merged"),
    )
    git = Git(project.path, environment={"GIT_INDEX_FILE": str(scratch / "index")})
    git("read-tree", project.head)
    lines = [
        f"0 {'0' * 40}\t{project.prefix}{path}\0"
        for path in change.yours.keys() - merged.files.keys()
    ]
    lines += [
        f"{mode} {oid}\t{project.prefix}{path}\0" for path, (mode, oid) in merged.files.items()
    ]
    git("update-index", "-z", "--index-info", given="".join(lines))
    tree = git("write-tree")
    message = f"Update the template to {change.version}"
    commit = git.signed(
        *("commit-tree", tree, "-p", project.head, "-m", message),
        name="Fourhats",
        address="fourhats@localhost",
    )
    with undisturbed():
        project.git("branch", branch, commit)
