"""Texts as vectors of a pre-trained model: what they mean, in whatever words they say it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.contract import Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.pretrained.columns import Embedders


def vectors(
    row: Mapping[str, NDArray[Any]], contract: Contract, embedders: Embedders
) -> dict[str, NDArray[np.float32]]:
    """Give each dimension of the texts' vectors, of length 1, as a column of shape (rows,).

    NaN where a text is missing, or blank.

    Raises:
        ProjectError: a model's vectors of two texts cannot be compared, as they are not finite.

    """
    made: dict[str, NDArray[np.float32]] = {}
    for column in contract.features:
        if column.vectors:
            table = _table(row[column.name], embedders[column.name], column.vectors)
            made |= {f"{column.name}_vector_{place}": each for place, each in enumerate(table.T)}
    return made


def column_of(name: str, contract: Contract) -> str | None:
    """Give the column of whose vectors an input is a dimension; None where it is of none."""
    found = re.fullmatch(r"(.+)_vector_\d+", name)
    known = {column.name for column in contract.features if column.vectors}
    return found[1] if found and found[1] in known else None


def vector_names(inputs: Iterable[str], contract: Contract) -> frozenset[str]:
    """Give the names of the inputs that are dimensions of vectors."""
    return frozenset(name for name in inputs if column_of(name, contract))


def _table(texts: NDArray[np.object_], embed: Any, model: str) -> NDArray[np.float32]:  # noqa: ANN401
    """Give vectors of shape (rows, dimensions); equal texts are embedded once."""
    said = [text.strip() if text else "" for text in texts.tolist()]
    different = list(dict.fromkeys([*filter(None, said), "a"]))  # of no text, as wide as of some
    found = embed(different)
    if not np.isfinite(found).all():
        raise ProjectError(f"the pre-trained model {model!r} gives no finite vector of some texts")
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    found = np.concatenate([found / np.where(lengths > 0, lengths, 1), _missing(found)])
    places = {text: place for place, text in enumerate(different)} | {"": len(different)}
    return found[[places[text] for text in said]].astype(np.float32)


def _missing(found: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.full((1, found.shape[1]), np.nan, dtype=np.float32)
