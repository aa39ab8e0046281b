"""The folder of a new project: checked first, filled beside its place, put there in one step."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats.errors import FourhatsError, WrongInputError
from fourhats.interrupt import undisturbed
from fourhats.source import ANSWERS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Destination:
    """Where a project goes."""

    path: Path
    """Absolute, with symbolic links followed."""
    exists: bool
    """A folder stands there already, with nothing in it but a `.git`."""
    repository: Path | None
    """The git work tree around it."""

    @classmethod
    def checked(cls, typed: str) -> Destination:
        """Refuse a place where a project cannot go.

        Raises:
            WrongInputError: it is taken, lies in another project, or cannot be written to.

        """
        if not typed.strip():
            raise WrongInputError("the folder's name is empty: fourhats new FOLDER")
        try:
            named = Path(typed).expanduser().absolute()
            for place in (named, *named.parents):
                if place.is_symlink() and not place.exists():
                    raise WrongInputError(f"{typed} cannot be used: {place} is a link to nowhere")
            path = named.resolve()
            exists = path.exists()
            if exists and not path.is_dir():
                raise WrongInputError(f"{typed} is a file: name a folder that does not exist yet")
            if exists and any(entry.name != ".git" for entry in path.iterdir()):
                raise WrongInputError(
                    f"{typed} exists and is not empty: name a new folder, or empty it"
                )
            ground = path if exists else _ground(path)
        except (OSError, RuntimeError, ValueError) as error:
            raise WrongInputError(f"{typed} cannot be used: {_reason(error)}") from error
        if not ground.is_dir():
            raise WrongInputError(f"{typed} cannot be made: {ground} is a file")
        if not os.access(ground, os.W_OK | os.X_OK):
            raise WrongInputError(f"{typed} cannot be made: no right to write in {ground}")
        _check_surroundings(typed, path)
        return cls(path, exists, _repository(path))

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Lend a folder beside the destination, and leave nothing of it behind.

        A folder that exists is filled from within: it may be a mount, or the shell's own.
        """
        ground = self.path if self.exists else _ground(self.path)
        stage = ground / f".fourhats-{os.urandom(4).hex()}"
        try:
            try:
                stage.mkdir()
            except OSError as error:
                raise WrongInputError(
                    f"{self.path} cannot be made: {_reason(error)} in {ground}"
                ) from error
            yield stage
        finally:
            with undisturbed():
                shutil.rmtree(stage, ignore_errors=True)

    def install(self, stage: Path) -> None:
        """Put the filled folder in its place.

        Raises:
            FourhatsError: the system refuses; nothing is left at the place.

        """
        made: list[Path] = []
        moved: list[Path] = []
        with undisturbed():
            try:
                if self.exists:
                    for entry in sorted(stage.iterdir()):
                        entry.rename(self.path / entry.name)
                        moved.append(entry)
                    return
                for parent in reversed(self.path.parents):
                    if not parent.exists():
                        parent.mkdir()
                        made.append(parent)
                stage.rename(self.path)
            except OSError as error:
                for entry in moved:
                    (self.path / entry.name).rename(entry)
                for parent in reversed(made):
                    parent.rmdir()
                raise FourhatsError(f"{self.path} cannot be made: {_reason(error)}") from error


def _ground(path: Path) -> Path:
    """Return the nearest folder above that exists."""
    return next(parent for parent in path.parents if parent.exists())


def _check_surroundings(typed: str, path: Path) -> None:
    for parent in path.parents:
        if (parent / ANSWERS_FILE).is_file():
            raise WrongInputError(
                f"{typed} lies inside the project {parent}: choose a folder outside of it"
            )


def _repository(path: Path) -> Path | None:
    return next((place for place in (path, *path.parents) if (place / ".git").exists()), None)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
