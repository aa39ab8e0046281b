"""A rendered project's own tests notice when one of its modules is broken."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.services.rendered import Project, project_env

# What may go unnoticed: one in ten.
NOTICED_SHARE = 0.9
AT_A_TIME = 2


class Mutation(NamedTuple):
    """A break of one line in a module of the project."""

    what: str
    module: str
    before: str
    after: str


MUTATIONS = [
    Mutation(
        "acting rightly is paid as acting wrongly",
        "value.py",
        "np.array([value.missed, value.act_right]",
        "np.array([value.missed, value.act_wrong]",
    ),
    Mutation(
        "unknown categories pass the checks",
        "quality.py",
        'f"{value} NOT IN ({known})"',
        'f"FALSE AND {value} NOT IN ({known})"',
    ),
    Mutation(
        "a text that is half a number is one",
        "typed_values.py",
        'NUMBER = "^[+-]?',
        'NUMBER = "^.*[+-]?',
    ),
    Mutation(
        "the model also learns from the rows that it is judged by",
        "split.py",
        "train=_part(whole, ranks < validation)",
        "train=_part(whole, ranks != validation)",
    ),
    Mutation(
        "a graph that differs from the trained model is registered",
        "export.py",
        "if largest > tolerance:",
        "if largest < 0:",
    ),
    Mutation(
        "a challenger that is worth less is promoted",
        "promote.py",
        "return difference > 0,",
        "return True,",
    ),
    Mutation(
        "the same model is registered twice",
        "registry.py",
        "version = next((name for name in known if name.endswith(digest)), None)",
        "version = None",
    ),
    Mutation(
        "drift has the wrong sign",
        "monitor/drift.py",
        "np.log(p / q)",
        "np.log(q / p)",
    ),
    Mutation(
        "the prediction log begins anew when the API starts",
        "serve/journal.py",
        "os.O_RDWR | os.O_CREAT | os.O_APPEND",
        "os.O_RDWR | os.O_CREAT | os.O_TRUNC",
    ),
    Mutation(
        "unknown fields of a record are accepted",
        "serve/records.py",
        "forbid_unknown_fields=True",
        "forbid_unknown_fields=False",
    ),
    Mutation(
        "an incident is told every time",
        "monitor/incidents.py",
        "elif not finding.fine and known is None:",
        "elif not finding.fine:",
    ),
]


def test_its_own_tests_notice_a_broken_module(default_project: Project, tmp_path: Path) -> None:
    untouched = _copy(default_project, tmp_path / "untouched")
    copies = [
        _broken(default_project, mutation, tmp_path / f"broken{number}")
        for number, mutation in enumerate(MUTATIONS)
    ]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        fine, *passed = pool.map(lambda copy: _passes(default_project, copy), [untouched, *copies])
    assert fine, "the tests fail without any mutation"
    unnoticed = [
        mutation.what for mutation, passes in zip(MUTATIONS, passed, strict=True) if passes
    ]
    noticed = len(MUTATIONS) - len(unnoticed)
    assert noticed >= NOTICED_SHARE * len(MUTATIONS), f"unnoticed: {unnoticed}"


@pytest.mark.quick
def test_at_least_ten_modules_are_broken() -> None:
    assert len({mutation.module for mutation in MUTATIONS}) >= 10


def _broken(project: Project, mutation: Mutation, folder: Path) -> Path:
    _copy(project, folder)
    (package,) = (folder / "src").iterdir()
    module = package / mutation.module
    code = module.read_text(encoding="utf-8")
    assert code.count(mutation.before) == 1, f"{mutation.module} has changed: break another line"
    module.write_text(code.replace(mutation.before, mutation.after), encoding="utf-8")
    return folder


def _copy(project: Project, folder: Path) -> Path:
    ignored = shutil.ignore_patterns(".venv", "artifacts", "*_cache", "__pycache__")
    shutil.copytree(project.folder, folder, ignore=ignored)
    return folder


def _passes(project: Project, copy: Path) -> bool:
    """Run the copy's whole suite, on the copy's code, in the project's environment."""
    python = project.folder / ".venv" / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"],
        cwd=copy,
        env=project_env({"PYTHONPATH": os.fspath(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    # 1: tests fail; anything else but 0 is an error of ours.
    assert done.returncode in {0, 1}, done.stdout[-4000:] + done.stderr[-4000:]
    return done.returncode == 0
