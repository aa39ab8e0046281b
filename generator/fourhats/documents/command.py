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

    from fourhats_runtime.documents import Document, Written
    from fourhats_runtime.documents.language import Language

    from fourhats.documents.facts import Facts

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
    from fourhats_runtime.documents import save  # noqa: PLC0415
    from fourhats_runtime.errors import ProjectError  # noqa: PLC0415

    from fourhats.documents.language import language  # noqa: PLC0415

    try:
        facts = _facts(request)
        say = language(facts.language)
        written = [_prepared(each, facts, say, request) for each in _documents(facts, say)]
        for each in written:
            save(each)
    except ProjectError as error:
        raise WrongInputError(str(error)) from error
    if request.json:
        print(json.dumps(_as_data(written, say, facts), indent=2, ensure_ascii=False))
        return 0
    for each in written:
        fact(f"Written: {each.path}, {each.printed.name}")
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


def _prepared(document: Document, facts: Facts, say: Language, request: Request) -> Written:
    from fourhats_runtime.documents import prepare  # noqa: PLC0415
    from fourhats_runtime.documents.paper import Cover  # noqa: PLC0415 (it brings fpdf2)

    path = _folder(request) / f"{document.name}.md"
    title = say.titled(document.title, facts.project)
    foot = f"{facts.version} · {say.day(facts.written)} · {title}"
    cover = Cover(title, str(facts.answers["user_name"]), foot, say.name)
    found = prepare(document, path, str(path), cover, overwrite=request.overwrite)
    if found.lacking:
        note(f"{found.printed}: the font has no sign for {found.lacking}")
    return found


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


def _as_data(written: Sequence[Written], say: Language, facts: Facts) -> dict[str, object]:
    return {
        "language": say.name,
        "version": facts.version,
        "documents": [
            {
                "name": each.path.stem,
                "markdown": str(each.path),
                "pdf": str(each.printed),
                "without": list(each.without),
            }
            for each in written
        ],
    }
