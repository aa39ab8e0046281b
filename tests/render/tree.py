"""A rendered project as files: what a test looks at without installing anything."""

import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import yaml

from tests.services.rendered import CACHES, ROOT, render

BIN = Path(sys.executable).parent
TEMPLATE_PARTS = ("copier.yml", "includes", "questions", "template")
RUNTIME = "runtime"
"""The folder of what is no project's own."""


@dataclass(frozen=True)
class Tree:
    """The folder of a rendered project, and the answers that it keeps."""

    folder: Path
    answers: dict[str, Any]

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Take a folder that was rendered."""
        text = (folder / ".copier-answers.yml").read_text(encoding="utf-8")
        return cls(folder, yaml.safe_load(text))

    @cached_property
    def texts(self) -> dict[str, str]:
        """What its rendered files hold, by name, as they were when first asked for."""
        return {self.name(path): path.read_text(encoding="utf-8") for path in self.files()}

    @property
    def package(self) -> Path:
        """The folder of its Python package."""
        return self.folder / "src" / str(self.answers["package_name"])

    @property
    def shares_a_bucket(self) -> bool:
        """Whether registry and reports are in a bucket: that is asked, or a cloud says so."""
        return bool(self.answers["cloud"] != "none" or self.answers["storage"] == "bucket")

    def files(self, *suffixes: str) -> list[Path]:
        """List what was rendered, or of it what ends so: all but the runtime, which is carried."""
        found = [
            path for path in self.everything() if path.relative_to(self.folder).parts[0] != RUNTIME
        ]
        return [path for path in found if not suffixes or path.name.endswith(suffixes)]

    def everything(self) -> list[Path]:
        """List all its files, the runtime's too."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def name(self, path: Path) -> str:
        """Give a path as a person would name it."""
        return path.relative_to(self.folder).as_posix()

    def text(self, name: str) -> str:
        """Read one of its files."""
        return (self.folder / name).read_text(encoding="utf-8")

    def toml(self, name: str) -> dict[str, Any]:
        """Read one of its TOML files."""
        return tomllib.loads(self.text(name))

    def yaml(self, name: str) -> Any:  # noqa: ANN401 - whatever the file holds
        """Read one of its YAML files."""
        return yaml.safe_load(self.text(name))

    def accepted_by(self, tool: str, *arguments: str) -> None:
        """See a checker of ours run in its folder and find nothing."""
        done = subprocess.run(
            [BIN / tool, *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def contents(self) -> dict[str, bytes]:
        """Give every file with its bytes."""
        return {self.name(path): path.read_bytes() for path in self.everything()}


def template_copy(folder: Path) -> Path:
    """Copy what is rendered out of our repository: copier clones a repository at every render."""
    folder.mkdir()
    for part in TEMPLATE_PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=CACHES)
        else:
            shutil.copy(source, folder / part)
    return folder


def grow(folder: Path, source: Path, answers: dict[str, Any]) -> Tree:
    """Render a project into `folder`."""
    render(folder, source, **answers)
    return Tree.of(folder)
