"""What is in a text, and in a date, reaches the model; the graph gives what the trainer gives."""

from datetime import datetime

import numpy as np
import pytest
from fourhats_runtime.answer.records import Records
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.model.candidates import Candidate
from fourhats_runtime.model.dates import made_of, part_names, seasons
from fourhats_runtime.model.encoding import for_linear, for_trees
from fourhats_runtime.model.features import columns, feed, lasting, texts
from fourhats_runtime.model.graph import check_parity, convert
from fourhats_runtime.model.lightgbm import LGBMClassifier, LGBMRegressor
from fourhats_runtime.model.parts import Part
from fourhats_runtime.model.words import ALWAYS, MOST_CHARACTERS, words
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score

ROWS = 900
TOLERANCE = 1e-4
PARTS = ("year", "month", "day", "weekday", "hour")
FEATURES = (
    Column(name="message", source="m", type="text", words=True),
    Column(name="ordered", source="o", type="datetime", parts=PARTS),
    Column(name="born", source="b", type="datetime", parts=("month",)),
)
CLASSES = Column(name="y", source="y", type="category", role="target", categories=("no", "yes"))
NUMBER = Column(name="y", source="y", type="number", role="target")


def _drawn(contract: Contract) -> Part:
    """Draw messages of which some complain, on days of which the weekends count."""
    random = np.random.default_rng(0)
    complains, late = random.random(ROWS) < 0.4, random.random(ROWS) < 0.3
    good, bad = ["love it", "works well"], ["broken", "slow and rude", "möchte mein Geld zurück"]
    messages = [
        f"Hello <b>{random.choice(bad if one else good)}</b>, order {random.integers(1000, 9999)}"
        for one in complains
    ]
    weekdays = np.where(late, 5, random.integers(0, 5, ROWS))
    ordered = np.datetime64("2024-01-01T08:00") + weekdays * 24 * np.timedelta64(60, "m")
    values = {
        "message": [None if place % 50 == 0 else text for place, text in enumerate(messages)],
        "ordered": ordered.tolist(),
        "born": ["1990-05-17" if place % 7 else None for place in range(ROWS)],
    }
    inputs = feed(columns(values, contract), contract, None)
    actual = (complains * 2.0 + late > 0.5).astype(np.float64)
    if not contract.classes:
        actual = complains * 2.0 + late + random.normal(0, 0.1, ROWS)
    return Part(inputs, actual, texts=texts(contract), seasons=seasons(contract))


@pytest.mark.parametrize(
    ("target", "estimator", "encode"),
    [
        (CLASSES, LogisticRegression(max_iter=500), for_linear),
        (CLASSES, HistGradientBoostingClassifier(early_stopping=False), for_trees),
        (CLASSES, LGBMClassifier(n_estimators=30, verbose=-1), for_trees),
        (NUMBER, Ridge(), for_linear),
        (NUMBER, HistGradientBoostingRegressor(early_stopping=False), for_trees),
        (NUMBER, LGBMRegressor(n_estimators=30, verbose=-1), for_trees),
    ],
    ids=lambda each: type(each).__name__ if hasattr(each, "get_params") else "",
)
def test_texts_and_dates_are_learnt_from_and_served_as_they_were_learnt(
    target: Column, estimator: object, encode: object
) -> None:
    contract = Contract(columns=(*FEATURES, target), positive="yes" if target.categories else None)
    part = _drawn(contract)
    learned, judged = part.where(slice(0, None, 2)), part.where(slice(1, None, 2))
    candidate = Candidate("any", lambda _: estimator, encode)  # type: ignore[arg-type]
    model = candidate.fit(learned, contract, {})
    outputs = model.predict(judged, contract)
    if contract.classes:
        assert roc_auc_score(judged.actual, outputs[:, 1]) > 0.95
    else:
        assert np.corrcoef(judged.actual, outputs)[0, 1] > 0.95
    graph = convert(model.pipeline, contract, part.kinds)
    assert check_parity(graph, model.pipeline, judged, contract, TOLERANCE) < TOLERANCE


