"""Documents that say nearly the same: their shingles overlap, which a few hashes tell."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SHINGLE = 5
"""Words in a row."""
HASHES, BANDS = 64, 16
"""Two documents of which a share s of all shingles is in both meet in a band with the probability
1 - (1 - s^4)^16: 99.9 % at 0.8 (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 2014,
chapter 3)."""
ALIKE = 0.8
PRIME = (1 << 31) - 1


def groups(texts: Sequence[str]) -> list[list[int]]:
    """Give the places of texts that share most of their shingles, group by group, each in order."""
    sets = [_shingles(text) for text in texts]
    meeting: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    random = np.random.default_rng(0)
    factors, shifts = random.integers(1, PRIME, size=(2, HASHES, 1))
    for place, shingles in enumerate(sets):
        if len(shingles):
            least = ((shingles[None] * factors + shifts) % PRIME).min(axis=1)
            for band, part in enumerate(least.reshape(BANDS, -1)):
                meeting[band, part.tobytes()].append(place)
    leader = list(range(len(texts)))

    def first(place: int) -> int:
        while leader[place] != place:
            place = leader[place]
        return place

    for places in meeting.values():
        for one, other in pairwise(places):
            if first(one) != first(other) and _shared(sets[one], sets[other]) >= ALIKE:
                low, high = sorted((first(one), first(other)))
                leader[high] = low
    found: dict[int, list[int]] = defaultdict(list)
    for place in range(len(texts)):
        found[first(place)].append(place)
    return [group for group in found.values() if len(group) > 1]


def _shingles(text: str) -> NDArray[np.int64]:
    """Give a number for each of some words in a row, each once."""
    words = re.findall(r"\w+", text.casefold())
    rows = {
        " ".join(words[start : start + SHINGLE])
        for start in range(max(1, len(words) - SHINGLE + 1) if words else 0)
    }
    digests = (hashlib.blake2b(row.encode(), digest_size=4).digest() for row in rows)
    return np.unique([int.from_bytes(digest) % PRIME for digest in digests]).astype(np.int64)


def _shared(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)
