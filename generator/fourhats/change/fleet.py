"""Many projects at once, in parallel."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fourhats.change.history import template_history
from fourhats.change.subproject import recorded_answers
from fourhats.errors import FourhatsError, WrongInputError
from fourhats.source import ANSWERS_FILE
from fourhats.terminal import fact, one_line, styled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prompt_toolkit.shortcuts.progress_bar.base import ProgressBarCounter

    from fourhats.change.history import TemplateHistory

Result = TypeVar("Result")


def projects_in(place: str) -> list[str]:
    """List the projects of a folder: itself, or those right below it.

    Raises:
        WrongInputError: it is no folder.

    """
    folder = Path(place).expanduser()
    if not folder.is_dir():
        raise WrongInputError(f"{place} is no folder")
    if (folder / ANSWERS_FILE).exists():
        return [place]
    return [
        str(below)
        for below in sorted(folder.iterdir())
        if below.is_dir() and (below / ANSWERS_FILE).exists()
    ]


def for_each(
    projects: Sequence[str], work: Callable[[str, TemplateHistory | str], Result]
) -> list[Result]:
    """Do the same for many projects, in parallel; one that is broken spoils nothing."""
    with ExitStack() as stack:
        histories = {
            location: stack.enter_context(_history(location))
            for location in {_location(project) for project in projects}
        }
        advance = stack.enter_context(_progress(len(projects)))
        pool = stack.enter_context(
            ProcessPoolExecutor(
                mp_context=get_context("spawn"),
                max_workers=min(len(projects), _cores()),
                initializer=_start,
                initargs=(tempfile.gettempdir(),),
            )
        )
        futures = [
            pool.submit(work, project, histories[_location(project)]) for project in projects
        ]
        for future in futures:
            future.add_done_callback(lambda _: advance())
        return [future.result() for future in futures]


@contextmanager
def _history(location: str) -> Iterator[TemplateHistory | str]:
    """Open a template, or say why that is not possible."""
    with ExitStack() as stack:
        opened: TemplateHistory | str
        try:
            opened = stack.enter_context(template_history(location))
        except FourhatsError as error:
            opened = str(error)
        yield opened


def _location(typed: str) -> str:
    try:
        return str(recorded_answers(typed, Path(typed).expanduser()).get("_src_path", ""))
    except FourhatsError:
        return ""


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Show on a terminal how many are done."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from prompt_toolkit.output import create_output  # noqa: PLC0415
    from prompt_toolkit.shortcuts import ProgressBar  # noqa: PLC0415

    with ProgressBar(output=create_output(sys.stderr)) as bar:
        counter: ProgressBarCounter[None] = bar(
            total=total, label="projects", remove_when_done=True
        )
        yield counter.item_completed


def _start(temporary: str) -> None:
    """Prepare a process of the pool: a signal is its parent's business."""
    tempfile.tempdir = temporary
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def show_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, the first one as their heading."""
    lines = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]) - 1)]
    for number, line in enumerate(lines):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        text = "  ".join([*cells, line[-1]])
        fact(styled(text, "bold") if number == 0 else text)
