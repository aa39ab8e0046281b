"""A version of search in the registry: documents, vectors, the recipe, and the rule.

Models stand beside the versions, by their digests, as most versions share them.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fourhats_runtime.contract import Contract
from fourhats_runtime.contract import load as load_contract
from fourhats_runtime.files import Content
from fourhats_runtime.lifecycle.registry import CONTRACT_FILE, Card, Registry, model_files
from fourhats_runtime.pretrained.embedding import KINDS, Embed
from fourhats_runtime.pretrained.models import Pretrained, check
from fourhats_runtime.pretrained.vectors import column, matrix
from fourhats_runtime.project import Project
from fourhats_runtime.search.bench import Bench, Passages, load, load_reranker
from fourhats_runtime.search.documents import Document, Documents
from fourhats_runtime.search.rankers import (
    DEPTH,
    KEYWORDS,
    Found,
    Meaning,
    Rank,
    Recipe,
    Words,
    found,
)
from fourhats_runtime.search.rerank import Rerank, Reranker
from fourhats_runtime.search.value import Rule

DOCUMENTS = "documents.parquet"
COMPARED = "compared"
"""By this name the registry keeps what a version was compared with."""


@dataclass(frozen=True)
class Version:
    """What answers: documents, rankers, and the rule by which answers are given."""

    name: str
    contract: Contract
    documents: Documents
    recipe: Recipe
    scales: tuple[float, ...]
    rule: Rule
    rankers: tuple[Rank, ...]
    passages: Mapping[int, tuple[str, ...]]
    """Of the document at a place: what snippets are cut from."""
    embed: Embed | None
    """The model of the last member; None where words alone are looked for."""
    reranker: Rerank | None = None

    def ask(self, questions: Sequence[str], allowed: Any = None) -> list[Found]:  # noqa: ANN401
        """Put the documents into an order for each question, whatever the rule says of it.

        `allowed`, of shape (documents,), tells which may be answered; None: all.
        """
        if not questions:
            return []
        lists = [rank(questions, DEPTH, allowed) for rank in self.rankers]
        given = [found(some, self.scales, self.recipe.fusion) for some in zip(*lists, strict=True)]
        return self.reranker(questions, given) if self.reranker else given

    def allowed(self, filters: Mapping[str, str]) -> Any:  # noqa: ANN401 (a mask, or none)
        """Tell which documents meet all filters; None where there are none."""
        if not filters:
            return None
        wanted = filters.items()
        return np.array([wanted <= document.filters.items() for document in self.documents.all])


def files(documents: Documents, recipe: Recipe, bench: Bench) -> dict[str, Content]:
    """Give the files of a version, by name."""
    rows = [
        {
            "id": document.id,
            "texts": json.dumps(dict(document.texts)),
            "filters": json.dumps(dict(document.filters)),
            "link": document.link,
            "time": document.time,
        }
        for document in documents.all
    ]
    kinds = [(name, pa.string()) for name in ("id", "texts", "filters", "link")]
    schema = pa.schema([*kinds, ("time", pa.timestamp("us"))])
    found: dict[str, Content] = {DOCUMENTS: _parquet(pa.Table.from_pylist(rows, schema))}
    for place, member in enumerate(recipe.members):
        if member.model != KEYWORDS:
            held = bench.passages(member)
            table = {
                "document": pa.array(held.documents),
                "text": pa.array(held.texts, pa.string()),
                "vector": column(held.vectors),
            }
            found[_vectors(place)] = _parquet(pa.table(table))
            if graph := bench.graph(member, held.vectors):
                found[_graph(place)] = graph
    return found


def load_version(project: Project, name: str) -> Version:
    """Load a version.

    Raises:
        DamagedError: a file is missing, or is not what was registered; the text names it.

    """
    registry = Registry(project.artifacts / "registry")
    registry.check(name)
    folder, card = registry.folder(name), registry.card(name)
    check(project, model_files(card))
    embedders = models_of(project, name)
    documents = _documents(folder, card)
    recipe = Recipe.of(card["recipe"])
    rankers: list[Rank] = []
    texts: dict[int, list[str]] = {}
    embed: Embed | None = None
    for place, member in enumerate(recipe.members):
        if member.model == KEYWORDS:
            rankers.append(Words([document.text(member.fields) for document in documents.all]))
            continue
        held = held_passages(folder, place)
        embed = embedders[member.model]
        graph = folder / _graph(place) if _graph(place) in card["files"] else None
        rankers.append(Meaning(embed, held.vectors, held.documents, member.distance, graph))
        texts = {}
        for document, text in zip(held.documents.tolist(), held.texts, strict=True):
            texts.setdefault(document, []).append(text)
    reranker = None
    if recipe.reranker:
        encoder = load_reranker(project, _pretrained(card)[recipe.reranker])
        reranker = Reranker(encoder, documents.by_passages())
    return Version(
        name=name,
        contract=load_contract(folder / CONTRACT_FILE),
        documents=documents,
        recipe=recipe,
        scales=tuple(card["scales"]),
        rule=Rule(**card["rule"]),
        rankers=tuple(rankers),
        passages={place: tuple(some) for place, some in texts.items()},
        embed=embed,
        reranker=reranker,
    )


def models_of(project: Project, version: str) -> dict[str, Embed]:
    """Load the models that a version's vectors are of, by their names.

    Raises:
        ProjectError: one cannot be loaded.

    """
    card = Registry(project.artifacts / "registry").card(version)
    return {
        name: load(project, model)
        for name, model in _pretrained(card).items()
        if model.kind in KINDS
    }


def _pretrained(card: Card) -> dict[str, Pretrained]:
    return {name: Pretrained.model_validate(facts) for name, facts in card["models"].items()}


def _documents(folder: Path, card: Card) -> Documents:
    rows = pq.read_table(folder / DOCUMENTS).to_pylist()
    return Documents(
        tuple(
            Document(
                row["id"],
                json.loads(row["texts"]),
                json.loads(row["filters"]),
                row["link"],
                row["time"],
            )
            for row in rows
        ),
        card["documents"]["twins"],
    )


def held_passages(folder: Path, place: int) -> Passages:
    """Read the passages of a member, by its place in the recipe, from the folder of a version."""
    table = pq.read_table(folder / _vectors(place))
    documents = table["document"].to_numpy()
    return Passages(table["text"].to_pylist(), documents, matrix(table["vector"]))


def _vectors(place: int) -> str:
    return f"vectors_{place}.parquet"


def _graph(place: int) -> str:
    return f"graph_{place}.usearch"


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()
