"""The generator's own command, as a person types it, with the template as it stands here."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.services.rendered import ROOT

FOURHATS = Path(sys.executable).with_name("fourhats")
OURS = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH"}


def fourhats(folder: Path, *words: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it in a folder, with nobody at the keyboard."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(
        [FOURHATS, *words],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=kept | {"FOURHATS_SOURCE": str(ROOT), **env},
    )
