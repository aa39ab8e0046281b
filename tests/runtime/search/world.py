"""A small made-up library: documents say things by one word, and people ask by another."""

from __future__ import annotations

import csv
import hashlib
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from fourhats_runtime import Project
from fourhats_runtime.data import Files
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

INCLUDES = Path(__file__).parents[3] / "includes"
CONCEPTS = (
    ("car", "automobile", "vehicle"),
    ("doctor", "physician", "medic"),
    ("house", "home", "dwelling"),
    ("money", "cash", "funds"),
    ("child", "kid", "youngster"),
    ("road", "street", "lane"),
    ("boat", "ship", "vessel"),
    ("illness", "disease", "sickness"),
    ("teacher", "tutor", "instructor"),
    ("forest", "wood", "grove"),
)
FILLERS = ("the", "and", "a", "of", "about", "with", "page", "says", "it", "is")
CONTRACT = """
table = "pages"

[[columns]]
name = "page"
source = "page"
type = "text"
role = "id"

[[columns]]
name = "title"
source = "title"
type = "text"
role = "field"
nullable = true

[[columns]]
name = "body"
source = "body"
type = "text"
role = "field"
nullable = true

[[columns]]
name = "shelf"
source = "shelf"
type = "category"
role = "filter"
nullable = true

[[columns]]
name = "url"
source = "url"
type = "text"
role = "link"
nullable = true

[[columns]]
name = "written"
source = "written"
type = "datetime"
role = "time"
"""
BUSINESS = """
[business]
problem = "Nobody finds the right page."
decision = "Which page to open"
owner = "Head of the library"

[value]
currency = "EUR"
monthly_volume = 1000
found = 5.0
wrong = -2.0
none = 0.0
reading = -0.1
"""


def rows() -> list[dict[str, str]]:
    """Give a page for each pair of concepts, which it calls by their first words."""
    return [
        {
            "page": f"p{number}",
            "title": f"about {one[0]}",
            "body": f"the page says a {one[0]} with a {other[0]} is it &amp; of code{number}",
            "shelf": "north" if number % 2 else "south",
            "url": f"https://pages.example/{number}",
            "written": f"2026-{1 + number % 12:02}-01",
        }
        for number, (one, other) in enumerate(combinations(CONCEPTS, 2))
    ]


def questions() -> list[tuple[str, str]]:
    """Ask for each page by other words, for some by their code, and for what is not there."""
    pairs = list(enumerate(combinations(CONCEPTS, 2)))
    meant = [(f"{one[1]} {other[2]}", f"p{number}") for number, (one, other) in pairs]
    literal = [(f"code{number}", f"p{number}") for number, _ in pairs[::4]]
    return [*meant, *literal, *((f"nobody wrote this {number}", "") for number in range(6))]