def test_the_kinds_of_inputs_are_told_apart() -> None:
    part = _drawn(Contract(columns=(*FEATURES, CLASSES)))
    kinds = part.where(slice(3)).kinds
    assert kinds["message"] == "text"
    assert set(kinds.values()) == {"text", "number", "season"}
    assert len(part.joined(part)) == 2 * ROWS
    assert part.joined(part).texts == {"message"}


def test_a_moment_is_given_by_its_parts_and_by_the_days_to_the_others() -> None:
    contract = Contract(columns=(*FEATURES, CLASSES))
    moments = {
        "ordered": np.array(["2024-02-29T13:45", "1969-12-31T23:00", "NaT"], "datetime64[us]"),
        "born": np.array(["2024-02-28T13:45", "1970-01-01T23:00", "2024-01-01"], "datetime64[us]"),
    }
    made = made_of(moments, contract)
    expected = {
        "ordered_year": [2024, 1969],
        "ordered_month": [2, 12],
        "ordered_day": [29, 31],
        "ordered_weekday": [3, 2],
        "ordered_hour": [13, 23],
        "born_month": [2, 1],
        "ordered_to_born_days": [-1, 1],
    }
    assert {name: values[:2].tolist() for name, values in made.items()} == expected
    assert all(np.isnan(made[name][2]) for name in made if name.startswith("ordered"))


@given(st.datetimes())
def test_the_parts_are_those_of_the_calendar(moment: datetime) -> None:
    contract = Contract(columns=(*FEATURES, CLASSES))
    given_ = np.array([moment], "datetime64[us]")
    made = made_of({"ordered": given_, "born": given_}, contract)
    found = [int(made[f"ordered_{part}"][0]) for part in PARTS]
    assert found == [moment.year, moment.month, moment.day, moment.weekday(), moment.hour]


@given(st.lists(st.none() | st.text(), min_size=1))
def test_a_text_is_given_by_terms_between_single_blanks(given_: list[str | None]) -> None:
    made = words(np.array([*given_, None], dtype=object))[:-1].tolist()
    for text in made:
        terms = text.split(" ")
        assert terms[0] == ALWAYS
        assert all(terms)
        assert "\n" not in text


def test_terms_are_words_pairs_and_pieces_whatever_stands_around_them() -> None:
    (made,) = words(np.array(["Not  GOOD\n—é!"], dtype=object)).tolist()
    assert made.split() == [
        *(ALWAYS, "not", "good", "é", "not+good", "good+é"),
        *("<no", "not", "ot>", "<go", "goo", "ood", "od>", "<é>"),
    ]


def test_of_an_endless_text_the_beginning_counts() -> None:
    long = np.array(["a " * 10**6], dtype=object)
    (made,) = words(long).tolist()
    assert len(made) < 8 * MOST_CHARACTERS


def test_what_moves_on_by_itself_is_not_watched_for_drift() -> None:
    contract = Contract(columns=(*FEATURES, CLASSES))
    inputs = _drawn(contract).inputs
    assert set(inputs) == {"message", "ordered_to_born_days"} | part_names(contract)
    assert set(lasting(inputs, contract)) == {"ordered_to_born_days"}


def test_a_time_that_gives_parts_orders_the_rows_and_is_asked_for() -> None:
    time = Column(name="ordered", source="o", type="datetime", role="time", parts=("weekday",))
    contract = Contract(columns=(time, CLASSES))
    assert contract.time_order == ("ordered",)
    records = Records(contract)
    record = records.decode_one(b'{"ordered": "2024-02-29"}')
    inputs = feed(columns(records.columns([record]), contract), contract, None)
    assert {name: values.tolist() for name, values in inputs.items()} == {"ordered_weekday": [[3]]}
    silent = time.model_copy(update={"parts": ()})
    number = Column(name="size", source="s", type="number")
    assert Contract(columns=(silent, number, CLASSES)).features == (number,)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"type": "number", "parts": ["day"]}, "parts are of a datetime"),
        ({"type": "category", "words": True}, "words are of a feature of the type text"),
        ({"type": "datetime", "role": "ignore", "parts": ["day"]}, "parts are of a datetime"),
    ],
)
def test_what_cannot_be_made_of_a_column_is_refused(column: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Column.model_validate({"name": "a", "source": "a", **column})
