"""Texts become vectors: by a sentence model, or by a table of vectors."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fourhats_runtime.data.extras import needs
from fourhats_runtime.errors import ProjectError

with needs("vectors"):
    from safetensors import SafetensorError
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]
"""Of shape (texts, dimensions)."""
Embed = Callable[[Sequence[str]], Vectors]

LONGEST = 256
"""Pieces of words that a sentence model is given of a text: what those at hand were trained on."""
AT_ONCE = 32


class Sentence:
    """A sentence model as an ONNX graph: the mean of what it says of a text's pieces."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        """Load both.

        Raises:
            ProjectError: one cannot be loaded, or the graph gives no vectors of texts.

        """
        self._tokenizer = read_tokenizer(tokenizer)
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.no_padding()
        self._weights = weights
        self._open(weights.read_bytes())

    def __getstate__(self) -> dict[str, Any]:
        """Give what Spark's workers are sent: an open graph cannot be."""
        sent = {"_tokenizer": self._tokenizer, "_weights": self._weights}
        return sent | {"graph": self._weights.read_bytes()}

    def __setstate__(self, sent: dict[str, Any]) -> None:
        """Open the graph that was sent."""
        graph = sent.pop("graph")
        self.__dict__.update(sent)
        self._open(graph)

    def _open(self, graph: bytes) -> None:
        self._session = opened(self._weights, graph)
        self._inputs = [given.name for given in self._session.get_inputs()]
        floats = [out for out in self._session.get_outputs() if "float" in out.type]
        by_piece = [out for out in floats if len(out.shape) == 3]  # noqa: PLR2004
        if not floats:
            raise ProjectError(f"{self._weights} gives no vectors: it is no sentence model")
        self._output = (by_piece or floats)[0].name

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; those of about the same length together, so that little is padded."""
        encoded = [found.ids for found in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(encoded)), key=lambda place: len(encoded[place]))
        parts = [
            self._embed([encoded[place] for place in order[start : start + AT_ONCE]])
            for start in range(0, len(order), AT_ONCE)
        ]
        found = np.concatenate(parts)
        vectors = np.empty_like(found)
        vectors[order] = found
        return vectors

    def _embed(self, pieces: Sequence[Sequence[int]]) -> Vectors:
        given = padded(pieces, [[0] * len(some) for some in pieces])
        mask = given["attention_mask"]
        asked = {name: given[name] for name in self._inputs}
        (said,) = self._session.run([self._output], asked)
        if said.ndim == 2:  # noqa: PLR2004 (the graph takes the mean itself)
            return np.asarray(said, dtype=np.float32)
        weights = mask[:, :, None].astype(np.float32)
        return np.asarray((said * weights).sum(axis=1) / weights.sum(axis=1), dtype=np.float32)


class Static:
    """A table of vectors: the mean of those of a text's pieces, in whatever order they stand."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        """Load both.

        Raises:
            ProjectError: one cannot be loaded, or there is no such table.

        """
        self._tokenizer = read_tokenizer(tokenizer)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        try:
            tables = [found for found in load_file(weights).values() if found.ndim == 2]  # noqa: PLR2004
        except (SafetensorError, OSError) as error:
            raise ProjectError(f"{weights} is no file of safetensors: {error}") from None
        if len(tables) != 1:
            raise ProjectError(f"{weights} holds {len(tables)} tables of vectors: one is expected")
        self._table = tables[0].astype(np.float32)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; one without a known piece is zero."""
        vectors = np.zeros((len(texts), self._table.shape[1]), dtype=np.float32)
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        for row, pieces in enumerate(found):
            if pieces.ids:
                vectors[row] = self._table[pieces.ids].mean(axis=0)
        return vectors


KINDS: dict[str, type[Sentence | Static]] = {"sentence": Sentence, "static": Static}


def load(kind: str, weights: Path, tokenizer: Path) -> Embed:
    """Load a model out of its files.

    Raises:
        ProjectError: they hold no such model.

    """
    return KINDS[kind](weights, tokenizer)


def opened(weights: Path, graph: bytes | None = None) -> onnxruntime.InferenceSession:
    """Open an ONNX graph, out of its file if it is not given.

    Raises:
        ProjectError: it is none.

    """
    try:
        return onnxruntime.InferenceSession(weights.read_bytes() if graph is None else graph)
    except Exception as error:  # noqa: BLE001 (its errors share no kind)
        raise ProjectError(f"{weights} is no ONNX graph: {error}") from None


def padded(
    pieces: Sequence[Sequence[int]], kinds: Sequence[Sequence[int]]
) -> dict[str, NDArray[np.int64]]:
    """Give what a transformer takes, each of shape (texts, pieces of the longest text).

    Args:
        pieces: of each text.
        kinds: of each piece: 0, or 1 in the second text of a pair.

    """
    ids = np.zeros((len(pieces), max(map(len, pieces))), dtype=np.int64)
    mask, types = np.zeros_like(ids), np.zeros_like(ids)
    for row, (some, of_kinds) in enumerate(zip(pieces, kinds, strict=True)):
        ids[row, : len(some)] = some
        mask[row, : len(some)] = 1
        types[row, : len(some)] = of_kinds
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def read_tokenizer(path: Path) -> Tokenizer:
    """Read a `tokenizer.json`.

    Raises:
        ProjectError: it is none.

    """
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001 (it raises bare ones)
        raise ProjectError(f"{path} is no tokenizer: {error}") from None
