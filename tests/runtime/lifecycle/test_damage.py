"""A damaged file, a full disk: one line that names it and the way back, and the way back works."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.files import PROCESS, clear, unfinished, write_atomically
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.rollback import rollback_to
from fourhats_runtime.pipeline import Asked, run_step
from fourhats_runtime.serve import create_app

from tests.runtime.handmade import EXAMPLE, handmade
from tests.runtime.pipeline.test_cli import PROGRAM, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

SQLITE = b"SQLite format 3\0" + bytes(4096)
CHAMPIONS = ("champion", "champions.json", "model.json", "model.onnx", "contract.toml")
DAMAGE = {"empty": b"", "no text": b"\xff\xfe\x00", "half": None}


@pytest.fixture
def project(fresh: Project) -> Project:
    """Give a project with two champions, one after the other, made by hand."""
    registry = Registry(fresh.artifacts / "registry")
    for scale in (1.0, 2.0):
        project = handmade(fresh, scale=scale)
        (registry.root / "champion").unlink()
        if scale > 1:
            registry.point("champion", registry.versions()[0])
        registry.make_champion(registry.require("challenger"), "promoted", "by hand")
        registry.mark_announced()
    return project


def damage(project: Project, name: str, how: str) -> Path:
    """Damage a file of the champion's, or of the registry; gives it."""
    registry = Registry(project.artifacts / "registry")
    path = registry.root / name
    if not path.exists():
        path = registry.folder(registry.require("champion")) / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if DAMAGE[how] is None else DAMAGE[how] or b"")
    return path


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("name", CHAMPIONS)
def test_a_damaged_champion_is_named_with_the_way_back_and_the_one_before_answers(
    project: Project, name: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    old, new = Registry(project.artifacts / "registry").versions()
    path = damage(project, name, how)
    if name == "champions.json":
        with pytest.raises(DamagedError, match=r"champions\.json .*move it away"):
            rollback_to("", project)
        path.unlink()
    else:
        with pytest.raises(DamagedError, match="rollback --to VERSION") as error:
            Model.champion(project)
        said = str(error.value)
        assert str(path if name == "champion" else path.parent) in said
        assert len(said.splitlines()) == 1
        with TestClient(create_app(project)) as client:
            ready = client.get("/ready")
            assert ready.status_code == 503
            assert str(path if name == "champion" else new) in ready.json()["status"]
            answer = client.post("/predict", json=[EXAMPLE])
            assert answer.status_code == 200
            # Where the pointer alone is damaged, the list of champions says who it was.
            assert answer.json()["model_version"] == (new if name == "champion" else old)
        assert caplog.text.count(said) == 1
    rollback_to(old, project)
    with TestClient(create_app(project)) as client:
        assert client.get("/ready").json() == {"status": "ready", "model_version": old}


def test_a_champion_that_is_damaged_while_it_answers_goes_on(project: Project) -> None:
    registry = Registry(project.artifacts / "registry")
    old, new = registry.versions()
    with TestClient(create_app(project)) as client:
        (registry.folder(old) / "model.onnx").write_bytes(b"")
        registry.point("champion", old)
        predictor = client.app.predictor  # type: ignore[attr-defined]
        predictor.refresh()
        assert old in client.get("/ready").json()["status"]
        assert client.post("/predict", json=[EXAMPLE]).json()["model_version"] == new
        registry.point("champion", new)
        predictor.refresh()
        assert client.get("/ready").status_code == 200


def test_a_model_that_is_trained_once_more_has_its_files_mended(project: Project) -> None:
    registry = Registry(project.artifacts / "registry")
    new = registry.require("champion")
    folder = registry.folder(new)
    graph, contract = (folder / "model.onnx").read_bytes(), (folder / "contract.toml").read_text()
    card = registry.card(new)
    damage(project, "model.onnx", "half")
    assert registry.add(graph, contract, card) == new
    registry.check(new)


@pytest.mark.parametrize("how", ["half", "foreign", "empty", "a block"])
def test_a_damaged_warehouse_is_put_aside_by_extract_whole(ran: Project, how: str) -> None:
    path = ran.artifacts / "warehouse.duckdb"
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(
        {
            "half": content[:middle],
            "foreign": SQLITE,
            "empty": b"",
            "a block": content[:20_000] + bytes(len(content) - 40_000) + content[-20_000:],
        }[how]
    )
    with pytest.raises(DamagedError, match=r"warehouse\.duckdb .*run `extract --whole`") as error:
        run_step("transform", ran)
    assert len(str(error.value).splitlines()) == 1
    run_step("extract", ran, asked=Asked(whole=True))
    assert len(list(ran.artifacts.glob("warehouse-damaged-*.duckdb"))) == 1
    for step in ("validate", "transform", "monitor"):
        run_step(step, ran)


def test_experiments_that_cannot_be_logged_end_no_training(
    ran: Project, caplog: pytest.LogCaptureFixture
) -> None:
    (ran.artifacts / "mlflow.sqlite").write_bytes(SQLITE[:100] + b"\xff" * 5000)
    run_step("train", ran)
    assert "mlflow.sqlite takes no experiment (" in caplog.text
    assert "Move the file away" in caplog.text


@pytest.mark.parametrize(
    ("name", "advice"), [("config/contract.toml", "save it as UTF-8"), (".env", "save it as UTF-8")]
)
def test_a_text_of_ones_own_that_is_no_utf_8_is_named(
    fresh: Project, name: str, advice: str
) -> None:
    (fresh.folder / name).write_bytes(b"a = \xe9\n")
    project = fresh.at(fresh.folder)
    with pytest.raises(ProjectError, match=advice) as error:
        run_step("extract", project)
    assert name in str(error.value)


@pytest.mark.parametrize(("step", "file"), [("transform", "warehouse.duckdb"), ("train", "v1-")])
def test_a_full_disk_is_one_line_that_names_the_file(ran: Project, step: str, file: str) -> None:
    if step == "train":
        with suppress(FileNotFoundError):
            (ran.artifacts / "registry" / "champion").unlink()
        for folder in (ran.artifacts / "registry" / "versions").iterdir():
            folder.rename(ran.artifacts / "registry" / "versions" / "other")
        file = "model.onnx"

    def with_little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, step],
        cwd=ran.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=with_little_room,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert file in done.stderr.splitlines()[-1]
    assert "make room" in done.stderr.splitlines()[-1]


def test_what_a_killed_process_left_unfinished_is_cleared(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        pass
    mine, number = unfinished(), f"-{os.getpid()}-"
    of = {
        "gone": mine.replace(number, f"-{gone.pid}-"),
        "of the same number": mine.replace(PROCESS, "0" * 8),
        "at work": mine.replace(number, f"-{os.getppid()}-"),
        "elsewhere": mine.replace("unfinished-", "unfinished-elsewhere"),
        "forgotten": mine.replace("unfinished-", "unfinished-forgotten"),
        "mine": mine,
    }
    for name in of.values():
        (tmp_path / "below").mkdir(exist_ok=True)
        (tmp_path / "below" / name).write_text("half", encoding="utf-8")
    os.utime(tmp_path / "below" / of["forgotten"], (0, 0))
    (tmp_path / of["gone"]).mkdir()
    write_atomically(tmp_path / "whole", "all of it")
    clear(tmp_path)
    left = {path.name for path in tmp_path.rglob("*")}
    assert left == {"whole", "below", of["at work"], of["elsewhere"], of["mine"]}
