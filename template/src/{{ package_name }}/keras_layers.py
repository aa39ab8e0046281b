"""The network: what it makes of a row. It is trained, stopped and exported by the runtime."""

from collections.abc import Sequence

from keras import KerasTensor, layers, ops

BLOCKS, MOST_DIMENSIONS = 2, 16


def network(  # noqa: PLR0913 (what is tuned of it stands here)
    codes: KerasTensor,
    numbers: KerasTensor,
    sizes: Sequence[int],
    outputs: int,
    *,
    width: int,
    dropout: float,
) -> KerasTensor:
    """Give a score a class, or one number: shape (rows, outputs).

    A residual network of categories, which it embeds, and numbers (Gorishniy et al., 2021). Codes
    are of shape (rows, categories), 0 for a category never seen, of so many `sizes`; numbers of
    shape (rows, numbers), scaled and without gaps.
    """
    embedded = [
        # From zeros: what was never seen says nothing.
        layers.Embedding(size, min(MOST_DIMENSIONS, (size + 1) // 2), "zeros")(codes[:, place])
        for place, size in enumerate(sizes)
    ]
    row = layers.Dense(width)(ops.concatenate([*embedded, numbers], axis=1))
    for _ in range(BLOCKS):
        row = row + _block(row, width, dropout)
    last = layers.ReLU()(layers.LayerNormalization()(row))
    return layers.Dense(outputs)(last)


def _block(row: KerasTensor, width: int, dropout: float) -> KerasTensor:
    row = layers.Dense(2 * width, "relu")(layers.LayerNormalization()(row))
    row = layers.Dense(width)(layers.Dropout(dropout)(row))
    return layers.Dropout(dropout)(row)
