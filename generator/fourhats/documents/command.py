"""`fourhats documents`: what is signed, written anew around what the user wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from fourhats.ask.answers import complete, given_answers
from fourhats.ask.questions import Questionnaire
from fourhats.errors import WrongInputError
from fourhats.source import ANSWERS_FILE, source_root
from fourhats.terminal import fact, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourhats.documents.facts import Facts
    from fourhats.documents.language import Language
    from fourhats.documents.paper import Paper
    from fourhats.documents.parts import Document

LIBRARIES = {
    "babel": "babel",
    "fpdf": "fpdf2",
    "holidays": "holidays",
    "markdown_it": "markdown-it-py",
    "matplotlib": "matplotlib",
    "numpy": "numpy",
}


@dataclass(frozen=True)
class Request:
    """What was typed."""

    dest: str
    answers: str | None
    data: Sequence[str]
    revision: str | None
    out: str | None
    overwrite: bool
    json: bool


@dataclass(frozen=True)
class Written:
    """A document before any of them is written."""

    path: Path
    text: str
    page: Paper
    without: Sequence[str]
    """Blocks of which it has no marks: the user's, or taken out."""


def documents_command(request: Request) -> int:
    """Run `fourhats documents`.

    Raises:
        WrongInputError: there is no project and no answers, or a file does not hold what it should.

    """
    lacking = [library for module, library in LIBRARIES.items() if find_spec(module) is None]
    if lacking:
        raise WrongInputError(
            f"documents need {', '.join(lacking)}: install fourhats with its extra `documents`"
        )
    from fourhats_runtime.errors import ProjectError  # noqa: PLC0415

    from fourhats.documents.language import Language  # noqa: PLC0415

    try:
        facts = _facts(request)
    except ProjectError as error:
        raise WrongInputError(str(error)) from error
    say = Language(str(facts.answers["client_language"]))
    written = [_written(each, facts, say, request) for each in _documents(facts, say)]
    for each in written:
        _save(each)
    if request.json:
        print(json.dumps(_as_data(written, say, facts), indent=2, ensure_ascii=False))
        return 0
    for each in written:
        fact(f"Written: {each.path}, {each.path.with_suffix('.pdf').name}")
        if each.without:
            fact(f"  without {', '.join(each.without)}: their marks were taken off")
    return 0


def _facts(request: Request) -> Facts:
    from fourhats.documents.facts import read_facts  # noqa: PLC0415 (it brings NumPy)

    project = Path(request.dest).expanduser()
    given_file = request.answers
    if given_file is None and (project / ANSWERS_FILE).is_file():
        given_file = str(project / ANSWERS_FILE)
    if given_file is None and not request.data:
        raise WrongInputError(
            f"{request.dest} is no Fourhats project: name one, or give --answers FILE or "
            "--data KEY=VALUE"
        )
    questionnaire = Questionnaire.read(source_root())
    given = given_answers(questionnaire, given_file, request.data)
    answers = complete(questionnaire, given).answers
    return read_facts(project, given, answers, request.revision)


def _documents(facts: Facts, say: Language) -> list[Document]:
    from fourhats.documents.charter import charter  # noqa: PLC0415
    from fourhats.documents.decisions import decision_log  # noqa: PLC0415
    from fourhats.documents.proposal import proposal  # noqa: PLC0415
    from fourhats.documents.risks import risk_register  # noqa: PLC0415

    return [make(facts, say) for make in (proposal, charter, risk_register, decision_log)]


def _written(document: Document, facts: Facts, say: Language, request: Request) -> Written:
    from fourhats.documents import blocks  # noqa: PLC0415
    from fourhats.documents.paper import Cover, lacking, paper  # noqa: PLC0415

    path = _folder(request) / f"{document.name}.md"
    before, without = _read(path), list[str]()
    if before is None:
        text = blocks.begun(document.sections)
    else:
        text, without = blocks.renewed(before, document.sections, path, overwrite=request.overwrite)
    title = say.titled(document.title, facts.project)
    foot = f"{facts.version} · {say.day(facts.written)} · {title}"
    page = paper(text, path, Cover(title, str(facts.answers["user_name"]), foot, say.name))
    if signs := lacking(text, page):
        note(f"{path.with_suffix('.pdf')}: the font has no sign for {signs}")
    return Written(path, text, page, without)


def _folder(request: Request) -> Path:
    """Give the folder of the documents: what was typed, or a project's own."""
    from fourhats.documents.facts import FOLDER  # noqa: PLC0415

    project = Path(request.dest).expanduser()
    if request.out is not None:
        folder = Path(request.out).expanduser()
    else:
        folder = project / FOLDER if (project / ANSWERS_FILE).is_file() else Path(FOLDER.name)
    if folder.exists() and not folder.is_dir():
        raise WrongInputError(f"{folder}: is no folder")
    return folder


def _read(path: Path) -> str | None:
    """Read a document with its own line ends."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise WrongInputError(f"{path} is not written in UTF-8") from error
    except OSError as error:
        raise WrongInputError(f"{path} cannot be read: {error.strerror}") from error


def _save(written: Written) -> None:
    from fourhats_runtime.files import written_whole  # noqa: PLC0415

    path = written.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as scratch:
            scratch.write_bytes(written.text.encode("utf-8"))  # each line keeps its own end
        with written_whole(path.with_suffix(".pdf")) as scratch:
            written.page.output(scratch)
    except OSError as error:
        raise WrongInputError(f"{path.parent} cannot be written to: {error.strerror}") from error


def _as_data(written: Sequence[Written], say: Language, facts: Facts) -> dict[str, object]:
    return {
        "language": say.name,
        "version": facts.version,
        "documents": [
            {
                "name": each.path.stem,
                "markdown": str(each.path),
                "pdf": str(each.path.with_suffix(".pdf")),
                "without": list(each.without),
            }
            for each in written
        ],
    }
