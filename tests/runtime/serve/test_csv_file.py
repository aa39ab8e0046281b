"""A CSV file that is uploaded on the page comes back with its predictions."""

import csv
import io
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime.answer.records import MOST_RECORDS
from fourhats_runtime.contract import Contract
from fourhats_runtime.serve.csv_file import ADDED, LONGEST_ROW, uploaded


def as_csv(rows: list[dict[str, Any]], separator: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def upload(client: TestClient, content: str | bytes) -> Any:  # noqa: ANN401
    return client.post("/file", files={"file": ("../their own name.csv", content, "text/csv")})


def read(content: str, separator: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.removeprefix("\ufeff")), delimiter=separator))


@pytest.fixture
def row(record: dict[str, Any], contract: Contract) -> dict[str, Any]:
    """Give a row as the client's own file has it, with a column that nobody knows."""
    own = {column.name: column for column in contract.features}
    named = {own[name].source: value for name, value in record.items()}
    return {"their note": "a, b; “c”", **named}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_file_comes_back_with_the_apis_own_answers(
    separator: str, client: TestClient, row: dict[str, Any], record: dict[str, Any]
) -> None:
    answer = upload(client, as_csv([row, row], separator))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="scored.csv"'
    first, second = read(answer.text, separator)
    assert first == second
    assert list(first) == [*row, *ADDED]
    assert first["their note"] == row["their note"]
    (given,) = client.post("/predict", json=[record]).json()["predictions"]
    assert first["decision"] == given["decision"]
    assert float(first["expected_value"]) == pytest.approx(given["expected_value"])


def test_a_scored_file_can_be_scored_again(client: TestClient, row: dict[str, Any]) -> None:
    once = upload(client, as_csv([row])).text
    assert upload(client, once).text == once


def test_what_is_wrong_is_said_by_row_and_column(
    client: TestClient, record: dict[str, Any], contract: Contract
) -> None:
    wrong = next((c for c in contract.features if c.is_number), contract.features[0]).name
    answer = upload(client, as_csv([record, record | {wrong: "<b>much</b>"}]))
    assert answer.status_code == 422
    assert f"row 2, {wrong}: " in answer.text
    assert "<b>much</b>" not in answer.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "choose a file"),
        (b"a,b\n", "no row"),
        (b"a,b\n1\n", "row 1 has 1 values"),
        (b"a,b\n\xff,1\n", "UTF-8"),
        (b'a,b\n"1,2\n', "no CSV"),
        (b"a\n" + b"1\n" * (MOST_RECORDS + 1), "more than 10,000 rows"),
        (b"a\n1\n" + b"\n" * (MOST_RECORDS + 1), "more than 10,000 blank rows"),
        (b"a\n" + b"," * (LONGEST_ROW + 1), "longer than 1,000,000 characters"),
        (b"a\n" + b'"1\n",' * LONGEST_ROW, "longer than 1,000,000 characters"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(
    client: TestClient, content: bytes, said: str
) -> None:
    answer = upload(client, content)
    assert answer.status_code == 422
    assert said in answer.text


def test_without_a_file_one_is_asked_for(client: TestClient) -> None:
    for answer in (client.post("/file"), client.post("/file", data={"file": "no file"})):
        assert answer.status_code == 422
        assert "choose a file" in answer.text


def test_a_file_of_any_size_stays_in_memory() -> None:
    content = b"1" * (4 * 1024**2)
    form = b'--it\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body = form + content + b"\r\n--it--\r\n"
    file = uploaded(body, "multipart/form-data; boundary=it")
    assert isinstance(file, io.BytesIO)
    assert file.read() == content
