"""What the documents say, in each language: complete, and of the same figures as in English."""

from __future__ import annotations

import string
from gettext import NullTranslations
from typing import TYPE_CHECKING

import pytest
from fourhats.documents import language
from fourhats.documents.language import LOCALES, SOURCE, catalogue

from release.texts import texts
from tests.cli.documented import engagement, texts_of

if TYPE_CHECKING:
    from pathlib import Path

TRANSLATED = sorted(set(LOCALES) - {SOURCE})


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.quick
@pytest.mark.parametrize("name", TRANSLATED)
def test_a_catalogue_holds_what_the_code_says_and_nothing_else(name: str) -> None:
    held = [str(message.id) for message in catalogue(name) if message.id]
    assert held == list(texts()), "run `make texts`, and translate what is new"


@pytest.mark.quick
@pytest.mark.parametrize("name", TRANSLATED)
def test_each_text_is_translated_with_its_placeholders(name: str) -> None:
    for message in catalogue(name):
        if not message.id:
            continue
        assert message.string, message.id
        assert not message.fuzzy, message.id
        assert placeholders(str(message.string)) == placeholders(str(message.id))
        assert str(message.string).count("**") == str(message.id).count("**")
        assert "|" not in str(message.string)


@pytest.mark.parametrize("task", ["classification", "regression", "search"])
def test_no_text_passes_the_catalogues_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    class Heard(NullTranslations):
        """Notes what it is asked for, and gives it in capitals."""

        def gettext(self, message: str) -> str:
            heard.add(message)
            return message.upper() if not placeholders(message) else message

    heard = set[str]()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(language, "_texts", lambda _: Heard())
    said = texts_of(engagement(tmp_path / "acme", task))
    known = set(texts())
    assert heard <= known
    # What was not asked for would be there as it stands in the code.
    for document in said.values():
        for line in document.splitlines():
            assert line not in known, line
    headings = [line for each in said.values() for line in each.splitlines() if line[:3] == "## "]
    assert headings
    assert all(line.isupper() for line in headings), headings
