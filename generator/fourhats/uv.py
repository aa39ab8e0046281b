"""uv, which runs a project's commands: where it is, and how a person types it."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

INSTALL = "curl -LsSf https://astral.sh/uv/install.sh | sh"
"""The command that installs it, from https://docs.astral.sh/uv."""


def on_path() -> bool:
    """Tell whether `uv` works as typed."""
    return shutil.which("uv") is not None


def found() -> str | None:
    """Return its full path: on the PATH, else the one that UV names, as uv does when it runs us."""
    path = shutil.which("uv") or shutil.which(os.environ.get("UV") or "uv")
    return str(Path(path).absolute()) if path else None


def typed() -> str:
    """Return what starts it in the person's shell: `uv`, or its full path, quoted."""
    path = found()
    return "uv" if path is None or on_path() else shlex.quote(path)


def environment() -> dict[str, str]:
    """Leave out what would lead uv into the environment that we run in ourselves."""
    kept = dict(os.environ)
    kept.pop("VIRTUAL_ENV", None)
    if os.path.isabs(kept.get("UV_PROJECT_ENVIRONMENT", "")):  # noqa: PTH117
        del kept["UV_PROJECT_ENVIRONMENT"]
    return kept
