"""`fourhats status`: how far projects are behind their template, and what an update would meet."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats.change.apply import cut_off
from fourhats.change.fleet import for_each, projects_in, show_table
from fourhats.change.forecast import Ahead, conflicts_ahead, edited_runtime
from fourhats.change.subproject import Subproject
from fourhats.errors import FourhatsError, WrongInputError
from fourhats.interrupt import stoppable
from fourhats.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourhats.change.history import TemplateHistory

LEFT_OPEN = (".kept", ".rej")


@dataclass
class Status:
    """What one line of the table says."""

    project: str
    version: str = ""
    newest: str = ""
    behind: int | None = None
    """Released versions; None where that cannot be said."""
    answers_changed: list[str] = field(default_factory=list)
    """Since the project's first commit."""
    conflicts: list[str] = field(default_factory=list)
    """Files in which an update would meet the user's changes."""
    runtime_edited: list[str] = field(default_factory=list)
    """Files of runtime/ that are not as they came: without any, it is replaced as a whole."""
    attention: list[str] = field(default_factory=list)


def status_command(places: Sequence[str], *, as_json: bool) -> int:
    """Run `fourhats status`."""
    with stoppable(), scratch_folder():
        found = [folder for place in places for folder in projects_in(place)]
        if not found:
            raise WrongInputError(f"there is no project in {', '.join(places)}")
        statuses = for_each(found, examine)
    if as_json:
        print(json.dumps([asdict(status) for status in statuses], indent=2, ensure_ascii=False))
    else:
        _table(statuses)
    return 0


def examine(typed: str, history: TemplateHistory | str) -> Status:
    """Look at one project; what is wrong with it is part of what is said."""
    status = Status(typed)
    try:
        project = Subproject.opened(typed)
        status.version = project.version
        _look_at_project(project, status)
        if isinstance(history, str):
            status.attention.append(history)
        else:
            ahead = Ahead.of(history, project.version)
            status.newest, status.behind = ahead.newest, ahead.behind
            status.runtime_edited = edited_runtime(project, history)
            if ahead.behind:
                status.conflicts = conflicts_ahead(project, history, ahead)
    except FourhatsError as error:
        status.attention.append(str(error))
    return status


def _look_at_project(project: Subproject, status: Status) -> None:
    if cut_off(project):
        status.attention.append("an update was cut off: the next `fourhats update` undoes it")
    changes = project.changes()
    if changes:
        status.attention.append(f"{len(changes)} files are not committed")
    left = [name for name in project.git("ls-files", "-z").split("\0") if name.endswith(LEFT_OPEN)]
    marked = project.git("grep", "-l", "-z", "-E", "^(<<<<<<< |>>>>>>> )", fine=(0, 1)).split("\0")
    left += [name for name in marked if name]
    if left:
        status.attention.append(f"left open by an update: {', '.join(sorted(left))}")
    status.answers_changed = project.changed_answers()


def _table(statuses: Sequence[Status]) -> None:
    rows = [
        (
            Path(status.project).resolve().name,
            status.version or "?",
            "?" if status.behind is None else str(status.behind or "-"),
            ", ".join(status.answers_changed) or "-",
            ", ".join(status.conflicts) or "-",
            f"{len(status.runtime_edited)} edited" if status.runtime_edited else "-",
            "; ".join(status.attention) or "-",
        )
        for status in statuses
    ]
    heading = ("project", "version", "behind", "answers changed", "would conflict")
    show_table([(*heading, "runtime", "attention"), *rows])
