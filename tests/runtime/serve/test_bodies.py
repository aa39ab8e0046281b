"""Bodies as clients write them: values by the contract, limits before work, and what is no text."""

import asyncio
import csv
import io
import json
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.answer.records import MOST, MOST_RECORDS
from fourhats_runtime.serve.explain import MOST_EXPLAINED

from tests.runtime.handmade import probability

JSON = ("/predict", "/explain", "/outcomes")
HEADER = "Customer;Household;Signed on;Fee;Seats;Active?;Plan;Comment"
ROW = "C-1;7;05.01.2026;1.234,50 €;3;1;NA;fine"
WRITTEN = {
    "signed_on": "05.01.2026",
    "fee": "1.234,50 €",
    "seats": "3",
    "active": "1",
    "plan": "NA",
}
PLAIN = {"signed_on": "2026-01-05", "fee": 1234.5, "seats": 3, "active": 1, "plan": "NA"}
MOST_STALLED = 0.25
"""CPU seconds that may pass until another request has its turn."""
MEGABYTE = 1024**2


def upload(client: TestClient, content: str | bytes) -> Any:  # noqa: ANN401
    return client.post("/file", files={"file": ("a.csv", content, "text/csv")})


def rows_of(answer: Any) -> list[dict[str, str]]:  # noqa: ANN401
    assert answer.status_code == 200, answer.text
    text = io.StringIO(answer.text.removeprefix("\ufeff"), newline="")
    return list(csv.DictReader(text, delimiter=";"))


def last_records(project: Project) -> list[dict[str, Any]]:
    (file,) = (project.artifacts / "predictions").glob("*.jsonl")
    entry = json.loads(file.read_text(encoding="utf-8").splitlines()[-1])
    return list(entry["records"])


