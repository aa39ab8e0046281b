"""Runs the runtime's tests with one of its modules broken."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.runtime.mutants import RUNTIME, Mutant, broken

AT_A_TIME = 2
MOST_SECONDS = 600
TESTS = Path(__file__).parent


def unnoticed(mutants: tuple[Mutant, ...] | list[Mutant], folder: Path) -> list[str]:
    """Name the mutants with which the tests pass."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        passed = list(pool.map(lambda mutant: _passes(mutant, folder), mutants))
    return [
        f"{mutant.module}:{mutant.line}: {mutant.what}"
        for mutant, passes in zip(mutants, passed, strict=True)
        if passes
    ]


def asked_about(mutant: Mutant) -> list[list[str]]:
    """Name the tests that are called like a module or speak of it, then the others of its room."""
    name = mutant.module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    room, *parts = name.split(".")
    package, _, leaf = name.rpartition(".")
    speaks = re.compile(
        rf"fourhats_runtime\.{name} |from fourhats_runtime\.{package} import [^\n]*\b{leaf}\b"
    )
    own = TESTS / (room if (TESTS / room).is_dir() else "pipeline")
    called_like_it, speak, rest = [], [], []
    for file in sorted(TESTS.glob("*/test_*.py")):
        subject = file.stem.removeprefix("test_")
        if file.parent == own and any(subject in part or part in subject for part in parts):
            called_like_it.append(str(file))
        elif speaks.search(file.read_text(encoding="utf-8")):
            speak.append(str(file))
        elif file.parent == own:
            rest.append(str(file))
    first = sorted(called_like_it + speak, key=lambda file: not file.endswith(mutant.noticed_by))
    return [stage for stage in (first, rest) if stage]


def _passes(mutant: Mutant, folder: Path) -> bool:
    """Tell whether all tests of the module pass with the break in it."""
    place = folder / f"{abs(hash(mutant)):x}"
    place.mkdir()
    module = RUNTIME / mutant.module
    text = broken(module.read_text(encoding="utf-8"), mutant)
    (place / "broken.py").write_text(text, encoding="utf-8")
    # Every process that finds it starts with it: also those that the tests start.
    shutil.copy(TESTS / "broken_module.py", place / "sitecustomize.py")
    return all(_pass(tests, module, place) for tests in asked_about(mutant))


def _pass(tests: list[str], module: Path, place: Path) -> bool:
    options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=TESTS.parents[1],
            env=os.environ
            | {
                "PYTHONPATH": str(place),
                "PYTEST_ADDOPTS": f"--basetemp={place / 'tmp'}",
                "BROKEN_MODULE": str(module),
            },
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=MOST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False  # whoever waits for it notices, too
    # A module that cannot even be imported ends the collection.
    assert done.returncode in {0, 1, 2, 4}, done.stdout[-4000:] + done.stderr[-4000:]
    return done.returncode == 0
