"""The network: what it makes of a row. It is trained, stopped and exported by the runtime."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

BLOCKS, MOST_DIMENSIONS = 2, 16


class Network(nn.Module):
    """A residual network of categories, which it embeds, and numbers (Gorishniy et al., 2021)."""

    def __init__(
        self,
        sizes: Sequence[int],
        numbers: int,
        outputs: int,
        *,
        width: int,
        dropout: float,
    ) -> None:
        """Make it for categories of so many codes each, so many numbers, and so many outputs."""
        super().__init__()
        dimensions = [min(MOST_DIMENSIONS, (size + 1) // 2) for size in sizes]
        self.embeddings = nn.ModuleList(
            nn.Embedding(size, dimension, padding_idx=0)  # what was never seen says nothing
            for size, dimension in zip(sizes, dimensions, strict=True)
        )
        self.first = nn.Linear(sum(dimensions) + numbers, width)
        self.blocks = nn.ModuleList(_block(width, dropout) for _ in range(BLOCKS))
        self.last = nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, outputs))

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        """Give a score a class, or one number: shape (rows, outputs).

        Codes are of shape (rows, categories), 0 for a category never seen; numbers of shape
        (rows, numbers), scaled and without gaps.
        """
        embedded = [embed(codes[:, place]) for place, embed in enumerate(self.embeddings)]
        row = self.first(torch.cat([*embedded, numbers], dim=1))
        for block in self.blocks:
            row = row + block(row)
        scores: Tensor = self.last(row)
        return scores


def _block(width: int, dropout: float) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, 2 * width),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(2 * width, width),
        nn.Dropout(dropout),
    )