@pytest.mark.parametrize("path", JSON)
@pytest.mark.parametrize("text", [b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\\ud800"])
def test_json_that_is_no_utf_8_is_refused(path: str, text: bytes, asked: TestClient) -> None:
    answer = asked.post(path, content=b'[{"prediction_id": "%b", "comment": "%b"}]' % (text, text))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "body"


@pytest.mark.parametrize("body", [b"comment=\xff", b"comment=%ff", b"%ff=1", b"comment=%C3%28"])
def test_a_form_that_is_no_utf_8_is_refused(body: bytes, asked: TestClient) -> None:
    answer = asked.post("/", content=body)
    assert answer.status_code == 422
    assert "UTF-8" in answer.text


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_that_is_no_utf_8_is_refused(encoding: str, asked: TestClient) -> None:
    answer = upload(asked, f"{HEADER}\n{ROW}é\n".replace("€", "").encode(encoding))
    assert answer.status_code == 422
    assert "not in UTF-8" in answer.text


@pytest.mark.parametrize("number", ["1e39", "-1e39", "1e400", "Infinity", "-Infinity", "NaN"])
def test_a_number_that_no_model_can_be_given_is_refused(number: str, asked: TestClient) -> None:
    record = json.dumps(PLAIN | {"fee": "?"}).replace('"?"', number)
    for path in ("/predict", "/explain"):
        refused = asked.post(path, content=f"[{record}]".encode())
        assert refused.status_code == 422, refused.text
    fields = {**WRITTEN, "fee": number}
    assert asked.post("/", data=fields).status_code == 422
    answer = upload(asked, f"{HEADER}\n{ROW.replace('1.234,50 €', number)}\n")
    assert answer.status_code == 422
    assert "row 1, fee" in answer.text


def test_the_greatest_number_of_a_model_is_answered(asked: TestClient) -> None:
    answer = asked.post("/predict", json=[PLAIN | {"fee": MOST}])
    assert answer.status_code == 200, answer.text


def test_form_and_file_take_values_as_they_are_written_and_json_plain_ones(
    asked: TestClient, every_kind: Project
) -> None:
    likely = probability(1234.5, 0)
    (given,) = asked.post("/predict", json=[PLAIN]).json()["predictions"]
    assert given["probability"] == pytest.approx(likely, rel=1e-5)
    assert asked.post("/", data=WRITTEN).status_code == 200
    by_form = last_records(every_kind)
    (row,) = rows_of(upload(asked, f"{HEADER}\n{ROW}\n"))
    by_file = last_records(every_kind)
    for (record,) in (by_form, by_file):
        assert record["fee"] == 1234.5
        assert record["signed_on"] == "2026-01-05T00:00:00"
        assert record["plan"] == "NA"  # a value here, as the contract says
    assert float(row["probability"]) == pytest.approx(likely, rel=1e-5)
    assert row["Fee"] == "1.234,50 €"
    for wrong in ({"fee": "1.234,50 €"}, {"fee": "1234.5"}, {"signed_on": "05.01.2026"}):
        refused = asked.post("/predict", json=[PLAIN | wrong])
        assert refused.json()["detail"][0]["loc"] == ["body", 0, *wrong]


@pytest.mark.parametrize(
    "formula", ["=1+1", "+A1", "-A1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "=HYPERLINK(1)", "\uff1d1"]
)
def test_a_formula_comes_back_as_text_and_can_be_scored_again(
    formula: str, asked: TestClient
) -> None:
    header, row = f'{HEADER};"{formula}"', f'{ROW};"{formula}"'.replace("C-1", "=C1")
    scored = upload(asked, f"{header}\n{row}\n")
    (found,) = rows_of(scored)
    assert found[f"'{formula}"] == f"'{formula}"
    assert found["Customer"] == "'=C1"
    assert upload(asked, scored.content).content == scored.content


def test_a_category_that_looks_like_a_formula_is_one_all_the_same(asked: TestClient) -> None:
    scored = upload(asked, f"{HEADER}\n{ROW.replace('NA', '=basic')}\n")
    (found,) = rows_of(scored)
    assert found["Plan"] == "'=basic"
    assert rows_of(upload(asked, scored.content)) == [found]


@pytest.mark.parametrize(
    "number", ["-5", "+5", "-1.234,50 €", "-€ 5", "-1e-5", "-.5", "-5 %", "+49 170 1234567"]
)
def test_a_number_stays_one(number: str, asked: TestClient) -> None:
    (found,) = rows_of(upload(asked, f"{HEADER};note\n{ROW};{number}\n"))
    assert found["note"] == number


def test_records_are_counted_before_they_are_decoded(asked: TestClient) -> None:
    limits = {"/predict": MOST_RECORDS, "/outcomes": MOST_RECORDS, "/explain": MOST_EXPLAINED}
    for path, most in limits.items():
        answer = asked.post(path, content=b"[%b{}]" % (b"{}," * most))
        assert f"at most {most:,} of them" in answer.json()["detail"][0]["msg"]
    braces = PLAIN | {"comment": '{"\\' * MOST_EXPLAINED}
    assert asked.post("/explain", json=[braces]).status_code == 200


def test_a_text_without_end_where_a_number_belongs_takes_no_time(asked: TestClient) -> None:
    endless = f"-{' ' * 100_000}x"
    before = time.process_time()
    answer = asked.post("/", data={**WRITTEN, "fee": endless, "signed_on": endless})
    assert answer.status_code == 422
    assert time.process_time() - before < 2


def one_column() -> str:
    return "a\n" + "1\n" * 4_900_000


def blank_rows() -> str:
    return "a\n" + "\n" * 9_700_000


def one_row() -> str:
    return "a\n" + "," * 9_700_000


def as_many_as_are_taken() -> str:
    more = [f"more {number}" for number in range(250)]
    header = ";".join([HEADER, *more])
    return "\n".join([header, *[";".join([ROW, *["ab"] * 250])] * MOST_RECORDS])


@pytest.mark.parametrize("content", [one_column, blank_rows, one_row, as_many_as_are_taken])
def test_others_have_their_turn_while_the_longest_upload_is_worked_on(
    content: Callable[[], str], asked: TestClient
) -> None:
    stalled: list[float] = []

    async def take_turns() -> None:
        seen = time.process_time()
        while True:
            await asyncio.sleep(0.001)
            now = time.process_time()
            stalled.append(now - seen)
            seen = now

    text = content()
    assert 7_500_000 < len(text) < 9_900_000
    assert asked.portal is not None
    turns = asked.portal.start_task_soon(take_turns)
    answer = upload(asked, text)
    turns.cancel()
    assert answer.status_code == (200 if content is as_many_as_are_taken else 422)
    assert len(stalled) > 2
    assert max(stalled) < MOST_STALLED


def test_what_the_longest_uploads_took_is_given_back(asked: TestClient) -> None:
    longest, many = as_many_as_are_taken(), one_column()
    upload(asked, f"{HEADER}\n{ROW}\n")
    first = psutil.Process().memory_info().rss
    for number in range(20):
        upload(asked, many if number % 4 else longest)
    grown = psutil.Process().memory_info().rss - first
    assert grown < 50 * MEGABYTE
