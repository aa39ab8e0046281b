"""The page of a cloud, typed into a shell whose commands are scripts: they note what is asked."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.services.availability import unavailable
from tests.services.terraform.hcl import NodeMissingError, hcl_files

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Shell:
    """A person's shell beside a project that goes to a cloud."""

    folder: Path
    project: Path
    cloud: str

    @property
    def blocks(self) -> list[str]:
        """The blocks of commands that the page shows."""
        folder = self.project / "deploy" / "terraform" / self.cloud
        page = (folder / "README.md").read_text(encoding="utf-8")
        return re.findall(r"(?s)```sh\n(.*?)```", page)

    @property
    def files(self) -> dict[str, Any]:
        """What the files for Terraform say, by their names."""
        try:
            found = hcl_files(self.project / "deploy" / "terraform" / self.cloud)
        except NodeMissingError as error:
            unavailable(error)
        return {name: file.parsed for name, file in found.items()}

    def has(self, name: str, text: str) -> None:
        """Put a command where the shell finds it first."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def types(self, script: str, *, inside: bool = False) -> list[str]:
        """Type something, see it work, and give what the commands were told."""
        log = self.folder / "log"
        log.write_text("", encoding="utf-8")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.project if inside else self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", "LOG": str(log)},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return log.read_text(encoding="utf-8").splitlines()

    def told_terraform(self, *, inside: bool = False) -> None:
        """Type what the page tells Terraform first: folders, files and resources are there."""
        self.has("terraform", 'for word; do echo "$word" >> "$LOG"; done')
        typed = 0
        for command in self.blocks[0].splitlines():
            if not command.startswith("terraform"):
                continue
            typed += 1
            words = self.types(command, inside=inside)
            folder = (self.project if inside else self.folder) / words[0].removeprefix("-chdir=")
            for option, _, value in (word.partition("=") for word in words[2:]):
                if option in ("-var-file", "-backend-config"):
                    assert (folder / value).is_file()
                if option == "-target":
                    of_type, _, name = value.partition(".")
                    found = [file["resource"] for file in self.files.values() if "resource" in file]
                    assert any(name in resources.get(of_type, {}) for resources in found)
        assert typed
