"""Pre-trained models: where their files are, what they are, and whether they may be used.

`config/search.toml` names each file by a place and its SHA-256: another file is never used. What is
fetched is kept in the registry, by that digest, and never fetched again.
"""

import importlib.metadata
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, Field, model_validator

from fourhats_runtime.data.extras import needs
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.files import digest_of, written_whole
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NOT_COMMERCIAL = ("-nc", "noncommercial", "non-commercial", "research", "academic", "unknown")
"""What a licence says of itself that a client may not earn by."""
FILE = "config/search.toml"


class Pinned(BaseModel, extra="forbid"):
    """A file: in a folder of the project, a package, or a hub's repository at a revision."""

    file: str
    sha256: Sha256
    folder: str = ""
    package: str = ""
    hub: str = ""
    """Such as sentence-transformers/all-MiniLM-L6-v2. The variables are the hub's: `HF_ENDPOINT`
    says where to ask, `HF_HUB_CACHE` where files lie already, `HF_HUB_OFFLINE=1` not to ask."""
    revision: str = Field(default="", pattern=r"^([0-9a-f]{40})?$")

    @model_validator(mode="after")
    def _is_in_one_place(self) -> Self:
        if sum(map(bool, (self.folder, self.package, self.hub))) != 1:
            raise ValueError("name one of folder, package and hub")
        if bool(self.hub) != bool(self.revision):
            raise ValueError("a file of a hub, and no other, has a revision: all of its 40 digits")
        return self

    @property
    def place(self) -> str:
        """Say where it is from."""
        at = f" at {self.revision}" if self.revision else ""
        return f"{self.folder or self.package or self.hub}{at}: {self.file}"


class Pretrained(BaseModel, extra="forbid"):
    """A model that turns texts into vectors, or says how well one answers another."""

    kind: Literal["sentence", "static", "reranker"]
    """An ONNX graph of a sentence model; a table of vectors, one a piece of a word, that are
    averaged: what model2vec and wordllama make, as safetensors; or an ONNX graph of a
    cross-encoder, which reads a question and a passage together."""
    weights: Pinned
    tokenizer: Pinned
    licence: str = Field(min_length=1)
    """As SPDX calls it, such as Apache-2.0; "unknown" where nobody says."""
    origin: str = Field(min_length=1)
    """Who trained it, and of what it came."""


class Search(Section):
    """What is compared: models and fields; and the licences that somebody has answered for."""

    table: ClassVar[str] = "search"

    models: dict[str, Pretrained] = Field(default_factory=dict)
    batch: str = "data/batch.csv"
    """A CSV of questions that `score` answers."""
    accepted_licences: tuple[str, ...] = ()
    """Names of models whose licence forbids commercial use, and which are used all the same."""


def see_that_they_may_be_used(search: Search) -> None:
    """See that a client may earn money by the models.

    Raises:
        ProjectError: a licence forbids it, and nobody has accepted it by the model's name.

    """
    for name, model in search.models.items():
        licence = model.licence.lower()
        if any(mark in licence for mark in NOT_COMMERCIAL) and name not in search.accepted_licences:
            raise ProjectError(
                f"{FILE}: the model {name!r} has the licence {model.licence!r}, which does not let "
                f"everybody earn money by it: take another model, or write accepted_licences = "
                f'["{name}"] once somebody has answered for it'
            )


def kept(project: Project, pinned: Pinned) -> Path:
    """Give a file as the registry keeps it; it is brought there if it is not there yet.

    Raises:
        ProjectError: it cannot be had, or is another file than the one that is named.

    """
    path = project.artifacts / "registry" / "models" / pinned.sha256
    if not path.exists():
        source = _source(project, pinned)
        content = source.read_bytes()
        found = digest_of(content)
        if found != pinned.sha256:
            raise ProjectError(
                f"{FILE}: {pinned.place} has the SHA-256 {found}, not {pinned.sha256}: it is "
                "another file than the one that was looked at"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as scratch:
            scratch.write_bytes(content)
    return path


def check(project: Project, digests: Iterable[str]) -> None:
    """See that files that the registry keeps are what they were.

    Raises:
        DamagedError: one is missing, or another; the text names it.

    """
    for digest in digests:
        path = project.artifacts / "registry" / "models" / digest
        if digest_of(path) != digest:
            raise DamagedError(f"{path} is damaged or missing: delete it, and run `train`")


def _source(project: Project, pinned: Pinned) -> Path:
    if pinned.folder:
        path = project.folder / pinned.folder / pinned.file
    elif pinned.package:
        path = _of_package(pinned)
    else:
        path = _of_hub(project, pinned)
    if not path.is_file():
        raise ProjectError(f"{FILE}: {pinned.place} is no file")
    return path


def _of_package(pinned: Pinned) -> Path:
    try:
        package = importlib.metadata.distribution(pinned.package)
    except importlib.metadata.PackageNotFoundError:
        raise ProjectError(
            f"{FILE}: the package {pinned.package} is not installed: `uv add {pinned.package}`"
        ) from None
    return Path(str(package.locate_file(pinned.file)))


def _of_hub(project: Project, pinned: Pinned) -> Path:
    with needs("search"):
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 (takes long to import)
    said = project.settings.variable
    try:
        found = hf_hub_download(
            pinned.hub,
            pinned.file,
            revision=pinned.revision,
            endpoint=said("HF_ENDPOINT") or None,
            cache_dir=said("HF_HUB_CACHE") or None,
            local_files_only=said("HF_HUB_OFFLINE").lower() in {"1", "true", "yes", "on"},
        )
        return Path(found)
    except (OSError, ValueError, RuntimeError) as error:  # its own are of these kinds
        reason = str(error).strip().partition("\n")[0]
        raise ProjectError(f"{FILE}: {pinned.place} cannot be fetched: {reason}") from None
