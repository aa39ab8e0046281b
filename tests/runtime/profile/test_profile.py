"""What a client's file is taken for. Every table here is small and made on the spot."""

import random
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from fourhats_runtime.contract import load
from fourhats_runtime.contract.names import safe_names
from fourhats_runtime.data.table_file import open_file
from fourhats_runtime.profile import (
    Column,
    Profile,
    TableFileError,
    TargetError,
    profile_file,
    to_toml,
)
from hypothesis import given, settings
from hypothesis import strategies as st

Rows = dict[str, Sequence[object]]
Write = Callable[..., str]
ROWS = 400


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write columns as CSV as a client's tool would, and give the path."""

    def write_csv(
        columns: Rows, *, delimiter: str = ",", encoding: str = "utf-8", name: str = "table.csv"
    ) -> str:
        lines = [list(columns), *zip(*columns.values(), strict=True)]
        text = "".join(delimiter.join(_cell(v, delimiter) for v in line) + "\n" for line in lines)
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return str(path)

    return write_csv


def _cell(value: object, delimiter: str) -> str:
    text = "" if value is None else str(value)
    if delimiter in text or '"' in text or "\n" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def _chance(seed: int) -> random.Random:
    return random.Random(seed)


def _churn(rows: int = ROWS) -> Rows:
    """Make a target with three features that tell something, but not everything, about it."""
    chance = _chance(1)
    tenure = [chance.randrange(72) for _ in range(rows)]
    churned = ["Yes" if chance.random() < 0.6 - t / 150 else "No" for t in tenure]
    return {
        "customerID": [f"{i:04}-ABCD" for i in chance.sample(range(9999), rows)],
        "tenure": tenure,
        "charge": [round(chance.uniform(18, 110), 2) for _ in range(rows)],
        "plan": [chance.choice(("basic", "plus", "pro")) for _ in range(rows)],
        "churned": churned,
    }


def _prices(rows: int = ROWS) -> Rows:
    chance = _chance(2)
    area = [round(chance.uniform(30, 200), 1) for _ in range(rows)]
    return {
        "area": area,
        "rooms": [chance.randrange(1, 7) for _ in range(rows)],
        "price": [round(a * 2500 * chance.lognormvariate(0, 0.4)) for a in area],
    }


def _column(profile: Profile, source: str) -> Column:
    return next(column for column in profile.columns if column.source == source)


