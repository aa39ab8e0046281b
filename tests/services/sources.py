"""A project and the source that it reads: set up, extracted, refused, looked into."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from tests.services.rendered import Project, command, install, render
from tests.services.tables import deliveries


def delivery_project(folder: Path, sources: Sequence[str], **answers: Any) -> Project:  # noqa: ANN401 - answers are of any type
    """Make and install a project about delivery times that reads from these sources."""
    return install(
        render(
            folder / "delivery-times",
            project_name="Delivery times",
            task="regression",
            worked_example=False,
            data_sources=list(sources),
            serving=["batch"],
            orchestrator="none",
            **answers,
        )
    )


def delivery_table(
    project: Project, rows: int, open_rows: int = 0, *, capitals: bool = False
) -> Path:
    """Write deliveries beside the project, and its contract after them; gives the table."""
    table = project.folder.with_name("deliveries.csv")
    header = ",".join(deliveries(table, rows, open_rows))
    target = "hours"
    if capitals:
        text = table.read_text(encoding="utf-8")
        table.write_text(text.replace(header, header.upper(), 1), encoding="utf-8")
        target = target.upper()
    command(project, "contract", "infer", str(table), "--target", target, "--force")
    return table


@dataclass
class Shop:
    """A project, and what its surroundings say."""

    project: Project
    raw: str
    """The table of the source's rows in the warehouse."""
    settings: dict[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    """What must not be said."""

    def forget(self) -> None:
        """Throw away what was extracted so far."""
        shutil.rmtree(self.project.folder / "artifacts", ignore_errors=True)

    def extract(self, *words: str, **settings: str) -> str:
        """Run the step; gives what it said."""
        return self._run(words, settings, check=True).stdout

    def refused(self, **settings: str) -> str:
        """Run the step with other settings; gives the one line in which it is refused."""
        done = self._run((), settings, check=False)
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert not [secret for secret in self.secrets if secret in done.stdout + done.stderr]
        return done.stderr

    def rows(self, query: str = "") -> list[tuple[Any, ...]]:
        """Look into the warehouse; every value comes as text."""
        path = str(self.project.folder / "artifacts" / "warehouse.duckdb")
        with duckdb.connect(path, read_only=True) as connection:
            texts = f"SELECT COLUMNS(*)::VARCHAR FROM ({query or f'FROM {self.raw}'})"  # noqa: S608 - our own
            return connection.execute(texts).fetchall()

    def types(self) -> dict[str, str]:
        """Give the types of the source's columns in the warehouse."""
        described = f"SELECT column_name, column_type FROM (DESCRIBE {self.raw})"  # noqa: S608 - our own
        return dict(self.rows(described))

    def _run(
        self, words: Sequence[str], settings: dict[str, str], *, check: bool
    ) -> subprocess.CompletedProcess[str]:
        env = self.settings | settings
        return command(self.project, "extract", *words, env=env, check=check)
