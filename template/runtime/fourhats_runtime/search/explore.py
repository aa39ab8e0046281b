"""Exploration of documents and questions: what there is to find, and what is asked for."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fourhats_runtime.contract import Contract
from fourhats_runtime.data.joins import SAMPLE
from fourhats_runtime.data.sql import literal
from fourhats_runtime.data.warehouse import Connection, connect, count, one_row, require
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.explore.facts import Exploration, Section, Table
from fourhats_runtime.explore.overview import quality
from fourhats_runtime.lifecycle.comparison import MADE_UP
from fourhats_runtime.profile.documents import INSIDE
from fourhats_runtime.project import Project
from fourhats_runtime.search import near
from fourhats_runtime.search import questions as questions_file
from fourhats_runtime.search.documents import Document, Documents, read
from fourhats_runtime.search.questions import Question
from fourhats_runtime.search.rankers import words as words_of

SHOWN = 10
"""Rows of a table of examples."""
MOST_VALUES = 8
FUNCTION_WORDS = {
    "English": "the and of to is in that it for with was on are this",
    "German": "der die das und ist nicht ein eine mit von zu den auf für",
    "French": "le la les et des est une dans pour que qui pas sur avec",
    "Spanish": "el los las y que una por con para es del como más pero",
    "Italian": "il che di è una per con non del della sono gli anche",
    "Dutch": "de het een en van dat niet op zijn met voor aan ook",
    "Portuguese": "o os que não uma com para do da em mais são ao",
}
"""The commonest of each, which alone tell the language of a text of some length."""
FEWEST = 2
"""Of these words, that say of a text which language it is in."""


def explore(project: Project) -> Exploration:
    """Look at the documents in the table `clean`, and at the questions.

    Raises:
        ProjectError: there are no documents yet, or the questions cannot be read.

    """
    contract = project.contract
    with connect(project, read_only=True) as connection:
        require(connection, "clean", "transform")
        documents = read(connection, contract)
        sections = [
            _overview(connection, contract, documents),
            quality(connection),
            _texts(documents),
            _languages(documents),
            _filters(documents, contract),
            _repeated(documents),
            _personal(documents, contract),
        ]
    return Exploration(contract.table, [*sections, *_asked(project, contract, documents)])


def _overview(connection: Connection, contract: Contract, documents: Documents) -> Section:
    times = [each.time for each in documents.all if each.time]
    passages = sum(map(len, documents.by_passages().values()))
    cells = [
        ["Rows that pass every check", f"{count(connection, 'clean'):,}"],
        ["Documents that can be found", f"{len(documents):,}"],
        ["… left out, as they say the same as another", f"{len(documents.twins):,}"],
        ["… left out, as they have no text", f"{documents.empty:,}"],
        ["Passages of them", f"{passages:,}"],
        ["Fields that are searched", ", ".join(field.name for field in contract.fields)],
    ]
    if times:
        cells.append(["Time", f"{min(times):%Y-%m-%d} to {max(times):%Y-%m-%d}"])
    (real,) = one_row(connection, f"SELECT count(*) FROM clean WHERE _source <> {literal(SAMPLE)}")
    words = [f"What follows is of the {len(documents):,} documents that can be found."]
    return Section(
        "What there is", words if real else [MADE_UP, *words], Table(["What", "How much"], cells)
    )


def _texts(documents: Documents) -> Section:
    cells = []
    for name in documents.all[0].texts:
        lengths = [len(each.texts[name].split()) for each in documents.all if each.texts[name]]
        middle, long, longest = np.quantile(lengths or [0], [0.5, 0.95, 1]).round().astype(int)
        lacking = documents.missing.get(name, 0)
        cells.append([name, f"{lacking:,}", f"{middle:,}", f"{long:,}", f"{longest:,}"])
    words = [
        (
            "A long text is searched passage by passage; a field that most documents lack, or "
            "that is always short, finds little by itself."
        )
    ]
    head = ["Field", "Without it", "Words, median", "95 of 100 have at most", "The longest"]
    return Section("Texts", words, Table(head, cells))


def _languages(documents: Documents) -> Section:
    found = Counter(map(_language, documents.all))
    cells = [[language, f"{number:,}"] for language, number in found.most_common()]
    words = [
        (
            "Told by the commonest words of some languages. A model finds in the languages that it "
            "was trained on: see that those are among them."
        )
    ]
    return Section("Languages", words, Table(["Language", "Documents"], cells))


def _language(document: Document) -> str:
    said = Counter(re.findall(r"\w+", " ".join(document.texts.values()).casefold()))
    counts = {
        language: sum(said[word] for word in words.split())
        for language, words in FUNCTION_WORDS.items()
    }
    first, second = sorted(counts.values())[:-3:-1]
    if first < FEWEST or first == second:
        return "not clear"
    return max(counts, key=counts.__getitem__)


def _filters(documents: Documents, contract: Contract) -> Section:
    title = "What answers are narrowed down by"
    if not contract.filters:
        return Section(title, ["No column has the role filter."])
    cells = []
    for column in contract.filters:
        found = Counter(each.filters.get(column.name) for each in documents.all)
        lacking = found.pop(None, 0)
        common = [f"{value} ({number:,})" for value, number in found.most_common(MOST_VALUES)]
        more = f" and {len(found) - MOST_VALUES:,} more" if len(found) > MOST_VALUES else ""
        cells.append([column.name, f"{lacking:,}", ", ".join(common) + more])
    return Section(title, [], Table(["Filter", "Without it", "Values"], cells))


def _repeated(documents: Documents) -> Section:
    title = "Documents that say the same"
    groups = near.groups([document.text(tuple(document.texts)) for document in documents.all])
    names = {place: document.id for place, document in enumerate(documents.all)}
    alike = sum(map(len, groups))
    words = [
        (
            f"{len(documents.twins):,} documents say the same as another, word by word: they are "
            "left out, and the other one stands for them."
        ),
        (
            f"{alike:,} more say nearly the same as another: {near.ALIKE:.0%} of some words in a "
            "row are in both. They take each other's place among the first answers: see whether "
            "they are versions of one document."
        ),
    ]
    cells = [[", ".join(names[place] for place in group)] for group in groups[:SHOWN]]
    return Section(title, words, Table(["Nearly the same"], cells) if cells else None)


def _personal(documents: Documents, contract: Contract) -> Section:
    title = "Personal data in texts"
    found: dict[tuple[str, str], list[str]] = {}
    for document in documents.all:
        for name, text in document.texts.items():
            for what, pattern in INSIDE.items():
                if pattern.search(text):
                    found.setdefault((name, what), []).append(document.id)
    declared = [column.source for column in contract.columns if column.pii]
    words = [f"By the contract, these columns hold it: {', '.join(declared)}."] if declared else []
    if not found:
        return Section(title, [*words, "No text holds what looks like it."])
    words.append(
        "These texts hold what looks like it, and who searches is shown it in snippets: take it "
        "out in the transform, or see that all of them may be."
    )
    cells = [
        [field, what, f"{len(ids):,}", ", ".join(ids[:3])]
        for (field, what), ids in sorted(found.items())
    ]
    return Section(title, words, Table(["Field", "What", "Documents", "Such as"], cells))


def _asked(project: Project, contract: Contract, documents: Documents) -> Iterator[Section]:
    title = "Questions"
    try:
        found = questions_file.load(project, contract, documents)
    except ProjectError as error:
        yield Section(title, [f"They cannot be judged by: {error}"])
        return
    asked = (*found.tuned, *found.judged)
    right = {each: each.right_of(documents) for each in asked}
    texts = {document.id: document.text(tuple(document.texts)) for document in documents.all}
    none = [each for each in asked if not each.right]
    lost = [each for each in asked if each.right and not right[each] & texts.keys()]
    alone = [
        each
        for each in asked
        if (there := right[each] & texts.keys())
        and set(words_of(each.text)).isdisjoint(
            word for name in there for word in words_of(texts[name])
        )
    ]
    lengths = [len(each.text.split()) for each in asked]
    cells = [
        ["To tune by, and to judge by", f"{len(found.tuned):,} and {len(found.judged):,}"],
        ["Words, median", f"{np.median(lengths):,.0f}"],
        ["Without a right answer", f"{len(none):,}"],
        ["Whose right answer is no document any more", f"{len(lost):,}"],
        ["That share no word with their right answer", f"{len(alone):,}"],
    ]
    words = [*(f"{note}." for note in found.notes)]
    if not none:
        words.append("Every question has an answer: when nothing fits cannot be learnt from them.")
    words.append(
        "Words alone cannot find what shares none with its question: that is what models are for."
    )
    examples = [f"“{each.text}”" for each in lost[:3]]
    if examples:
        words.append(f"Their right answer is gone: {', '.join(examples)}.")
    yield Section(title, words, Table(["What", "How much"], cells))
    if not found.weak:
        yield _covered(right, documents)


def _covered(right: Mapping[Question, frozenset[str]], documents: Documents) -> Section:
    """Say which documents nobody asks for."""
    times = Counter(name for names in right.values() for name in names)
    never = [document for document in documents.all if not times[document.id]]
    known = {document.id for document in documents.all}
    words = [
        f"{len(never):,} of {len(documents):,} documents are the answer to no question: how well "
        "they are found, no figure tells. Such are: " + _some([each.id for each in never]) + "."
        if never
        else "Every document is the answer to some question."
    ]
    cells = [[name, f"{number:,}"] for name, number in times.most_common() if name in known]
    head = ["Asked for most", "Questions"]
    return Section("Which documents are asked for", words, Table(head, cells[:SHOWN]))


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
