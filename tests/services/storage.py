"""Where tests keep what is dear to make, and what a person may want to look at afterwards."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder that outlives a run: base image, Airflow's environment."""
    folder = Path(os.environ.get("FOURHATS_CACHE", "~/.cache/fourhats")).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def artifacts_folder() -> Path:
    """Return the folder for screenshots and logs."""
    default = Path(tempfile.gettempdir()) / "fourhats-artifacts"
    folder = Path(os.environ.get("FOURHATS_ARTIFACTS", default))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def cached(name: str, *recipe: str) -> Iterator[tuple[Path, bool]]:
    """Yield the cache's path for this recipe, and whether it is there already.

    A lock is held meanwhile, so that runs side by side make it once. The block makes what is
    missing; only when it ends well does the path count as made.
    """
    key = hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:12]
    path = cache_folder() / f"{name}-{key}"
    made = path.with_name(f"{path.name}.made")
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path, made.exists()
        made.touch()
