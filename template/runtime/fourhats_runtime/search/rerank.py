"""Re-ranking: a cross-encoder reads question and passage together, and puts the first anew.

It finds what vectors of single texts cannot tell, and takes a pass through a model for each pair:
so it is only asked about the documents in front (Nogueira and Cho, Passage Re-ranking with BERT,
2019). A document is as good as its best passage (Dai and Callan, SIGIR 2019).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.pretrained.embedding import LONGEST, opened, padded, read_tokenizer
from fourhats_runtime.search.rankers import Found, words

MOST_RERANKED = 20
"""Documents that are put anew; the others follow as they were."""
MOST_PASSAGES = 4
"""Of a document, that are read: those that share the most words with the question."""
LONGEST_PAIR = 2 * LONGEST
"""Pieces of question and passage together: what cross-encoders are trained on."""

Rerank = Callable[[Sequence[str], Sequence[Found]], list[Found]]
"""Of questions and what was found for each: the same documents, in another order."""


class CrossEncoder:
    """A model that says how well a passage answers a question, as an ONNX graph."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        """Load both.

        Raises:
            ProjectError: one cannot be loaded, or the graph takes or gives something else.

        """
        self._tokenizer = read_tokenizer(tokenizer)
        self._tokenizer.enable_truncation(LONGEST_PAIR)
        self._tokenizer.no_padding()
        self._session = opened(weights)
        self._inputs = [given.name for given in self._session.get_inputs()]
        outputs = [out for out in self._session.get_outputs() if "float" in out.type]
        if not outputs or len(outputs[0].shape) > 2:  # noqa: PLR2004
            raise ProjectError(f"{weights} gives no score a pair: it is no re-ranker")
        self._output = outputs[0].name

    def __call__(self, question: str, passages: Sequence[str]) -> NDArray[np.float64]:
        """Give how sure it is that each passage answers, between 0 and 1: shape (passages,).

        One output a pair is taken for a logit, of two the last one answers.
        """
        encoded = self._tokenizer.encode_batch([(question, passage) for passage in passages])
        given = padded([each.ids for each in encoded], [each.type_ids for each in encoded])
        asked = {name: given[name] for name in self._inputs}
        (said,) = self._session.run([self._output], asked)
        logits = np.asarray(said, dtype=np.float64).reshape(len(passages), -1)
        logit = logits[:, -1] - (logits[:, 0] if logits.shape[1] > 1 else 0)
        return np.asarray(1 / (1 + np.exp(-logit)))


class Reranker:
    """Puts the documents in front anew by what a cross-encoder says of their passages."""

    def __init__(self, encoder: CrossEncoder, passages: Mapping[int, Sequence[str]]) -> None:
        """Take the model, and the passages of the document at each place."""
        self._encoder = encoder
        self._passages = passages

    def __call__(self, questions: Sequence[str], found: Sequence[Found]) -> list[Found]:
        """Put anew what was found for each question; how sure it is, is what the model says."""
        return [self._anew(*each) for each in zip(questions, found, strict=True)]

    def _anew(self, question: str, found: Found) -> Found:
        front = found.places[:MOST_RERANKED]
        if not len(front):
            return found
        asked = set(words(question))
        read = [self._read(asked, place) for place in front.tolist()]
        starts = np.cumsum([0, *map(len, read)])[:-1]
        said = self._encoder(question, [passage for some in read for passage in some])
        best = np.maximum.reduceat(said, starts)
        order = np.argsort(-best, kind="stable")
        places = np.concatenate([front[order], found.places[MOST_RERANKED:]])
        scores = np.zeros(len(places), dtype=np.float32)  # the others nobody has read
        scores[: len(front)] = best[order]
        return Found(places, scores, float(best[order[0]]))

    def _read(self, asked: set[str], place: int) -> list[str]:
        passages = self._passages[place]
        if len(passages) <= MOST_PASSAGES:
            return list(passages)
        return sorted(passages, key=lambda text: -len(asked & set(words(text))))[:MOST_PASSAGES]
