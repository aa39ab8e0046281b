"""The commands of the engagement: acceptance and status."""

import json
import sys
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Discard what was written between the marks.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
NOT_MET = 1


class EngagementCommands:
    """The commands of the engagement. Their docstrings are what `--help` shows."""

    def __init__(self, project: Callable[[], Project]) -> None:
        """Take what gives the project, once its settings are known to be sound."""
        self._project = project

    def all(self) -> Iterable[Callable[..., None]]:
        """Give the commands, in the order of `--help`."""
        yield from (self.accept, self.status)

    def accept(self, *, as_json: Json = False, overwrite: Overwrite = False) -> None:
        """Measure what the work is accepted by, and write the protocol that both sides sign."""
        from fourhats_runtime.data.faults import plainly
        from fourhats_runtime.engagement import accept
        from fourhats_runtime.lifecycle.sharing import shared

        project = self._project()
        with plainly(project), shared(project):
            found, written = accept(project, overwrite=overwrite)
        if as_json:
            print(json.dumps(found.in_words() | {"accepted": not found.open}))
        else:
            for each in found.criteria:
                print(f"  {each.said}")
            for path in written:
                print(f"Protocol: {path.relative_to(project.folder)}")
        if found.open:
            print(f"not accepted: {found.verdict} ({found.named})", file=sys.stderr)
            raise typer.Exit(NOT_MET)
        if not as_json:
            print(f"Accepted: {found.verdict}")

    def status(
        self,
        *,
        since: Annotated[
            str | None,
            typer.Option(help="From this day on, e.g. 2026-11-01; by default seven days ago."),
        ] = None,
        hours: Annotated[
            Path | None,
            typer.Option(metavar="CSV", help="What was spent, as a time tracker exports it."),
        ] = None,
        final: Annotated[
            bool, typer.Option("--final", help="Write the exit report instead.")
        ] = False,
        overwrite: Overwrite = False,
    ) -> None:
        """Write how it stands: done, next, figures, risks, money; or how it ended."""
        from fourhats_runtime.data.faults import plainly
        from fourhats_runtime.engagement import write_exit_report, write_status
        from fourhats_runtime.lifecycle.sharing import shared

        project = self._project()
        if final and since is not None:
            raise ProjectError("--final is of the whole time: leave --since out")
        with plainly(project), shared(project):
            written = (
                write_exit_report(project, hours, overwrite=overwrite)
                if final
                else write_status(project, _day(since), hours, overwrite=overwrite)
            )
        for path in written:
            print(f"Report: {path.relative_to(project.folder)}")


def _day(text: str | None) -> date | None:
    """Read a day.

    Raises:
        ProjectError: it is none.

    """
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise ProjectError(f"--since {text}: write a day, such as 2026-11-01") from None
