"""The runtime is an ordinary distribution: it builds, installs where nothing is, and imports."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.build.environments import run, uv
from tests.render.runtime import HOME, PACKAGE, files
from tests.services.rendered import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ROOMS = sorted(
    f"{PACKAGE.name}.{path.stem}"
    for path in PACKAGE.iterdir()
    if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
)
USER = """\
from fourhats_runtime import Project


def name(project: Project) -> str:
    return project.name


def wrong(project: Project) -> int:
    return project.name
"""
IMPORT_ALL = """
import importlib, pkgutil, sys, fourhats_runtime
for module in pkgutil.walk_packages(fourhats_runtime.__path__, "fourhats_runtime."):
    importlib.import_module(module.name)
print(len(sys.modules))
"""


@dataclass(frozen=True)
class Built:
    """What came out of one build."""

    wheel: Path
    sdist: Path

    @property
    def held(self) -> dict[str, bytes]:
        """What the wheel holds of the package."""
        with zipfile.ZipFile(self.wheel) as wheel:
            names = [name for name in wheel.namelist() if not name.endswith("/")]
            return {name: wheel.read(name) for name in names if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build both, the wheel from the sdist, out of a copy that no other tool has touched."""
    folder = tmp_path_factory.mktemp("build")
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    uv(folder / "runtime", "build", "--quiet", "--out-dir", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="module")
def python(built: Built, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Install the wheel with all extras into an empty environment."""
    folder = tmp_path_factory.mktemp("installed")
    return _installed(folder, f"{built.wheel}[all]")


def test_the_wheel_holds_what_the_folder_holds(built: Built) -> None:
    prefix = f"{HOME.name}/"
    there = {name.removeprefix(prefix): content for name, content in files().items()}
    package = {name: there[name] for name in there if name.startswith(f"{PACKAGE.name}/")}
    assert f"{PACKAGE.name}/py.typed" in package
    assert {name.rpartition(".")[2] for name in package} >= {"py", "html", "css"}
    assert built.held == package


def test_the_sdist_brings_licence_and_readme(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert names >= {"LICENSE", "README.md", "pyproject.toml", f"{PACKAGE.name}/py.typed"}


def test_every_module_is_imported_where_all_extras_are(python: str, tmp_path: Path) -> None:
    assert int(run(tmp_path, [python, "-c", IMPORT_ALL])) > len(ROOMS)


def test_nothing_is_said_and_no_thread_started_by_an_import(python: str, tmp_path: Path) -> None:
    code = f"import threading, {', '.join(ROOMS)}\nprint(threading.active_count())"
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


@pytest.mark.parametrize(
    ("extras", "rooms"),
    [
        ("", ["project", "settings", "contract", "cli"]),
        ("[answer]", ["answer"]),
        ("[answer,api]", ["answer", "serve"]),
        ("[answer,redis]", ["answer", "stream"]),
        ("[answer,api,data,search]", ["serve.searching"]),
    ],
)
def test_a_room_is_imported_where_only_its_own_extras_are(
    extras: str, rooms: list[str], built: Built, tmp_path: Path
) -> None:
    python = _installed(tmp_path, f"{built.wheel}{extras}")
    modules = ", ".join(f"{PACKAGE.name}.{room}" for room in rooms)
    run(tmp_path, [python, "-c", f"import {modules}"])


def test_a_checker_finds_its_types(python: str, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "user.py"]
    done = subprocess.run(
        mypy,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MYPYPATH": ""},
    )
    (error, _) = done.stdout.splitlines()
    assert error.startswith("user.py:9: error: Incompatible return value type")


def _installed(folder: Path, what: str) -> str:
    """Install something with our own pins into an empty environment; give its Python."""
    environment = folder / "venv"
    uv(folder, "venv", "--quiet", "--python", sys.executable, str(environment))
    options = [
        "--quiet",
        "--python",
        str(environment),
        "--constraint",
        str(ROOT / "constraints.txt"),
    ]
    uv(folder, "pip", "install", *options, what)
    return str(environment / "bin" / "python")
