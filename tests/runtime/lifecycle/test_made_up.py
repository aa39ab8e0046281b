"""While a sample stands in for the client's data, nothing shows an amount of money as theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourhats_runtime.data import Files
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.lifecycle.comparison import MADE_UP
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model import split
from fourhats_runtime.pipeline import run_step

from tests.runtime.sample_project import sample_project

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project


def test_every_page_on_a_sample_says_so(ran: Project) -> None:
    registry = Registry(ran.artifacts / "registry")
    evaluation = registry.noted(registry.require("champion"), "evaluation")
    assert evaluation is not None
    assert evaluation["made_up"] is True
    reports = ran.artifacts / "reports"
    pages = [reports / "report.html", ran.folder / "docs" / "model_card.md"]
    pages += reports.glob("20??-??.html")
    assert len(pages) >= 3
    for page in pages:
        assert MADE_UP in page.read_text(encoding="utf-8"), page.name


def test_rows_of_a_source_are_the_clients(ran: Project, tmp_path: Path) -> None:
    project = sample_project(tmp_path / "project", sources=[Files()])
    table = tmp_path / "customers.parquet"
    with connect(ran) as connection:
        connection.reader.execute(
            f"COPY (SELECT * EXCLUDE (_source, _row) FROM raw) TO '{table}' (FORMAT parquet)"
        )
    (project.folder / "config" / "sources.toml").write_text(f'[files]\npath = "{table}"\n')
    for step in ("extract", "validate", "transform"):
        run_step(step, project)
    with connect(ran) as sample, connect(project) as clients:
        assert split(sample, ran).made_up
        assert not split(clients, project).made_up
