"""A feature of the type datetime is taken wherever records come in, and derived from."""

import csv
import io
import json

import pytest
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.serve import create_app

from tests.runtime.handmade import probability

WEDNESDAYS = [
    "2026-01-07",
    "2026-01-07T23:59:59",
    "2026-01-07 10:30",
    "2026-01-07T00:30:00Z",
    "2026-01-08T01:00:00+02:00",  # still Wednesday in UTC, in which tables are kept
    "2026-01-06T23:00:00.5-05:00",
]


def answered(client: TestClient, record: dict[str, object]) -> float:
    answer = client.post("/predict", json=[record])
    assert answer.status_code == 200, answer.text
    return float(answer.json()["predictions"][0]["probability"])


@pytest.mark.parametrize("moment", WEDNESDAYS)
def test_dates_and_times_are_taken_by_iso_8601(made: Project, moment: str) -> None:
    with TestClient(create_app(made)) as client:
        found = answered(client, {"signed_on": moment, "fee": 3.0})
    assert found == pytest.approx(probability(3.0, 2), rel=1e-5)


def test_a_missing_one_is_missing(made: Project) -> None:
    with TestClient(create_app(made)) as client:
        without: list[dict[str, object]] = [{"fee": 3.0}, {"fee": 3.0, "signed_on": None}]
        for record in without:
            assert answered(client, record) == pytest.approx(probability(3.0, 0), rel=1e-5)


@pytest.mark.parametrize(
    "moment", ["", "7.1.2026", "2026-02-30", "2026-01-07T25:00", 20260107, 1.5, True, ["x"], {}]
)
def test_what_is_none_is_named(made: Project, moment: object) -> None:
    with TestClient(create_app(made)) as client:
        refused = client.post("/predict", json=[{"fee": 3.0, "signed_on": moment}])
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", 0, "signed_on"]
    assert "ISO 8601" in refused.json()["detail"][0]["msg"]


@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_one_that_is_nested_without_end_is_refused(made: Project, path: str) -> None:
    body = b'[{"fee": 3, "signed_on": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]"
    with TestClient(create_app(made)) as client:
        refused = client.post(path, content=body)
    assert refused.status_code == 422
    assert "nested too deeply" in refused.text


def test_one_that_no_calendar_has_in_utc_is_the_calendars_end(made: Project) -> None:
    at_the_end = {"fee": 3.0, "signed_on": "0001-01-01T00:00:00"}
    beyond = at_the_end | {"signed_on": "0001-01-01T00:00:00+01:00"}
    with TestClient(create_app(made)) as client:
        assert answered(client, beyond) == answered(client, at_the_end)


def test_the_log_has_it_in_utc(made: Project) -> None:
    with TestClient(create_app(made)) as client:
        answered(client, {"signed_on": "2026-01-08T01:00:00+02:00", "fee": 3.0})
    (file,) = (made.artifacts / "predictions").glob("*.jsonl")
    (record,) = json.loads(file.read_text(encoding="utf-8"))["records"]
    assert record == {"signed_on": "2026-01-07T23:00:00", "fee": 3.0}


def test_the_page_has_a_field_for_it_and_takes_what_it_gives(made: Project) -> None:
    with TestClient(create_app(made)) as client:
        page = client.get("/").text
        form = {"signed_on": "2026-01-07T10:30", "fee": "3"}
        answer = client.post("/", data=form)
        wrong = client.post("/", data=form | {"signed_on": "yesterday"})
    assert 'type="datetime-local"' in page
    assert 'value="2026-01-05T00:00:00"' in page
    assert answer.status_code == 200
    assert f"{probability(3.0, 2):.0%}" in answer.text
    assert wrong.status_code == 422
    assert "signed_on: Expected a date" in wrong.text


@pytest.mark.parametrize(
    "moment", ["2026-01-07", "2026/1/7", "2026-1-07 10:30:00", "2026/01/07T10:30"]
)
def test_a_file_has_it_as_those_that_were_trained_on(made: Project, moment: str) -> None:
    content = f"Signed on,Fee\n{moment},3\n,3\n"
    with TestClient(create_app(made)) as client:
        answer = client.post("/file", files={"file": ("a.csv", content, "text/csv")})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["Signed on"] for row in rows] == [moment, ""]
    found = [float(row["probability"]) for row in rows]
    assert found == pytest.approx([probability(3.0, 2), probability(3.0, 0)], rel=1e-5)


def test_it_is_described_as_a_time_and_the_example_is_answered(made: Project) -> None:
    with TestClient(create_app(made)) as client:
        document = client.get("/openapi.json").json()
        content = document["paths"]["/predict"]["post"]["requestBody"]["content"]
        example = content["application/json"]["example"]
        assert client.post("/predict", json=example).status_code == 200
    field = document["components"]["schemas"]["Record"]["properties"]["signed_on"]
    assert field["anyOf"][0]["format"] == "date-time"


def test_an_explanation_gives_what_was_derived_to_what_it_was_made_of(made: Project) -> None:
    with TestClient(create_app(made)) as client:
        answer = client.post("/explain", json=[{"signed_on": "2026-01-07", "fee": 10.0}]).json()
    (found,) = answer["explanations"]
    typical, whole = probability(0.0, 0), probability(10.0, 2)
    assert found["value"] == pytest.approx(whole, rel=1e-5)
    assert found["typical_value"] == pytest.approx(typical, rel=1e-5)
    by_day = (probability(0.0, 2) - typical + whole - probability(10.0, 0)) / 2
    by_fee = (probability(10.0, 0) - typical + whole - probability(0.0, 2)) / 2
    assert found["contributions"] == pytest.approx(
        {"signed_on": by_day, "fee": by_fee}, rel=1e-4, abs=1e-6
    )
