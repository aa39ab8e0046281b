"""Vectors of passages, kept from run to run: only new and changed texts are embedded."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fourhats_runtime.files import written_whole
from fourhats_runtime.pretrained.embedding import Embed, Vectors


def embedded(path: Path, embed: Embed, texts: Sequence[str]) -> tuple[Vectors, int]:
    """Give the vectors of texts, and how many had to be made; the file then holds these texts'.

    Args:
        path: a file of vectors of one model, which may be missing.
        embed: that model.
        texts: not none.

    """
    names = [hashlib.sha256(text.encode()).digest() for text in texts]
    known = _read(path)
    new = {name: text for name, text in zip(names, texts, strict=True) if name not in known}
    if new:
        known |= dict(zip(new, embed(list(new.values())), strict=True))
    wanted = {name: known[name] for name in names}
    if new or len(wanted) < len(known):
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as scratch:
            pq.write_table(
                pa.table(
                    {"text": pa.array(list(wanted), pa.binary()), "vector": column(wanted.values())}
                ),
                scratch,
            )
    return np.stack([wanted[name] for name in names]), len(new)


def column(vectors: Iterable[Vectors]) -> pa.Array:
    """Put vectors, each of shape (dimensions,), into a column of a table."""
    stacked: Vectors = np.stack(list(vectors))
    flat = pa.array(stacked.reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, stacked.shape[1])


def matrix(found: pa.ChunkedArray) -> Vectors:
    """Take vectors out of a column of a table."""
    width = found.type.list_size
    flat = found.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, width)


def _read(path: Path) -> dict[bytes, Vectors]:
    if not path.exists():
        return {}
    try:
        table = pq.read_table(path)
    except pa.ArrowException:  # it only saves time: what is damaged is made anew
        return {}
    return dict(zip(table["text"].to_pylist(), matrix(table["vector"]), strict=True))
