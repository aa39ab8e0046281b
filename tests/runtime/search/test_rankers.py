"""What puts documents into an order: words, meaning, both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from fourhats_runtime.search import nearest
from fourhats_runtime.search.nearest import Nearest, Ranked, best, write_graph
from fourhats_runtime.search.rankers import Fusion, Meaning, Member, Recipe, Words, found, scale

if TYPE_CHECKING:
    from pathlib import Path


def ranked(*places: int, top: float = 1.0) -> Ranked:
    scores = np.linspace(top, top / 2, len(places), dtype=np.float32)
    return Ranked(np.array(places, dtype=np.int64), scores)


def test_words_find_what_shares_them_and_nothing_else() -> None:
    rank = Words(["a red car", "a blue car by the road", "the sea"])
    car, none = rank(["CAR road", "mountain"], 10)
    assert car.places.tolist() == [1, 0]
    assert none.places.tolist() == []


def test_rare_words_count_more_than_frequent_ones() -> None:
    rank = Words(["car car zebra", "car car car", "car car tree", "car car bush"])
    (order,) = rank(["car zebra"], 10)
    assert order.places[0] == 0
    assert order.scores[0] > 2 * order.scores[1]


def test_a_score_is_a_share_of_what_the_questions_words_are_worth() -> None:
    rank = Words(["a red car", "a blue boat", "a green bus", "a black van"])
    short, half, longer = rank(["red car", "red mountain", "red car red car"], 1)
    assert half.scores[0] < 0.6 * short.scores[0]
    assert longer.scores[0] == pytest.approx(short.scores[0])


def test_filters_leave_documents_out() -> None:
    rank = Words(["a red car", "a blue car"])
    (order,) = rank(["car red"], 10, np.array([False, True]))
    assert order.places.tolist() == [1]


def test_a_document_is_as_near_as_its_nearest_passage() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [-1, 0]], dtype=np.float32)
    documents = np.array([0, 0, 1, 2], dtype=np.int64)
    meaning = Meaning(lambda _texts: vectors[:1], vectors, documents, "cosine")
    (order,) = meaning(["east"], 10)
    assert order.places.tolist() == [0, 1]
    assert order.scores.tolist() == pytest.approx([1.0, 0.6])
    (order,) = meaning(["east"], 10, np.array([False, True, True]))
    assert order.places.tolist() == [1]


def test_by_the_dot_product_long_vectors_are_nearer() -> None:
    vectors = np.array([[1, 0], [3, 3]], dtype=np.float32)
    asked = np.array([[2, 0]], dtype=np.float32)
    nearest = {how: Nearest(vectors, how)(asked, 1)[0] for how in ("cosine", "dot")}
    assert nearest["cosine"].places.tolist() == [0]
    assert nearest["cosine"].scores.tolist() == pytest.approx([1.0])
    assert nearest["dot"].places.tolist() == [1]
    assert nearest["dot"].scores.tolist() == pytest.approx([6.0])


def test_of_equal_scores_the_first_comes_first() -> None:
    scores = np.array([1, 3, 3, 2, 3], dtype=np.float32)
    assert best(scores, 2).places.tolist() == [1, 2]
    assert best(scores, 9).places.tolist() == [1, 2, 4, 3, 0]


def test_fused_by_reciprocal_rank() -> None:
    order = found([ranked(5, 7), ranked(7, 9)], [1.0, 1.0], "rank")
    assert order.places.tolist() == [7, 5, 9]
    assert order.scores.tolist() == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])


def test_fused_by_scores_of_one_scale() -> None:
    order = found([ranked(5, 7, top=8.0), ranked(7, 9, top=0.4)], [8.0, 0.8], "score")
    assert order.places.tolist() == [5, 7, 9]
    assert order.scores.tolist() == pytest.approx([1.0, 0.5 + 0.5, 0.25])


def test_one_order_is_given_back_as_it_is() -> None:
    order = found([ranked(5, 7, 9)], [3.0], "score", depth=2)
    assert order.places.tolist() == [5, 7]
    assert order.scores.tolist() == [1.0, 0.75]


def test_certainty_is_what_members_say_of_the_first_each_by_its_scale() -> None:
    lists = [ranked(7, 5, top=12.0), ranked(7, 9, top=0.4)]
    for fusion in get_args(Fusion):
        assert found(lists, [6.0, 0.8], fusion).certainty == pytest.approx((2 + 0.5) / 2)
    assert found([lists[0], ranked()], [6.0, 1.0], "rank").certainty == pytest.approx(1.0)
    assert found([ranked()], [1.0], "rank").certainty == 0


def test_a_recipe_is_kept_as_it_is() -> None:
    recipe = Recipe((Member("bm25", ("a", "b")), Member("m", ("a",), "dot")), "score")
    assert Recipe.of(json.loads(json.dumps(recipe.kept()))) == recipe
    assert recipe.name == "bm25 (a + b) and m (a, dot), by score"


def test_the_scale_is_the_usual_score_of_the_first() -> None:
    assert scale([ranked(1, top=2.0), ranked(1, top=8.0), ranked(1, top=4.0), ranked()]) == 4.0
    assert scale([ranked()]) == 1.0


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    """Give vectors in groups, as texts lie: 6,000 of 64 dimensions."""
    random = np.random.default_rng(1)
    centres = random.normal(size=(200, 64))
    found = centres[random.integers(200, size=6000)] + 0.4 * random.normal(size=(6000, 64))
    return found.astype(np.float32)


@pytest.fixture(scope="module")
def graph(many: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of their graph."""
    path = tmp_path_factory.mktemp("graph") / "graph.usearch"
    write_graph(path, many, "cosine")
    return path


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "MOST_EXACT", 100)


def test_the_graph_finds_what_looking_at_all_finds(many: np.ndarray, graph: Path) -> None:
    asked = many[::100] + np.float32(0.01)
    exact = Nearest(many, "cosine")(asked, 10)
    quick = Nearest(many, "cosine", graph)(asked, 10)
    shared = [len({*one.places} & {*other.places}) for one, other in zip(exact, quick, strict=True)]
    assert np.mean(shared) >= 9.5
    assert quick[0].scores == pytest.approx(exact[0].scores, abs=1e-5)


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_the_graph_heeds_filters(many: np.ndarray, graph: Path, share: float) -> None:
    allowed = np.random.default_rng(2).random(len(many)) < share
    asked = many[:20]
    exact = Nearest(many, "cosine")(asked, 5, allowed)
    quick = Nearest(many, "cosine", graph)(asked, 5, allowed)
    assert all(allowed[each.places].all() for each in quick)
    shared = [len({*one.places} & {*other.places}) for one, other in zip(exact, quick, strict=True)]
    assert np.mean(shared) >= 4.5
