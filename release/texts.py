"""Bring the catalogues of the documents' texts up to date: `make texts`.

A text that is new in the code is added without a translation, one that is gone is taken out; a test
fails until each is translated.
"""

import tomllib
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po
from fourhats.documents.language import LOCALES, SOURCE, catalogue
from fourhats_runtime.monitor.findings import QUESTIONS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ROOT / "generator" / "fourhats" / "documents"
WORK = ROOT / "generator" / "fourhats" / "estimate" / "catalogue.toml"
KEYWORDS = {"_": None, "text": None}

HEAD = """\
# What the documents say, in {language}: `make texts` adds what is new in the code.
msgid ""
msgstr ""
"Language: {name}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
"""Without dates and names of people, which git knows better."""


def texts() -> dict[str, str]:
    """Give each text that has to be translated, with the file that it stands in."""
    found: dict[str, str] = {}
    for path in sorted(DOCUMENTS.glob("*.py")):
        with path.open("rb") as code:
            for _, text, _, _ in extract("python", code, KEYWORDS):
                found.setdefault(str(text), path.name)
    work = tomllib.loads(WORK.read_text(encoding="utf-8"))
    for entry in (*work["packages"].values(), *work["risks"].values()):
        for name in ("title", "needs"):
            if entry.get(name):
                found.setdefault(entry[name], WORK.name)
    for question in QUESTIONS.values():
        found.setdefault(question, "monitoring")
    return found


def renewed(name: str) -> Catalog:
    """Give a language's catalogue with the texts of today, in their order."""
    path = DOCUMENTS / "locale" / f"{name}.po"
    known = catalogue(name) if path.is_file() else Catalog(locale=name)
    fresh = Catalog(locale=name)
    for text, where in texts().items():
        old = known.get(text)
        fresh.add(
            text, old.string if old else None, flags=old.flags if old else (), auto_comments=[where]
        )
    return fresh


def main() -> None:
    """Write the catalogues."""
    for name in LOCALES:
        if name == SOURCE:
            continue
        fresh, written = renewed(name), BytesIO()
        write_po(written, fresh, width=0, omit_header=True)
        head = HEAD.format(language=Locale(name).english_name, name=name)
        (DOCUMENTS / "locale" / f"{name}.po").write_text(head + written.getvalue().decode("utf-8"))


if __name__ == "__main__":
    main()
