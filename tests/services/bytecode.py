"""What Python compiled in one environment, for the next: each would spend seconds on the same.

Environments are made of hard links to uv's cache, so that a file is as old in each of them, which
is what Python goes by. On another disk than the cache they are copies, and compile for themselves.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.services.storage import cache_folder

PINS = Path(__file__).parents[2] / "includes" / "hashes.jinja"
COMPILED = "__pycache__"


def hand_on(environment: Path) -> None:
    """Give an environment what was compiled in others."""
    packages = _packages(environment)
    if not _beside_the_store(packages):
        return
    for file in _compiled(_store()):
        folder = (packages / file).parent
        if folder.parent.is_dir():
            _link(_store() / file, packages / file)


def keep(environment: Path) -> None:
    """Keep what was compiled in an environment."""
    packages = _packages(environment)
    if not _beside_the_store(packages):
        return
    for file in _compiled(packages):
        _link(packages / file, _store() / file)


def _store() -> Path:
    return cache_folder() / f"bytecode-{hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]}"


def _beside_the_store(packages: Path) -> bool:
    """Tell whether both are on one disk, as hard links have to be."""
    return packages.stat().st_dev == cache_folder().stat().st_dev


def _packages(environment: Path) -> Path:
    return next(environment.glob("lib/python*/site-packages"))


def _compiled(folder: Path) -> Iterator[Path]:
    for place, _, files in os.walk(folder):
        if place.endswith(COMPILED):
            yield from (Path(place, name).relative_to(folder) for name in files)


def _link(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.link(file, to)