# --- files


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_any_delimiter_and_encoding_gives_the_same_contract(
    write: Write, delimiter: str, encoding: str
) -> None:
    data = _churn() | {"größe": ["groß", "süß", 'a,b;c|"d"', "klein"] * (ROWS // 4)}
    profile = profile_file(write(data, delimiter=delimiter, encoding=encoding), "churned")
    plain = profile_file(write(data, name="plain.csv"), "churned")
    assert profile.columns == plain.columns
    assert _column(profile, "größe").categories == ('a,b;c|"d"', "groß", "klein", "süß")


def test_windows_characters_in_a_latin_1_file_are_read_as_meant(write: Write) -> None:
    data = _churn() | {"fee": ["5 €", "ä"] * (ROWS // 2)}
    path = write(data, encoding="cp1252")
    assert _column(profile_file(path), "fee").categories == ("5 €", "ä")


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    duckdb.sql(f"""COPY (SELECT i AS id, i % 2 = 0 AS even, (i % 7)::DOUBLE AS seven,
        DATE '2024-01-01' + i::INT AS seen, [i] AS list, ('x' || i % 3)::ENUM('x0','x1','x2') AS x,
        CASE WHEN i % 5 = 0 THEN 'nan'::DOUBLE ELSE i / 3 END AS score,
        (i * 7 % 2)::INT AS "2nd.flag"
        FROM range(200) t(i)) TO '{path}'""")
    profile = profile_file(str(path))
    found = {column.name: (column.type, column.role) for column in profile.columns}
    assert found == {
        "id": ("integer", "id"),
        "even": ("boolean", "feature"),
        "seven": ("number", "feature"),
        "seen": ("datetime", "time"),
        "list": ("text", "ignore"),
        "x": ("category", "feature"),
        "score": ("number", "feature"),
        "c_2nd_flag": ("boolean", "feature"),
    }
    assert _column(profile, "score").missing == 40
    assert _column(profile, "x").categories == ("x0", "x1", "x2")


def test_a_glob_is_one_table(write: Write, tmp_path: Path) -> None:
    write(_churn(), name="a.csv")
    write(_churn() | {"plan": ["süd"] * ROWS}, name="b.csv", encoding="latin-1")
    profile = profile_file(str(tmp_path / "*.csv"))
    assert profile.rows == 2 * ROWS
    assert _column(profile, "plan").categories == ("basic", "plus", "pro", "süd")
    write(_prices(), name="c.csv")
    with pytest.raises(TableFileError, match=r"c\.csv: has other columns"):
        profile_file(str(tmp_path / "*.csv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,b", "no rows"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image"),
        (b"PK\x03\x04\x14\x00\x06\x00", "Excel workbook, and damaged"),
        (b'{"a": {"x": 1},\n "b": {"x": 2}}', "one JSON object"),
        (b'[{"a": 1, "b": 2}, 3]', "line 1 holds no JSON object"),
        (b"<!DOCTYPE html>\n<p>Hello, world", "HTML"),
        (bytes(range(256)) * 40, "binary"),
        (b"PAR1 is how it starts, and then PAR1", "can't be read"),
        (b"PAR1", "can't be read"),
        (b"Dear all\nplease find attached\n", "is no table"),
        (b"a,b\n1,2\n1,2,3\n", "line 3 has 3 fields where the header names 2"),
        (b"a,b\n1,2\n1\n", "line 3 has 1 field"),
        (b"a,b\n" + b"1,2\n" * 100_000 + b"1,2,3\n", "line 100002 has 3 fields"),
        (b'a,b\n1,"x\n2,3\n', "quote"),
        (b"1,2\n3,4\n", "not the names of its 2 columns"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(TableFileError, match=re.escape(message)) as refusal:
        profile_file(str(path))
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 2 * len(str(path)) + 120


def test_a_broken_parquet_file_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    duckdb.sql(f"COPY (SELECT i, hash(i) AS h FROM range(50000) t(i)) TO '{path}'")
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:4] + b"\xff" * 400 + whole[404:]):
        path.write_bytes(content)
        with pytest.raises(TableFileError) as refusal:
            profile_file(str(path))
        assert "\n" not in str(refusal.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(TableFileError, match=r"nowhere\.csv: there is no such file"):
        profile_file(str(tmp_path / "nowhere.csv"))
    with pytest.raises(TableFileError, match="is a folder"):
        profile_file(str(tmp_path))


# --- names


@given(st.lists(st.text(max_size=80), max_size=30))
def test_every_name_is_safe_and_unique(sources: list[str]) -> None:
    names = safe_names(sources)
    assert len(set(names)) == len(names) == len(sources)
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert len(name) < 64
        duckdb.sql(f"SELECT {name} FROM (SELECT 1 AS {name})")
        compile(f"{name} = 1", "name", "exec")


def test_names_stay_recognisable() -> None:
    sources = ["TotalCharges", "customerID", "pm2.5", "Größe in m²", "2nd visit", "class", "order"]
    assert safe_names(sources) == [
        "total_charges",
        "customer_id",
        "pm2_5",
        "groesse_in_m2",
        "c_2nd_visit",
        "class_",
        "order_",
    ]
    assert safe_names(["Año", "возраст", "_x", "a b", "a.b", "A_B", "HTTPCode"]) == [
        "ano",
        "column_2",
        "x",
        "a_b",
        "a_b_2",
        "a_b_3",
        "http_code",
    ]


def test_clashing_empty_and_hostile_headers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        'a,A,a,,"x""y",it\'s,"with, comma","two\nlines",日本,select\n' + "1,2,3,4,5,6,7,8,9,0\n" * 9
    )
    profile = profile_file(str(path))
    assert [column.examples for column in profile.columns] == [(d,) for d in "1234567890"]
    assert len({column.source.lower() for column in profile.columns}) == 10
    assert [column.source for column in profile.columns][4:] == [
        *('x"y', "it's", "with, comma", "two lines", "日本", "select"),
    ]
    # What the contract calls the source is what every later step finds under that name.
    with duckdb.connect() as connection:
        relation = open_file(connection, str(path))
        assert relation.columns == [column.source for column in profile.columns]
    assert tomllib.loads(to_toml(profile))["columns"][7]["source"] == "two lines"


# --- types and roles


def test_ids_row_numbers_constants_and_empty_columns_are_no_features(write: Write) -> None:
    data = _churn() | {
        "No": range(1, ROWS + 1),
        "constant": ["x"] * ROWS,
        "empty": ["NA"] * ROWS,
        "code": [f"x{i * 7919 % 10007}" for i in range(ROWS)],
    }
    profile = profile_file(write(data), "churned")
    assert _column(profile, "customerID").role == "id"
    for source, why in (
        ("No", "numbers the rows"),
        ("constant", "always the same value: x"),
        ("empty", "all values are missing"),
        ("code", "different in every row, as the id is"),
    ):
        assert _column(profile, source).role == "ignore"
        assert why in _column(profile, source).note


def test_texts_are_learnt_from_by_their_words_and_many_categories_one_by_one(write: Write) -> None:
    data = _churn() | {
        "comment": [f"called us {i} times, angry" for i in range(ROWS)],
        "beer": [f"style {i % 120}" for i in range(ROWS)],
        "town": [f"t{i % 40}" for i in range(ROWS)],
    }
    profile = profile_file(write(data), "churned")
    for source, kind, words in (("comment", "text", True), ("beer", "text", True)):
        column = _column(profile, source)
        assert (column.type, column.role, column.words) == (kind, "feature", words)
    town = _column(profile, "town")
    assert (town.type, town.words, len(town.categories)) == ("category", False, 40)
    many = {name: list(values) * 10 for name, values in data.items()}
    beer = _column(profile_file(write(many), "churned"), "beer")
    assert (beer.type, beer.role, len(beer.categories)) == ("category", "feature", 120)


def test_a_running_number_that_is_named_an_id_is_the_id(write: Write) -> None:
    data = {"PassengerId": range(1, ROWS + 1)} | _prices()
    assert _column(profile_file(write(data)), "PassengerId").role == "id"


def test_an_id_that_repeats_names_an_entity_and_it_is_said(write: Write) -> None:
    data = _prices() | {"agent_id": [1000 + i % 150 for i in range(ROWS)]}
    profile = profile_file(write(data), "price")
    column = _column(profile, "agent_id")
    assert (column.role, column.type) == ("entity", "integer")
    assert column.note == "150 of them have 400 rows"
    (said,) = (warning for warning in profile.warnings if warning.startswith("agent_id: "))
    assert 'the role "entity"' in said


def test_a_customer_is_the_entity_before_what_was_bought_and_the_row_has_an_id(
    write: Write,
) -> None:
    data = _prices() | {
        "product_id": [f"p{i % 90}" for i in range(ROWS)],
        "KundenNr": [f"K-{i % 80}" for i in range(ROWS)],
        "order_id": [f"{i:05}-x" for i in range(ROWS)],
        "store": [f"s{i % 9}" for i in range(ROWS)],
        "user": [i % 99 for i in range(ROWS)],
    }
    profile = profile_file(write(data), "price")
    roles = {column.source: column.role for column in profile.columns}
    assert (roles["KundenNr"], roles["order_id"]) == ("entity", "id")
    # Few shops come again and can be learnt about; a number that is no number of a user is one.
    assert (roles["product_id"], roles["store"], roles["user"]) == ("feature", "feature", "feature")
    assert any("If that is product_id instead" in warning for warning in profile.warnings)


def test_a_panel_of_customers_and_months_gives_a_key_of_both(write: Write, tmp_path: Path) -> None:
    months = [f"2025-{month:02}-01" for month in range(1, 11)]
    data = {
        "customer_id": [f"C{customer:03}" for customer in range(60) for _ in months],
        "month": months * 60,
        "usage": [_chance(place).uniform(0, 9) for place in range(600)],
        "churned": [("no", "no", "yes")[place % 3] for place in range(600)],
    }
    path = tmp_path / "contract.toml"
    path.write_text(to_toml(profile_file(write(data), "churned")), encoding="utf-8")
    assert [column.name for column in load(path).key] == ["customer_id", "month"]


def test_a_number_with_blanks_is_a_number_and_says_so(write: Write) -> None:
    data = _prices()
    data["area"] = [" ", "NA", "?", *list(data["area"])[3:]]
    column = _column(profile_file(write(data), "price"), "area")
    assert (column.type, column.role, column.nullable, column.min) == ("number", "feature", True, 0)
    assert column.note == "3 of 400 values are missing"


def test_a_stray_text_leaves_a_number_a_number_and_warns(write: Write) -> None:
    data = _prices()
    data["area"] = ["large", *list(data["area"])[1:]]
    profile = profile_file(write(data), "price")
    assert _column(profile, "area").type == "number"
    assert not _column(profile, "area").nullable
    assert "area: 1 of 400 values are no number" in profile.warnings[0]


def test_where_every_row_has_its_outcome_it_says_how_cases_to_score_come(write: Write) -> None:
    data = _prices()
    (said,) = profile_file(write(data), "price").warnings
    assert said.startswith("price: every row has its outcome, so that there is no case to score: ")
    assert "by the same source, or ask the API" in said
    data["price"] = ["", *list(data["price"])[1:]]
    assert not profile_file(write(data), "price").warnings
    assert not profile_file(write(_prices())).warnings


def test_kinds_of_values_are_told_apart(write: Write) -> None:
    half = ROWS // 2
    data = _churn() | {
        "zero_one": ["0", "1"] * half,
        "truth": ["True", "False"] * half,
        "below": ["-5", "5"] * half,
        "code": ["007", "012"] * half,
        "float_like": ["1e3", ".5"] * half,
        "underscore": ["1_0", "2_0"] * half,
        "infinite": ["inf", "1.5"] * half,
        "tick": ["x", ""] * half,
    }
    profile = profile_file(write(data), "churned")
    types = {source: _column(profile, source).type for source in list(data)[5:]}
    assert types == {
        "zero_one": "boolean",
        "truth": "boolean",
        "below": "integer",
        "code": "category",
        "float_like": "number",
        "underscore": "category",
        "infinite": "number",
        "tick": "category",
    }
    assert _column(profile, "below").min is None
    assert all(column.max is None for column in profile.columns)


def test_decimal_commas_are_numbers(write: Write) -> None:
    euros = [f"{i % 9 + 1}.{i % 899 + 100},{i % 90 + 10}" for i in range(ROWS)]
    data = _churn() | {
        "betrag": euros,
        "menge": [f"{i}.000" if i else "500" for i in range(ROWS)],
        "anzahl": range(0, 2 * ROWS, 2),
    }
    profile = profile_file(write(data, delimiter=";", encoding="latin-1"), "churned")
    for source, written, kind in (("betrag", "1.234,50", "number"), ("anzahl", "", "integer")):
        assert (_column(profile, source).written, _column(profile, source).type) == (written, kind)
    # "3.000" beside "1.234,56" is three thousand.
    assert _column(profile, "menge").written == "1.234"
    assert 'written = "1.234,50"' in to_toml(profile)


def test_thousands_commas_are_not_taken_for_decimals(write: Write) -> None:
    data = _churn() | {"revenue": [f"{i + 1},{i % 900 + 100}" for i in range(ROWS)]}
    profile = profile_file(write(data), "churned")
    assert (_column(profile, "revenue").type, _column(profile, "revenue").role) == (
        "integer",
        "feature",
    )
    assert _column(profile, "revenue").written == "1,234"
    assert any('revenue: "," in 1,100 is taken to stand between' in w for w in profile.warnings)


def test_dates_order_the_rows_where_only_one_can(write: Write) -> None:
    days = [f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(ROWS)]
    stamps = [f"2025-01-{i % 28 + 1:02}T{i % 24:02}:00:00Z" for i in range(ROWS)]
    alone = profile_file(write(_prices() | {"sold": days}), "price")
    assert (_column(alone, "sold").type, _column(alone, "sold").role) == ("datetime", "time")
    named = profile_file(write(_prices() | {"signup": days, "timestamp": stamps}), "price")
    assert _column(named, "timestamp").role == "time"
    assert _column(named, "timestamp").parts == ("month", "day", "weekday", "hour")
    assert _column(named, "signup").role == "feature"
    assert _column(named, "signup").parts == ("year", "month", "day", "weekday")
    unclear = profile_file(write(_prices() | {"seen": days, "sold": stamps}), "price")
    assert {_column(unclear, name).role for name in ("seen", "sold")} == {"feature"}
    assert "seen, sold" in unclear.warnings[0]
    birth = profile_file(write(_prices() | {"birth_date": days}), "price")
    assert (_column(birth, "birth_date").role, _column(birth, "birth_date").pii) == (
        "feature",
        False,
    )


def test_time_that_is_split_over_columns_is_recognised(write: Write) -> None:
    data = _prices() | {
        "hour": [i % 24 for i in range(ROWS)],
        "year": [2020 + i // 200 for i in range(ROWS)],
        "Month": [f"{i % 12 + 1:02}" for i in range(ROWS)],
    }
    profile = profile_file(write(data), "price")
    assert profile.time_parts == ("year", "month", "hour")
    assert {_column(profile, name).role for name in ("year", "Month", "hour")} == {"feature"}
    del data["year"]
    assert profile_file(write(data), "price").time_parts == ()


def test_personal_data_is_kept_out(write: Write) -> None:
    data = _churn() | {
        "contact": [f"person{i}@example.org" for i in range(ROWS)],
        "reach": [f"+49 30 {i:07}" for i in range(ROWS)],
        "Konto": [f"DE{i % 90 + 10} 3704 0044 0532 0130 {i % 90 + 10}" for i in range(ROWS)],
        "host": [f"10.0.{i % 7}.{i % 250}" for i in range(ROWS)],
        "last_name": [f"Smith{'abcdefghij'[i % 10] * (i % 9 + 1)}" for i in range(ROWS)],
        "gender": ["f", "m"] * (ROWS // 2),
        "sex": [1, 2] * (ROWS // 2),
        "mobile": [4917000000 + i for i in range(ROWS)],
        "phone_service": ["yes", "no"] * (ROWS // 2),
        "has_email": [0, 1] * (ROWS // 2),
        "product_name": ["a", "b"] * (ROWS // 2),
    }
    profile = profile_file(write(data), "churned")
    seen = {s: (_column(profile, s).pii, _column(profile, s).role) for s in list(data)[5:]}
    assert seen == {
        **dict.fromkeys(
            ("contact", "reach", "Konto", "host", "last_name", "mobile", "gender", "sex"),
            (True, "ignore"),
        ),
        **dict.fromkeys(("phone_service", "has_email", "product_name"), (False, "feature")),
    }


# --- targets


def test_a_target_of_two_classes_is_a_classification(write: Write) -> None:
    for classes, positive in (
        (("No", "Yes"), "Yes"),
        (("0", "1"), "1"),
        (("False", "True"), "True"),
        (("1", "2"), "2"),
        (("stays", "goes"), "goes"),
    ):
        data = _churn()
        data["churned"] = [classes[i % 5 == 0] for i in range(ROWS)]
        profile = profile_file(write(data), "churned")
        target = _column(profile, "churned")
        assert (profile.task, profile.positive) == ("classification", positive)
        assert (target.type, target.role) == ("category", "target")
        assert target.categories == tuple(sorted(classes))


def test_few_whole_numbers_are_classes_and_many_are_not(write: Write) -> None:
    path = write(_prices())
    rooms = profile_file(path, "rooms")
    assert (rooms.task, rooms.positive) == ("classification", None)
    assert _column(rooms, "rooms").categories == ("1", "2", "3", "4", "5", "6")
    assert profile_file(path, "rooms", "regression").task == "regression"
    price = profile_file(path, "price")
    assert (price.task, price.positive, price.leakage_suspects) == ("regression", None, ())
    assert price.tolerance is not None
    assert 10_000 < price.tolerance < 200_000


def test_a_missing_outcome_is_no_class(write: Write) -> None:
    data = _churn()
    data["churned"] = ["", "NA", *list(data["churned"])[2:]]
    target = _column(profile_file(write(data), "churned"), "churned")
    assert (target.categories, target.nullable, target.missing) == (("No", "Yes"), True, 2)


@pytest.mark.parametrize(
    ("target", "task", "message"),
    [
        ("churnd", None, "Did you mean churned? The columns are: customerID, tenure"),
        ("one", None, "one only ever holds x: there is nothing to predict"),
        ("none", None, "none holds no value: there is nothing to predict"),
        ("rare", None, "rare is b in only 3 rows"),
        ("few", None, "few is known in only 20 rows"),
        ("customerID", None, "neither numbers nor up to 50 classes"),
        ("day", None, "dates"),
        ("plan", "regression", "choose classification"),
        ("charge", "classification", "choose regression"),
        ("plan", "clustering", "clustering is unknown"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused_in_one_line(
    write: Write, target: str, task: str | None, message: str
) -> None:
    data = _churn() | {
        "one": ["x"] * ROWS,
        "none": [""] * ROWS,
        "rare": ["b"] * 3 + ["a"] * (ROWS - 3),
        "few": ["a", "b"] * 10 + [""] * (ROWS - 20),
        "day": [f"2024-01-{i % 28 + 1:02}" for i in range(ROWS)],
    }
    with pytest.raises(TargetError, match=re.escape(message)) as refusal:
        profile_file(write(data), target, task)
    assert "\n" not in str(refusal.value)


def test_the_likely_target_is_suggested(write: Write) -> None:
    assert profile_file(write(_churn())).likely_targets[0] == "churned"
    assert profile_file(write(_prices())).likely_targets[0] == "price"


# --- leakage


def test_features_that_give_a_class_away_are_suspects(write: Write) -> None:
    data = _churn()
    chance = _chance(3)
    left = [label == "Yes" for label in data["churned"]]
    data |= {
        "copy": data["churned"],
        "recoded": [int(gone) for gone in left],
        "noisy": [gone + chance.gauss(0, 0.05) for gone in left],
        "reason": [chance.choice(("price", "moved")) if gone else "" for gone in left],
        "sometimes": ["x" if gone and chance.random() < 0.6 else "" for gone in left],
        "refund": [round(chance.uniform(1, 9), 2) if gone else "" for gone in left],
        "honest": [chance.choice(("a", "b", "")) for _ in left],
        "strong": [gone + chance.gauss(0, 0.5) for gone in left],
    }
    profile = profile_file(write(data), "churned")
    suspects = ("copy", "recoded", "noisy", "reason", "sometimes", "refund")
    assert profile.leakage_suspects == suspects
    for name in suspects:
        column = _column(profile, name)
        assert (column.role, column.leak) == ("ignore", "suspected")
        assert column.switch == 'leak = "accepted"'
        assert column.note.startswith("left out, since it ")
        assert any(warning.startswith(f"{name}: left out") for warning in profile.warnings)


def test_a_leak_is_found_where_the_class_is_rare(write: Write) -> None:
    chance = _chance(4)
    rows = 5000
    fraud = [i % 100 == 0 for i in range(rows)]
    data = {
        "amount": [round(chance.lognormvariate(3, 1), 2) for _ in fraud],
        "score": [chance.gauss(90 if bad else 10, 3) for bad in fraud],
        "blocked_at": [chance.randrange(24) if bad else "" for bad in fraud],
        "fraud": [int(bad) for bad in fraud],
    }
    profile = profile_file(write(data), "fraud")
    assert profile.leakage_suspects == ("score", "blocked_at")


def test_features_that_give_a_number_away_are_suspects(write: Write) -> None:
    data = _prices(2000)
    chance = _chance(5)
    price = [float(str(value)) for value in data["price"]]
    data |= {
        "in_dollars": [round(p * 1.1 + chance.gauss(0, 100)) for p in price],
        "inverse": [1e6 / p for p in price],
        "estimate": [p * chance.lognormvariate(0, 0.3) for p in price],
    }
    profile = profile_file(write(data), "price")
    assert profile.leakage_suspects == ("in_dollars", "inverse")


# --- the contract


@settings(max_examples=200)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_survives_in_the_contract(text: str) -> None:
    column = Column("a", text, "category", "feature", True, 0, 1, categories=(text,))  # noqa: FBT003
    profile = Profile(f"/x/{text}.csv", 1, (column,), positive=text)
    contract = tomllib.loads(to_toml(profile))
    assert contract["positive"] == text
    assert contract["columns"][0]["source"] == text
    assert contract["columns"][0]["categories"] == [text]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", contract["table"])


def test_the_contract_says_what_the_profile_says(write: Write) -> None:
    path = write(_churn(), name="Acme Kunden 2024.csv")
    profile = profile_file(path, "churned")
    text = to_toml(profile)
    assert text == to_toml(profile_file(path, "Churned"))
    assert text.startswith("# ")
    contract = tomllib.loads(text)
    assert (contract["table"], contract["positive"]) == ("acme_kunden_2024", "Yes")
    assert [column["name"] for column in contract["columns"]] == [c.name for c in profile.columns]
    assert contract["columns"][1] == {
        "name": "tenure",
        "source": "tenure",
        "type": "integer",
        "role": "feature",
        "nullable": False,
        "min": 0.0,
    }
    assert str(Path(path).parent) not in text


def test_a_million_rows_are_profiled_within_seconds(tmp_path: Path) -> None:
    path = tmp_path / "big.parquet"
    duckdb.sql(f"""COPY (SELECT 'c' || i AS customer_id, random() AS a, random() * 9 AS b,
        (random() * 9)::INT AS c, 'x' || (random() * 9)::INT AS d, random() < 0.1 AS churn
        FROM range(1000000) t(i)) TO '{path}'""")
    began = time.process_time()
    profile = profile_file(str(path), "churn")
    assert time.process_time() - began < 10
    assert (profile.rows, _column(profile, "customer_id").role) == (1_000_000, "id")


@pytest.mark.parametrize("wide", [1, 40])
def test_a_profile_takes_no_library_but_duckdb_and_pydantic(tmp_path: Path, wide: int) -> None:
    table = tmp_path / "table.csv"
    header = ",".join([*(f"g{n}" for n in range(wide)), "kind"])
    rows = [
        ",".join([*(f"{n * 7 % 11}.{row}" for n in range(wide)), "ab"[row % 2]])
        for row in range(60)
    ]
    table.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    others = ("numpy", "onnxruntime", "pandas", "polars", "pyarrow", "sklearn", "sqlglot")
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({others}))\n"
        "from fourhats_runtime.profile import profile_file\n"
        f"profile_file({str(table)!r}, 'kind')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_wide_table_is_profiled_in_little_time_and_memory(tmp_path: Path) -> None:
    table = tmp_path / "wide.csv"
    draw = random.Random(8)
    with table.open("w", encoding="utf-8") as file:
        file.write(",".join([*(f"g{n}" for n in range(300)), "kind"]) + "\n")
        for _ in range(150):
            values = [f"{draw.gauss(0, 1):.4f}" for _ in range(300)]
            values[1::2] = [draw.choice(["low", "middle", "high"]) for _ in range(150)]
            values[8] = "n/a"
            file.write(",".join([*values, draw.choice("ab")]) + "\n")
    program = (
        "import re, time\n"
        "from fourhats_runtime.profile import profile_file\n"
        "began = time.process_time()\n"
        f"profile = profile_file({str(table)!r}, 'kind')\n"
        "held = re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]\n"
        "print(time.process_time() - began, held)\n"
        "print(sum(column.type == 'number' for column in profile.columns))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE)
    seconds, kilobytes, numbers = map(float, done.stdout.split())
    assert numbers == 149, "one column holds nothing but marks"
    assert seconds < 10
    assert kilobytes < 300 * 1024
