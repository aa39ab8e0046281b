"""The page, in a real browser: a business user fills the form and reads the answer."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.services.availability import unavailable
from tests.services.browser import BrowserMissingError, page, screenshot
from tests.services.rendered import Project, champion, example_record, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

ASK = "Ask for a decision"


@pytest.fixture(scope="module")
def url(default_project: Project) -> Iterator[str]:
    with serve(default_project) as running:
        yield running


@pytest.fixture
def opened(url: str) -> Iterator[Page]:
    try:
        with page(url) as shown:
            yield shown
    except BrowserMissingError as error:
        unavailable(error)


def test_the_answer_is_plain_words_with_decision_and_value(opened: Page) -> None:
    opened.get_by_role("button", name=ASK).click()
    words = opened.get_by_role("status").inner_text()
    assert "Decision:" in words
    assert re.search(r"probability of \d+%", words)
    assert re.search(r"worth -?[\d,]+\.\d\d EUR", words)
    assert screenshot(opened, "page-answer").stat().st_size > 0


def test_the_page_says_what_the_api_says(opened: Page, url: str, default_project: Project) -> None:
    opened.get_by_role("button", name=ASK).click()  # the form holds the example at first
    words = opened.get_by_role("status").inner_text()
    answer = httpx.post(f"{url}/predict", json=[example_record(default_project)]).json()
    (prediction,) = answer["predictions"]
    assert f"worth {prediction['expected_value']:,.2f} EUR" in words
    assert ("leave it as it is" in words) == (prediction["decision"] == "leave")


def test_another_customer_gets_another_answer(opened: Page) -> None:
    opened.get_by_role("button", name=ASK).click()
    before = opened.get_by_role("status").inner_text()
    for field in opened.locator("form select").all():
        others = field.locator("option:not(:checked)").all_inner_texts()
        field.select_option(label=others[-1])
    opened.get_by_role("button", name=ASK).click()
    assert opened.get_by_role("status").inner_text() != before


def test_a_wrong_input_is_named_and_what_was_typed_stays(opened: Page) -> None:
    field = numbers(opened)[0]
    opened.locator(f"input[name={field}]").fill("plenty")
    opened.get_by_role("button", name=ASK).click()
    assert field in opened.get_by_role("alert").inner_text()
    marked = opened.locator("[aria-invalid]")
    assert marked.get_attribute("name") == field
    assert marked.input_value() == "plenty"
    assert opened.get_by_role("status").count() == 0
    screenshot(opened, "page-error")


def test_a_file_comes_back_scored(opened: Page, default_project: Project, tmp_path: Path) -> None:
    record = example_record(default_project)
    file = tmp_path / "customers.csv"
    with file.open("w", newline="") as text:
        writer = csv.DictWriter(text, record)
        writer.writeheader()
        writer.writerows([record] * 3)
    opened.locator("input[type=file]").set_input_files(file)
    with opened.expect_download() as download:
        opened.get_by_role("button", name="Score the file").click()
    with download.value.path().open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))
    assert download.value.suggested_filename == "scored.csv"
    assert len(rows) == 3
    assert {row["model_version"] for row in rows} == {champion(default_project)}


def test_a_file_that_is_no_table_is_refused_on_the_page(opened: Page, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("a,b\n")
    opened.locator("input[type=file]").set_input_files(file)
    opened.get_by_role("button", name="Score the file").click()
    assert "no row" in opened.get_by_role("alert").inner_text()
    screenshot(opened, "page-file")


def test_the_api_is_shown_and_tried_without_a_request_that_leaves(url: str) -> None:
    refused = []
    try:
        with page(f"{url}/docs") as shown:  # which sees that nothing is asked of other hosts
            shown.on("console", lambda said: refused.append(said.text))
            shown.reload()
            shown.locator(".opblock").first.wait_for()
            endpoints = {text.split()[1] for text in shown.locator(".opblock").all_inner_texts()}
            shown.locator("#operations-default-predict").click()
            shown.get_by_role("button", name="Try it out").click()
            shown.get_by_role("button", name="Execute").click()
            answer = shown.locator(".live-responses-table .response").inner_text()
            screenshot(shown, "page-docs")
    except BrowserMissingError as error:
        unavailable(error)
    assert {"/predict", "/explain", "/outcomes", "/health", "/ready", "/metrics"} <= endpoints
    assert answer.startswith("200")
    assert not refused  # as the policy would have it


def numbers(opened: Page) -> list[str]:
    """Return the names of the fields that take a number."""
    fields = opened.locator("input[inputmode=decimal]").all()
    return [str(field.get_attribute("name")) for field in fields]
