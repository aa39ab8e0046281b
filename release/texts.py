"""Bring the catalogues of the documents' texts up to date: `make texts`.

The runtime's documents and the generator's have catalogues of their own; a text of both is the
runtime's. One that is new in the code is added without a translation, one that is gone is taken
out; a test fails until each is translated.
"""

import tomllib
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po
from fourhats.documents.language import CATALOGUES as GENERATORS
from fourhats_runtime.documents.language import CATALOGUES as RUNTIMES
from fourhats_runtime.documents.language import LOCALES, SOURCE, catalogue
from fourhats_runtime.documents.phrase import FACT
from fourhats_runtime.monitor.findings import QUESTIONS

ROOT = Path(__file__).resolve().parents[1]
GENERATOR = ROOT / "generator" / "fourhats"
RUNTIME = ROOT / "template" / "runtime" / "fourhats_runtime"
WORK = GENERATOR / "estimate" / "catalogue.toml"
KEYWORDS = {"_": None, "text": None, "Phrase": None}

HEAD = """\
# What the documents say, in {language}: `make texts` adds what is new in the code.
msgid ""
msgstr ""
"Language: {name}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
"""Without dates and names of people, which git knows better."""


def texts() -> dict[Path, dict[str, str]]:
    """Give each text that has to be translated, with where it stands, by its catalogues' folder."""
    ours = dict(_said(RUNTIME / room for room in ("documents", "engagement")))
    ours |= {question: "monitoring" for question in QUESTIONS.values() if question not in ours}
    own = dict(_said([GENERATOR / "documents"]))
    # The status report sets what was spent beside the packages of work.
    work = tomllib.loads(WORK.read_text(encoding="utf-8"))
    for entry in (*work["packages"].values(), *work["risks"].values()):
        for name in ("title", "needs"):
            if entry.get(name):
                ours.setdefault(entry[name], WORK.name)
    return {
        RUNTIMES: ours,
        GENERATORS: {text: where for text, where in own.items() if text not in ours},
    }


def _said(rooms: Iterable[Path]) -> Iterator[tuple[str, str]]:
    for room in rooms:
        for path in sorted(room.glob("*.py")):
            with path.open("rb") as code:
                for _, text, _, _ in extract("python", code, KEYWORDS):
                    if not FACT.fullmatch(str(text)):
                        yield str(text), path.name


def renewed(name: str, folder: Path) -> Catalog:
    """Give a language's catalogue with the texts of today, in their order."""
    there = (folder / f"{name}.po").is_file()
    known = catalogue(name, folder) if there else Catalog(locale=name)
    fresh = Catalog(locale=name)
    for text, where in texts()[folder].items():
        old = known.get(text)
        fresh.add(
            text, old.string if old else None, flags=old.flags if old else (), auto_comments=[where]
        )
    return fresh


def main() -> None:
    """Write the catalogues."""
    for folder in texts():
        for name in LOCALES:
            if name == SOURCE:
                continue
            fresh, written = renewed(name, folder), BytesIO()
            write_po(written, fresh, width=0, omit_header=True)
            head = HEAD.format(language=Locale(name).english_name, name=name)
            (folder / f"{name}.po").write_text(head + written.getvalue().decode("utf-8"))


if __name__ == "__main__":
    main()