def write_rows(root: Path, found: list[dict[str, str]]) -> None:
    """Write the pages where the source reads them."""
    with (root / "data" / "pages.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(found[0]))
        table.writeheader()
        table.writerows(found)


def write_questions(root: Path, asked: list[tuple[str, str]]) -> None:
    """Write the questions."""
    with (root / "data" / "queries.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "id"), *asked])


def library(root: Path) -> Project:
    """Write the library into a new folder; gives its project."""
    for name in ("config", "data", "models"):
        (root / name).mkdir(parents=True)
    write_rows(root, rows())
    write_questions(root, questions())
    models(root / "models")
    config = root / "config"
    (config / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    (config / "business.toml").write_text(BUSINESS, encoding="utf-8")
    monitoring = (INCLUDES / "search" / "monitoring.toml").read_text(encoding="utf-8")
    (config / "monitoring.toml").write_text(monitoring, encoding="utf-8")
    sources = '[files]\npath = "data/pages.csv"\n\n[outcomes]\npath = ""\n'
    (config / "sources.toml").write_text(sources, encoding="utf-8")
    (config / "search.toml").write_text(search_toml(root), encoding="utf-8")
    return Project(
        name="library",
        task="search",
        train="fourhats_runtime.search:train",
        sources=(Files(),),
        root=root,
    )


def search_toml(root: Path, licence: str = "MIT") -> str:
    """Give the settings: a sentence model and a static one, of the tests' own."""
    return "".join(
        f"""
[search.models.{name}]
kind = "{kind}"
licence = "{licence}"
origin = "made by the tests"
weights = {pinned(root, weights)}
tokenizer = {pinned(root, "tokenizer.json")}
"""
        for name, kind, weights in (
            ("graph", "sentence", "model.onnx"),
            ("table", "static", "table.safetensors"),
        )
    )


def pinned(root: Path, name: str) -> str:
    digest = hashlib.sha256((root / "models" / name).read_bytes()).hexdigest()
    return f'{{ folder = "models", file = "{name}", sha256 = "{digest}" }}'


def models(folder: Path) -> None:
    """Make two models of the words: those of one concept lie close together, fillers nowhere."""
    random = np.random.default_rng(0)
    words = ["[UNK]", *FILLERS, *(word for concept in CONCEPTS for word in concept)]
    vectors = np.zeros((len(words), 16), dtype=np.float32)
    for concept in CONCEPTS:
        centre = random.normal(size=16)
        for word in concept:
            vectors[words.index(word)] = centre + random.normal(size=16) * 0.05
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    noisy = vectors + random.normal(size=vectors.shape).astype(np.float32) * 0.2
    save_file({"vectors": noisy.astype(np.float32)}, folder / "table.safetensors")
    (folder / "model.onnx").write_bytes(_graph(vectors))


def reranker_toml(root: Path) -> str:
    """Make a cross-encoder of the words and noisy vectors that it has to mend; gives settings."""
    folder = root / "models"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    concepts = np.zeros((tokenizer.get_vocab_size(), len(CONCEPTS)), dtype=np.float32)
    for place, concept in enumerate(CONCEPTS):
        for word in concept:
            concepts[tokenizer.token_to_id(word), place] = 1
    (folder / "cross.onnx").write_bytes(_cross_encoder(concepts))
    (folder / "two_classes.onnx").write_bytes(_cross_encoder(concepts, classes=2))
    random = np.random.default_rng(1)
    (table,) = load_file(folder / "table.safetensors").values()
    noise = random.normal(size=table.shape).astype(np.float32)
    save_file({"vectors": table + noise}, folder / "noisy.safetensors")
    return "".join(
        f"""
[search.models.{name}]
kind = "{kind}"
licence = "MIT"
origin = "made by the tests"
weights = {pinned(root, weights)}
tokenizer = {pinned(root, "tokenizer.json")}
"""
        for name, kind, weights in (
            ("noisy", "static", "noisy.safetensors"),
            ("cross", "reranker", "cross.onnx"),
        )
    )


def _cross_encoder(concepts: np.ndarray[Any, Any], classes: int = 1) -> bytes:
    """Count the concepts that are in both texts, as a logit: 2 of them are a half.

    Of two classes, the first has half of it, with the other sign.
    """
    shape = ["pairs", "pieces"]
    names = ("input_ids", "attention_mask", "token_type_ids")
    given = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in names]
    output = "logits" if classes == 1 else "of_classes"
    said = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["pairs", classes])
    nodes = [
        helper.make_node("Gather", ["concepts", "input_ids"], ["pieces"]),
        helper.make_node("Cast", ["token_type_ids"], ["second"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["attention_mask"], ["there"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["there", "second"], ["first"]),
    ]
    for side in ("first", "second"):
        nodes += [
            helper.make_node("Unsqueeze", [side, "last"], [f"{side}_wide"]),
            helper.make_node("Mul", ["pieces", f"{side}_wide"], [f"{side}_pieces"]),
            helper.make_node(
                "ReduceMax", [f"{side}_pieces"], [f"{side}_has"], axes=[1], keepdims=0
            ),
        ]
    nodes += [
        helper.make_node("Mul", ["first_has", "second_has"], ["both"]),
        helper.make_node("ReduceSum", ["both", "last_axis"], ["shared"]),
        helper.make_node("Sub", ["shared", "two"], ["logits"]),
    ]
    if classes > 1:
        nodes += [
            helper.make_node("Neg", ["logits"], ["turned"]),
            helper.make_node("Div", ["turned", "two"], ["first_class"]),
            helper.make_node("Concat", ["first_class", "logits"], ["of_classes"], axis=1),
        ]
    weights = [
        numpy_helper.from_array(concepts, "concepts"),
        numpy_helper.from_array(np.array([2]), "last"),
        numpy_helper.from_array(np.array([1]), "last_axis"),
        numpy_helper.from_array(np.array([2], dtype=np.float32), "two"),
    ]
    return _model(helper.make_graph(nodes, "pairs", given, [said], weights))


def _graph(vectors: np.ndarray[Any, Any]) -> bytes:
    """Look words up: what a sentence model says of each piece, before the mean is taken."""
    shape = ["texts", "pieces"]
    given = [
        helper.make_tensor_value_info(name, TensorProto.INT64, shape)
        for name in ("input_ids", "attention_mask")
    ]
    said = helper.make_tensor_value_info("last", TensorProto.FLOAT, [*shape, vectors.shape[1]])
    mask = helper.make_tensor_value_info("mask", TensorProto.INT64, shape)
    nodes = [
        helper.make_node("Identity", ["attention_mask"], ["mask"]),
        helper.make_node("Gather", ["vectors", "input_ids"], ["last"]),
    ]
    table = numpy_helper.from_array(vectors, "vectors")
    return _model(helper.make_graph(nodes, "words", given, [mask, said], [table]))


def _model(graph: onnx.GraphProto) -> bytes:
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())
