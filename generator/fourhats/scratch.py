"""One folder for all temporary files of a command."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats.interrupt import undisturbed

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Lend a folder in which all temporary files are made, copier's too, and remove it whole.

    A signal between making a temporary folder and noting it would leave that folder behind.
    """
    before = tempfile.tempdir
    scratch = Path(tempfile.gettempdir()) / f"fourhats-{os.urandom(4).hex()}"
    try:
        scratch.mkdir(mode=0o700)
        tempfile.tempdir = str(scratch)
        yield scratch
    finally:
        with undisturbed():
            tempfile.tempdir = before
            shutil.rmtree(scratch, ignore_errors=True)
