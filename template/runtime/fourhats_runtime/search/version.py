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
from fourhats_runtime.lifecycle.registry import CONTRACT_FILE, Card, Registry
from fourhats_runtime.pretrained.embedding import Embed
from fourhats_runtime.pretrained.models import Pretrained, check
from fourhats_runtime.pretrained.vectors import column, matrix
from fourhats_runtime.project import Project
from fourhats_runtime.search.bench import Bench, Passages, load
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
from fourhats_runtime.search.value import Rule

DOCUMENTS = "documents.parquet"


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

    def ask(self, questions: Sequence[str], allowed: Any = None) -> list[Found]:  # noqa: ANN401
        """Put the documents into an order for each question, whatever the rule says of it.

        `allowed`, of shape (documents,), tells which may be answered; None: all.
        """
        if not questions:
            return []
        lists = [rank(questions, DEPTH, allowed) for rank in self.rankers]
        return [found(some, self.scales, self.recipe.fusion) for some in zip(*lists, strict=True)]

    def allowed(self, filters: Mapping[str, str]) -> Any:  # noqa: ANN401 (a mask, or none)
        """Tell which documents meet all filters; None where there are none."""
        if not filters:
            return None
        wanted = filters.items()
        return np.array([wanted <= document.filters.items() for document in self.documents.all])


def files(documents: Documents, recipe: Recipe, bench: Bench) -> dict[str, bytes]:
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
    found = {DOCUMENTS: _parquet(pa.Table.from_pylist(rows, schema))}
    for place, member in enumerate(recipe.members):
        if member.model != KEYWORDS:
            held = bench.passages(member)
            table = {
                "document": pa.array(held.documents),
                "text": pa.array(held.texts, pa.string()),
                "vector": column(held.vectors),
            }
            found[_vectors(place)] = _parquet(pa.table(table))
    return found


def load_version(project: Project, name: str) -> Version:
    """Load a version.

    Raises:
        DamagedError: a file is missing, or is not what was registered; the text names it.

    """
    registry = Registry(project.artifacts / "registry")
    registry.check(name)
    folder, card = registry.folder(name), registry.card(name)
    pretrained = {key: Pretrained.model_validate(facts) for key, facts in card["models"].items()}
    pinned = [each for model in pretrained.values() for each in (model.weights, model.tokenizer)]
    check(project, {file.sha256 for file in pinned})
    documents = _documents(folder, card)
    recipe = Recipe.of(card["recipe"])
    rankers: list[Rank] = []
    texts: dict[int, list[str]] = {}
    embed: Embed | None = None
    for place, member in enumerate(recipe.members):
        if member.model == KEYWORDS:
            rankers.append(Words([document.text(member.fields) for document in documents.all]))
            continue
        held = _passages(folder / _vectors(place))
        embed = load(project, pretrained[member.model])
        rankers.append(Meaning(embed, held.vectors, held.documents, member.distance))
        texts = {}
        for document, text in zip(held.documents.tolist(), held.texts, strict=True):
            texts.setdefault(document, []).append(text)
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
    )


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


def _passages(path: Path) -> Passages:
    table = pq.read_table(path)
    documents = table["document"].to_numpy()
    return Passages(table["text"].to_pylist(), documents, matrix(table["vector"]))


def _vectors(place: int) -> str:
    return f"vectors_{place}.parquet"


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()
