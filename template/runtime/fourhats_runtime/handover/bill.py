"""The bill of materials (CycloneDX), by the tool that images and CI make theirs with."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from fourhats_runtime.errors import ProjectError

TOOLS = "deploy/tools.txt"
PATIENCE = 300  # seconds, a first download included


def write_bill(folder: Path, path: Path) -> int:
    """Write what is installed as CycloneDX JSON; gives how many components there are.

    Raises:
        ProjectError: uv, or the list of the tools' versions, is not there; or the tool fails.

    """
    tools = folder / TOOLS
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise ProjectError("uv is not there, which fetches the tool for the bill of materials")
    if not tools.is_file():
        raise ProjectError(f"{TOOLS} is missing, which says by what the bill of materials is made")
    command = [uv, "tool", "run", "--quiet", "--from", "cyclonedx-bom", "--constraints", str(tools)]
    command += ["cyclonedx-py", "environment", "--output-reproducible", "--no-validate"]
    command += ["--output-file", str(path), sys.prefix]
    try:
        subprocess.run(  # noqa: S603 (words of ours)
            command,
            cwd=path.parent,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise ProjectError(f"the bill of materials was not made within {PATIENCE} s") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()
        raise ProjectError(
            f"the bill of materials could not be made: {said[-1] if said else 'no word why'}"
        ) from None
    bill: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for component in bill["components"]:
        _forget_this_machine(component)
    path.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    return len(bill["components"])


def _forget_this_machine(component: dict[str, Any]) -> None:
    """Take out where on this machine a package was installed from."""
    kept = [
        reference
        for reference in component.pop("externalReferences", [])
        if not reference["url"].startswith("file:")
    ]
    if kept:
        component["externalReferences"] = kept
