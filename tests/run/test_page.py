"""The page, in a real browser: a business user fills the form and reads the answer."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.services.availability import unavailable
from tests.services.browser import BrowserMissingError, page, screenshot
from tests.services.rendered import Project, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_the_page_says_what_the_api_says(opened: Page, url: str) -> None:
    opened.get_by_role("button", name=ASK).click()
    words = opened.get_by_role("status").inner_text()
    request = urllib.request.Request(f"{url}/predict", data=json.dumps([record(opened)]).encode())
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)["predictions"][0]
    assert f"worth {answer['expected_value']:,.2f} EUR" in words
    assert ("leave it as it is" in words) == (answer["decision"] == "leave")


def test_another_customer_gets_another_answer(opened: Page) -> None:
    opened.get_by_role("button", name=ASK).click()
    before = opened.get_by_role("status").inner_text()
    for choice in opened.locator("form select").all():
        choice.select_option(index=choice.locator("option").count() - 1)
    for field in numbers(opened):
        opened.locator(f"input[name={field}]").fill("1")
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


def numbers(opened: Page) -> list[str]:
    """Return the names of the fields that take a number."""
    fields = opened.locator("input[inputmode=decimal]").all()
    return [str(field.get_attribute("name")) for field in fields]


def record(opened: Page) -> dict[str, str | float | None]:
    """Return what the form holds, as the API takes it."""
    texts: dict[str, str] = opened.evaluate(
        "Object.fromEntries(new FormData(document.querySelector('form')))"
    )
    numeric = numbers(opened)
    return {
        name: None if text == "" else float(text) if name in numeric else text
        for name, text in texts.items()
    }
