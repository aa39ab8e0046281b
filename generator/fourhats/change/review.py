"""A change on one screen, the question whether to apply it, and what to do afterwards."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from fourhats.change.apply import apply, check_as_planned, occupied
from fourhats.change.plan import without
from fourhats.change.rendered import note_rendered
from fourhats.errors import WrongInputError
from fourhats.terminal import fact, interactive, one_line, styled

if TYPE_CHECKING:
    from fourhats.change.plan import Change

MOST_NAMED = 15
"""Files of one kind on the screen; what its user has to look at is named in full."""


def review(change: Change, title: str, *, dry_run: bool, yes: bool) -> int:
    """Show a change and apply it, if that is wanted; return the exit code.

    Raises:
        WrongInputError: nobody is there to say yes.

    """
    left_out = occupied(change.project, change.yours, change.merged)
    change = without(change, left_out)
    check_as_planned(change.project, change.yours, change.merged)
    _show(change, title, left_out, in_full=dry_run)
    if dry_run:
        fact("\nNothing was changed (--dry-run).")
        return 0
    if not yes and not _agreed():
        fact("Nothing was changed.")
        return 130
    apply(change.project, change.store, change.yours, change.merged)
    note_rendered(change.project, change.store, change.theirs)
    _afterwards(change)
    return 1 if change.conflicts else 0


def _show(change: Change, title: str, left_out: list[str], *, in_full: bool) -> None:
    fact(styled(one_line(title), "bold"))
    if change.changelog:
        fact("")
        for line in change.changelog:
            fact(f"  {''.join(sign for sign in line if sign.isprintable())}".rstrip())
    if change.notes:
        fact("\nAnswers")
        for line in change.notes:
            fact(f"  {one_line(line)}")
    merged = change.merged
    most = None if in_full else MOST_NAMED
    _list("Added", "green", change.added, most)
    _list("Changed", "cyan", change.changed, most)
    _list("Removed", "red", change.removed, most)
    moved = [f"{old} → {new}" for old, new in merged.moved.items()]
    _list("Moved, with your changes", "cyan", moved)
    kept = [f"{new}: your {old}" for old, new in sorted(merged.kept.items())]
    _list("Kept, though the template no longer has them", "yellow", kept)
    _list("Conflicts, which you resolve afterwards", "red", change.conflicts)
    _list("Yours, left alone though the template has them otherwise", "yellow", sorted(merged.own))
    _list("Deleted by you, and not brought back", "yellow", sorted(merged.deleted))
    _list("Left out, since a file that git ignores is in its place", "yellow", left_out)


def _list(heading: str, colour: str, lines: list[str], most: int | None = None) -> None:
    if not lines:
        return
    fact(f"\n{styled(f'{heading} ({len(lines)})', colour)}")
    for line in lines[:most]:
        fact(f"  {one_line(line)}")
    if most is not None and len(lines) > most:
        fact(f"  … and {len(lines) - most} more (--dry-run names all)")


def _agreed() -> bool:
    if not interactive():
        raise WrongInputError("nobody is there to say yes: nothing was changed (--yes applies it)")
    import questionary  # noqa: PLC0415  # a tenth of a second

    from fourhats.ask.wizard import terminal_restored  # noqa: PLC0415

    fact("")
    with terminal_restored():
        return bool(questionary.confirm("Apply this?", default=True).unsafe_ask())


def _undo(change: Change) -> str:
    """Give the command that brings the commit back, and touches nothing else."""
    git = f"git -C {shlex.quote(str(change.project.path))}"
    if not change.project.head:
        return f"{git} rm -rfq ."
    if not change.project.prefix:
        return f"{git} reset --hard"
    # Of a file in conflict `restore` knows no version.
    return f"{git} add --update . && {git} restore --source=HEAD --staged --worktree ."


def _to_resolve(change: Change, path: str) -> str:
    """Say what settles a file in conflict; git knows a side's version only of some."""
    versions = change.merged.unmerged[path]
    if not {2, 3} <= versions.keys():
        return "git add it to keep it, or git rm -f it"
    if change.merged.files.get(path) == versions[2]:
        return "is still yours; `git checkout --theirs` takes the template's"
    return "choose between the lines marked <<<<<<< and >>>>>>>, then git add it"


def _afterwards(change: Change) -> None:
    project = change.project
    folder = shlex.quote(str(project.path))
    fact(f"\n{styled('Done', 'green')}: the changes are staged, not committed.")
    if change.conflicts or change.merged.kept:
        fact("\nTo resolve:")
    for path in change.conflicts:
        fact(f"  {one_line(path)}: {_to_resolve(change, path)}")
    for old, new in sorted(change.merged.kept.items()):
        fact(f"  {one_line(new)}: take what you need of your {one_line(old)}, then git rm -f it")
    steps = (
        ("uv run pytest", "checks the project"),
        (f"git -C {folder} diff --staged", "shows what changed"),
        (_undo(change), "undoes it all"),
    )
    fact("\nNext:")
    width = max(len(step) for step, _ in steps)
    for step, meaning in steps:
        fact(f"  {styled(step.ljust(width), 'cyan')}  {meaning}")
