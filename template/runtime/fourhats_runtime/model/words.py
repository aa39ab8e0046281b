"""Texts as the words and the pieces of words that they hold, which a graph can count.

A graph cuts texts at blanks alone: everything else is done here, once for training, batch, stream
and API. Three letters in a row carry what words share (endings, compounds, slips of the pen), in
any language that has words (Cavnar and Trenkle, N-Gram-Based Text Categorization, 1994).
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

ALWAYS = "<text>"
"""Stands in each text: none is empty, and neither is what is learnt of them."""
MOST_CHARACTERS = 5_000
PIECE = 3
WORD = re.compile(r"\w+")


def words(texts: NDArray[np.object_]) -> NDArray[np.object_]:
    """Give the terms of each text, with blanks between them; shape (rows,), None where missing.

    Terms are words, two words in a row, and pieces of words, all in small letters.
    """
    made = np.empty(len(texts), dtype=object)
    made[:] = [" ".join((ALWAYS, *_terms(text))) for text in texts.tolist()]
    return made


def _terms(text: str | None) -> Iterator[str]:
    plain = unicodedata.normalize("NFKC", (text or "")[:MOST_CHARACTERS]).lower()
    found = WORD.findall(plain)
    yield from found
    yield from (f"{one}+{two}" for one, two in pairwise(found))
    for word in found:
        framed = f"<{word}>"
        yield from (framed[at : at + PIECE] for at in range(len(framed) - PIECE + 1))
