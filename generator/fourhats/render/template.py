"""Where the template comes from: this installation, another folder, or a repository's URL."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats.errors import WrongInputError
from fourhats.git import Git, GitError, everywhere
from fourhats.source import CANONICAL_URL, bundle, source_root, version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    noted: Mapping[str, str] = field(default_factory=dict)
    """What the project's answers file is to say other than copier would."""


@contextmanager
def template_source(typed: str | None) -> Iterator[TemplateSource]:
    """Find the template; that of a URL is fetched, for as long as it is needed.

    Raises:
        WrongInputError: there is no template.

    """
    typed = typed or os.environ.get("FOURHATS_SOURCE")
    if not typed:
        with _own_source() as source:
            yield source
    elif is_url(typed):
        with tempfile.TemporaryDirectory(prefix="fourhats-", ignore_cleanup_errors=True) as place:
            reference = _fetch(typed, Path(place))
            yield TemplateSource(typed, reference, Path(place))
    else:
        folder = Path(typed).expanduser().resolve()
        if not (folder / "copier.yml").is_file():
            raise WrongInputError(f"{typed} is no template: it holds no copier.yml")
        yield TemplateSource(str(folder), "HEAD", folder)


@contextmanager
def instead_of(url: str, repository: Path) -> Iterator[None]:
    """Have git, copier's too, read a repository or bundle here wherever `url` is to be fetched."""
    # What copier keeps of a URL for the next time must be what the URL itself gave.
    with (
        tempfile.TemporaryDirectory(prefix="fourhats-", ignore_cleanup_errors=True) as cache,
        everywhere([f"url.{repository.as_posix()}.insteadOf={url}"], {"COPIER_CACHE_DIR": cache}),
    ):
        yield


def default_location() -> str:
    """Return where our own template is: a checkout, or the URL of what is installed."""
    if os.environ.get("FOURHATS_SOURCE"):
        return os.environ["FOURHATS_SOURCE"]
    return CANONICAL_URL if bundle() else str(source_root())


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


@contextmanager
def _own_source() -> Iterator[TemplateSource]:
    folder, versions = source_root(), bundle()
    if versions is None:
        yield TemplateSource(str(folder), "HEAD", folder)
    elif not shutil.which("git"):
        noted = {"_src_path": CANONICAL_URL, "_commit": version()}
        yield TemplateSource(str(folder), "HEAD", folder, noted)
    else:
        with instead_of(CANONICAL_URL, versions):
            yield TemplateSource(CANONICAL_URL, version(), folder)


def _fetch(url: str, place: Path) -> str:
    """Clone the newest version, as copier chooses it, and return its tag (or HEAD)."""
    git = Git(place)
    try:
        git("clone", "--quiet", "--", address(url), ".")
    except GitError as error:
        raise WrongInputError(f"the template cannot be fetched: {error}") from error
    tags = git("tag", "--sort=-version:refname").split()
    newest = next((tag for tag in tags if re.fullmatch(r"v?\d+(\.\d+)*", tag)), "HEAD")
    git("checkout", "--quiet", "--detach", newest)
    if not (place / "copier.yml").is_file():
        raise WrongInputError(f"{url} is no template: it holds no copier.yml")
    return newest
