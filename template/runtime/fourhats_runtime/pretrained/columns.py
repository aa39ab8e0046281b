"""Columns of texts, each with the pre-trained model that the contract names for it (`vectors`).

In training, models come from where `config/pretrained.toml` says. Their files go with the version
that learnt from their vectors, so that it is served by the same ones, wherever it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.pretrained.models import (
    Pretrained,
    PretrainedModels,
    kept,
    see_that_they_may_be_used,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fourhats_runtime.contract import Contract
    from fourhats_runtime.pretrained.embedding import Embed, Vectors
    from fourhats_runtime.project import Project

Embedders = Mapping[str, "Embed"]
"""What makes vectors of the texts of a column, by its name."""


def of_project(project: Project) -> Embedders:
    """Give what makes vectors in training; a text that was embedded before is not again.

    Raises:
        ProjectError: a model is not in config/pretrained.toml, may not be used, or cannot be had.

    """
    models = _named(project)
    if not models:
        return {}
    from fourhats_runtime.pretrained.embedding import load  # noqa: PLC0415 (needs an extra)

    embed = {
        name: load(model.kind, kept(project, model.weights), kept(project, model.tokenizer))
        for name, model in models.items()
    }
    folder = project.artifacts / "vectors"
    return {
        column.name: partial(
            _kept_vectors,
            folder / f"{models[column.vectors].weights.sha256[:16]}-{column.name}.parquet",
            embed[column.vectors],
        )
        for column in project.contract.features
        if column.vectors
    }


def beside(project: Project) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Give what a version says of the models, by name, and their files, by theirs."""
    models = _named(project)
    said = {
        name: each.model_dump(mode="json", exclude_defaults=True) for name, each in models.items()
    }
    files = {
        name: kept(project, pinned).read_bytes()
        for model, each in models.items()
        for name, pinned in zip(_files(model), (each.weights, each.tokenizer), strict=True)
    }
    return said, files


def of_version(folder: Path, contract: Contract, said: Mapping[str, Any]) -> Embedders:
    """Give what makes vectors for a version, out of the files in its folder."""
    if not said:
        return {}
    from fourhats_runtime.pretrained.embedding import load  # noqa: PLC0415 (needs an extra)

    embed = {
        name: load(model["kind"], *(folder / file for file in _files(name)))
        for name, model in said.items()
    }
    return {each.name: embed[each.vectors] for each in contract.features if each.vectors}


def _named(project: Project) -> dict[str, Pretrained]:
    """Give the models that the contract names.

    Raises:
        ProjectError: one is not there, or may not be used.

    """
    wanted = {each.vectors: each.name for each in project.contract.features if each.vectors}
    if not wanted:
        return {}
    settings = project.settings(PretrainedModels)
    for name, column in wanted.items():
        if name not in settings.models:
            known = f"it has {', '.join(settings.models)}" if settings.models else "it has none"
            raise ProjectError(
                f"config/contract.toml: column {column!r} has vectors = {name!r}, which "
                f"config/pretrained.toml does not describe ({known}): docs/runbook.md, "
                '"Features", shows how'
            )
        if settings.models[name].kind == "reranker":
            raise ProjectError(
                f"config/contract.toml: column {column!r} has vectors = {name!r}, "
                "a re-ranker, which makes none: name a sentence model, or a static one"
            )
    see_that_they_may_be_used(settings)
    return {name: settings.models[name] for name in sorted(wanted)}


def _files(model: str) -> tuple[str, str]:
    """Give the names of a model's files in a version's folder."""
    return f"{model}.weights", f"{model}.tokenizer"


def _kept_vectors(path: Path, embed: Embed, texts: Sequence[str]) -> Vectors:
    from fourhats_runtime.pretrained.vectors import embedded  # noqa: PLC0415 (needs pyarrow)

    vectors, _ = embedded(path, embed, texts)
    return vectors
