"""Where the template comes from: this installation, another folder, or a repository's URL."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats.errors import WrongInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_URL = re.compile(r"^(git@|git://|git\+|gh:|gl:|https?://|ssh://|file://)")


@dataclass(frozen=True)
class TemplateSource:
    """A template, as copier is to find it and as its questions are to be read."""

    location: str
    """What copier gets, and notes in the project: an absolute path or a URL."""
    reference: str
    """Tag or commit; HEAD takes a checkout as it stands."""
    folder: Path
    """A folder that holds copier.yml."""


@contextmanager
def template_source(typed: str | None) -> Iterator[TemplateSource]:
    """Find the template; that of a URL is fetched, for as long as it is needed.

    Raises:
        WrongInputError: there is no template.

    """
    typed = typed or os.environ.get("FOURHATS_SOURCE")
    if not typed:
        from fourhats.source import source_root  # noqa: PLC0415

        folder = source_root()
        yield TemplateSource(str(folder), "HEAD", folder)
    elif is_url(typed):
        with tempfile.TemporaryDirectory(prefix="fourhats-", ignore_cleanup_errors=True) as place:
            reference = _fetch(typed, Path(place))
            yield TemplateSource(typed, reference, Path(place))
    else:
        folder = Path(typed).expanduser().resolve()
        if not (folder / "copier.yml").is_file():
            raise WrongInputError(f"{typed} is no template: it holds no copier.yml")
        yield TemplateSource(str(folder), "HEAD", folder)


def is_url(location: str) -> bool:
    """Tell the address of a repository from a folder."""
    return _URL.match(location) is not None


def address(url: str) -> str:
    """Return the address that git gets for a URL, as copier understands it."""
    plain = re.sub(r"^gl:/?", "https://gitlab.com/", re.sub(r"^gh:/?", "https://github.com/", url))
    if plain.startswith("git+"):
        return plain.removeprefix("git+")
    if plain.startswith("https://") and not plain.endswith(".git"):
        return f"{plain}.git"
    return plain


def _fetch(url: str, place: Path) -> str:
    """Clone the newest version, as copier chooses it, and return its tag (or HEAD)."""
    _git("clone", "--quiet", "--", address(url), str(place))
    tags = _git("-C", str(place), "tag", "--sort=-version:refname").split()
    newest = next((tag for tag in tags if re.fullmatch(r"v?\d+(\.\d+)*", tag)), "HEAD")
    _git("-C", str(place), "checkout", "--quiet", "--detach", newest)
    if not (place / "copier.yml").is_file():
        raise WrongInputError(f"{url} is no template: it holds no copier.yml")
    return newest


def _git(*command: str) -> str:
    try:
        done = subprocess.run(
            ["git", *command],
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise WrongInputError("a template's URL needs git, which is not installed") from error
    if done.returncode:
        raise WrongInputError(f"the template cannot be fetched: {done.stderr.strip()}")
    return done.stdout
