"""Terraform's own parser and formatter, as they come for Node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.services.storage import cached

PACKAGES = ("@cdktf/hcl-tools@0.21.0", "@cdktf/hcl2json@0.21.0")
READER = Path(__file__).with_name("hcl.js")
SUFFIXES = (".tf", ".tfvars", ".tfbackend")


class NodeMissingError(RuntimeError):
    """There is no Node, or no npm."""


@dataclass(frozen=True)
class HclFile:
    """A file as it is, as the formatter would have it, and what it says."""

    text: str
    formatted: str
    parsed: dict[str, Any]
    fault: str = ""


def hcl_files(folder: Path) -> dict[str, HclFile]:
    """Read the files of a folder and of those in it, by their names there."""
    names = sorted(str(path) for path in folder.rglob("*") if path.suffix in SUFFIXES)
    reader = _reader()
    assert reader.stdin
    assert reader.stdout
    reader.stdin.write(f"{json.dumps(names)}\n")
    reader.stdin.flush()
    found = json.loads(reader.stdout.readline())
    return {Path(name).relative_to(folder).as_posix(): HclFile(**found[name]) for name in names}


@cache
def _reader() -> subprocess.Popen[str]:
    """Start what reads: once, since that takes seconds. It ends with its input, so with us."""
    return subprocess.Popen(
        ["node", READER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "NODE_PATH": str(node_modules())},
    )


def node_modules() -> Path:
    """Install the parser and the formatter, or give what was. Raises NodeMissingError."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NodeMissingError("no npm here, which HCL is read by: install Debian's `npm`")
    with cached("hcl", *PACKAGES) as (path, made):
        if not made:
            options = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", str(path)]
            subprocess.run([npm, *options, *PACKAGES], check=True)
    return path / "node_modules"
