"""What the documents say, in each language: complete, and of the same figures as in English."""

from __future__ import annotations

import string
from gettext import NullTranslations
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.documents import language
from fourhats_runtime.documents.language import LOCALES, SOURCE, catalogue

from release.texts import texts
from tests.cli.documented import engagement, texts_of

if TYPE_CHECKING:
    from pathlib import Path

TRANSLATED = sorted(set(LOCALES) - {SOURCE})
CATALOGUES = [
    pytest.param(folder, name, id=f"{folder.parts[-3]}-{name}")
    for folder in texts()
    for name in TRANSLATED
]
EVERY = {text for catalogue in texts().values() for text in catalogue}


def placeholders(text: str) -> list[tuple[str, str]]:
    """Give what stands in braces: of which fact, and how it is written."""
    parsed = string.Formatter().parse(text)
    return sorted((name, spec or "") for _, name, spec, _ in parsed if name is not None)


@pytest.mark.quick
@pytest.mark.parametrize(("folder", "name"), CATALOGUES)
def test_a_catalogue_holds_what_the_code_says_and_nothing_else(folder: Path, name: str) -> None:
    held = [str(message.id) for message in catalogue(name, folder) if message.id]
    assert held == list(texts()[folder]), "run `make texts`, and translate what is new"


@pytest.mark.quick
@pytest.mark.parametrize(("folder", "name"), CATALOGUES)
def test_each_text_is_translated_with_its_placeholders(folder: Path, name: str) -> None:
    for message in catalogue(name, folder):
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
    monkeypatch.setattr(language, "_texts", lambda *_: Heard())
    said = texts_of(engagement(tmp_path / "acme", task))
    assert heard <= EVERY
    # What was not asked for would be there as it stands in the code.
    for document in said.values():
        for line in document.splitlines():
            assert line not in EVERY, line
    headings = [line for each in said.values() for line in each.splitlines() if line[:3] == "## "]
    assert headings
    assert all(line.isupper() for line in headings), headings
