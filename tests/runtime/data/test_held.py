"""Others at the warehouse's file: a step waits for who writes, reads beside who reads."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from threading import Timer
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime.data.warehouse import connect, count
from fourhats_runtime.data.warehouse import file as warehouse_file
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.monitor import alerts
from fourhats_runtime.pipeline import Asked, run_step
from fourhats_runtime.project import named
from fourhats_runtime.serve import create_app

from tests.runtime.pipeline.test_cli import PROGRAM, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourhats_runtime import Project

NOTEBOOK = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reads")
connection.execute("SELECT count(*) FROM clean").fetchall()
print("open", flush=True)
sys.stdin.read()
"""

READER = """
import sys, time, duckdb
while True:
    try:
        with duckdb.connect(sys.argv[1], read_only=True) as connection:
            connection.execute("SELECT count(*) FROM clean").fetchall()
    except duckdb.Error:
        pass
    time.sleep(0.05)
"""


@contextmanager
def notebook(project: Project, does: str) -> Iterator[subprocess.Popen[bytes]]:
    """Have another process hold the file until its input ends."""
    command = [sys.executable, "-c", NOTEBOOK, str(project.artifacts / "warehouse.duckdb"), does]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_step_waits_for_a_notebook_and_says_so_and_no_incident_is_opened(
    ran: Project, caplog: pytest.LogCaptureFixture
) -> None:
    with notebook(ran, "reads") as process:
        assert process.stdin is not None
        Timer(1, process.stdin.close).start()
        run_step("transform", ran)
    assert f"waiting up to 60 s for {ran.artifacts / 'warehouse.duckdb'}" in caplog.text
    assert f"(PID {process.pid})" in caplog.text
    assert not alerts.open_incidents(ran)


def test_who_holds_the_file_for_too_long_is_named(
    ran: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_file, "LONGEST_SECONDS", 0.3)
    with (
        notebook(ran, "writes") as process,
        pytest.raises(ProjectError, match=rf"was held for .*\(PID {process.pid}\): close it there"),
    ):
        run_step("evaluate", ran)


def test_steps_that_only_read_go_on_beside_a_reader_and_end_though_it_stays(
    ran: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(warehouse_file, "LONGEST_SECONDS", 0.3)
    with notebook(ran, "reads"):
        assert run_step("evaluate", ran).rows_out
    assert "evaluate is done, but stands in no list of runs" in caplog.text
    with connect(ran) as connection:
        before = count(connection, "runs")
    run_step("evaluate", ran)
    with connect(ran) as connection:
        assert count(connection, "runs") == before + 1


def test_while_a_model_is_fitted_others_may_write(ran: Project) -> None:
    train = named(ran.train)

    def trained(project: Project, connection: Any, progress: Any) -> str:  # noqa: ANN401
        def others(done: int, there_are: int) -> None:
            with notebook(project, "writes"):
                progress(done, there_are)

        return train(project, connection, others)

    run_step("train", replace(ran, train=trained))


def test_run_monitor_serve_and_a_notebook_live_side_by_side(
    ran: Project, record: dict[str, Any]
) -> None:
    command, path = [sys.executable, "-c", PROGRAM], os.environ | {"PYTHONPATH": str(ROOT)}
    reader = [sys.executable, "-c", READER, str(ran.artifacts / "warehouse.duckdb")]
    with TestClient(create_app(ran)) as client, subprocess.Popen(reader) as reading:
        steps = [
            subprocess.Popen([*command, *words], cwd=ran.folder, env=path, stderr=subprocess.PIPE)
            for words in (("run",), ("monitor",))
        ]
        try:
            while any(step.poll() is None for step in steps):
                assert client.post("/predict", json=[record]).status_code == 200
                assert reading.poll() is None
                time.sleep(0.2)
        finally:
            reading.kill()
            said = [step.communicate()[1].decode() for step in steps]
    assert [step.returncode for step in steps] == [0, 0], said
    assert not [each for each in alerts.open_incidents(ran) if each.startswith("step:")]


def test_a_version_is_taken_back_whoever_holds_the_warehouse(
    ran: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse_file, "LONGEST_SECONDS", 0.3)
    other = Asked(to="v9-0")
    with notebook(ran, "writes"), pytest.raises(ProjectError, match="there is no version 'v9-0'"):
        run_step("rollback", ran, asked=other)
