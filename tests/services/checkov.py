"""Checkov, in an environment of its own, as the tests ask it about Terraform files."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.services.object_stores import environment

PINS = Path(__file__).with_name("checkov-constraints.txt")


@dataclass(frozen=True)
class Checked:
    """How many checks passed, which failed, and which are skipped with which reason."""

    passed: int
    failed: list[str]
    skipped: list[str]


def checked(folder: Path) -> Checked:
    """Have the Terraform files in a folder, and in those in it, checked without asking anybody."""
    program = environment("checkov", "checkov", pins=PINS) / "bin" / "checkov"
    done = subprocess.run(
        [
            *(program, "--directory", folder, "--framework", "terraform", "secrets"),
            *("--output", "json", "--compact", "--soft-fail"),
            *("--skip-download", "--download-external-modules", "false"),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "CHECKOV_RUN_SCA_PACKAGE_SCAN": "false", "LOG_LEVEL": "ERROR"},
    )
    said = json.loads(done.stdout)
    results = [one["results"] for one in (said if isinstance(said, list) else [said])]
    return Checked(
        sum(one["summary"]["passed"] for one in (said if isinstance(said, list) else [said])),
        [
            f"{found['check_id']} {found['resource']}: {found['check_name']}"
            for result in results
            for found in result["failed_checks"]
        ],
        [
            f"{found['check_id']} {found['resource']}: "
            f"{found['check_result'].get('suppress_comment', '')}"
            for result in results
            for found in result.get("skipped_checks", [])
        ],
    )
