"""What a table of documents holds: what names, says, narrows down, links and dates each."""

import re

import duckdb

from fourhats_runtime.data.table_file import TableFileError
from fourhats_runtime.profile.facts import MOST_CATEGORIES, Facts
from fourhats_runtime.profile.measure import PERSONAL
from fourhats_runtime.profile.roles import ID_NAMES, Roles, is_category

TASK = "search"
HEAD = """\
# The contract: what every column of the documents is. It was inferred from the data and is yours
# now: correct it, and nothing will overwrite it. What is searched, the checks, the API, its page
# and the monitoring all follow from it.
#
# name        how the project calls the column        source   how the data calls it
# role        id      names a document                field    a text that is searched; the first
#                                                              is what answers are shown by
#             filter  answers are narrowed down by it link     where the document is
#             time    when it is of                   ignore   is left out; the note says why
# type        of a field and a link: text; of a filter: category (one of `categories`) or boolean
# nullable    whether a value may be missing; otherwise the row is set aside
# written     how dates are written in the data, by an example: DD.MM.YYYY, epoch seconds
# missing     the texts that mean "no value" in the column, in place of the usual ones (NA, -, …)
# pii         personal data: left out of the warehouse (role ignore)
"""
QUESTIONS = """
[questions]
path = "data/queries.csv" # text, id: what people ask, and what answers it; an empty id: nothing\
"""
TITLES = re.compile(
    "(.*_)?(title|headline|heading|subject|name|titel|betreff|ueberschrift|titre|titulo|titolo)"
)
LINKS = re.compile(r"(https?|ftp)://\S+")
DATES = ("published", "publication", "created", "written", "posted", "date", "datum", "fecha")
"""What a moment of a document is called, the more telling first."""
WORDY = 3.0
"""Words that a text has on average, from which on it says something."""
LOOKED_AT = 2_000
INSIDE = {
    what: re.compile(rf"(?<![\w@.])(?:{pattern.pattern})(?![\w@])")
    for what, pattern in PERSONAL.items()
}
"""Personal data within a text."""


def give_parts(relation: duckdb.DuckDBPyRelation, roles: Roles) -> None:
    """Give every column its part in documents, instead of that in what is learnt from.

    Raises:
        TableFileError: no column names each document, or none has texts to search.

    """
    roles.roles = dict.fromkeys(roles.facts, "ignore")
    roles.notes = {name: [] for name in roles.facts} | {
        name: [f"personal data: {what}"] for name, what in roles.personal.items()
    }
    texts = _texts(relation, roles)
    lengths = {name: _words(values) for name, values in texts.items()}
    _give(roles, "id", _id(roles))
    _give(roles, "link", _link(roles, texts))
    _give(roles, "time", _time(roles))
    _give_filters(roles)
    fields = [
        name
        for name, length in lengths.items()
        if roles.roles[name] == "ignore"
        and name not in roles.personal
        and (length >= WORDY or TITLES.fullmatch(name))
    ]
    if not fields:
        raise TableFileError(
            "no column holds texts to search: a text of three words and more, or a title."
        )
    # What stands first of the fields is what answers are shown by.
    fields.sort(key=lambda name: (not TITLES.fullmatch(name), lengths[name]))
    roles.facts = {name: roles.facts[name] for name in (*fields, *roles.facts)}
    for name in fields:
        _give(roles, "field", name)
        _say_what_is_personal(roles, name, texts[name])
    for name, role in roles.roles.items():
        if role == "ignore" and not roles.notes[name] and name not in roles.personal:
            roles.notes[name].append("neither searched nor narrowed down by")


def _give(roles: Roles, role: str, name: str | None) -> None:
    if name is not None:
        roles.roles[name] = role


def _texts(relation: duckdb.DuckDBPyRelation, roles: Roles) -> dict[str, list[str]]:
    """Give some values of each column of texts that somebody could read, by its name."""
    names = [
        name
        for name, facts in roles.facts.items()
        if facts.kind == "text" and facts.present and name not in roles.personal
    ]
    if not names:
        return {}
    columns = ", ".join(roles.facts[name].text for name in names)
    rows = relation.limit(LOOKED_AT).project(columns).fetchall()
    return {
        name: [row[place] for row in rows if row[place] is not None]
        for place, name in enumerate(names)
    }


def _words(values: list[str]) -> float:
    return sum(len(value.split()) for value in values) / max(1, len(values))


def _id(roles: Roles) -> str:
    """Choose what names each document: unique and complete, best called an id, else the first."""
    unique = [
        name
        for name, facts in roles.facts.items()
        if name not in roles.personal
        and facts.kind in ("integer", "text")
        and facts.present == facts.distinct == roles.rows
    ]
    if not unique:
        raise TableFileError(
            "no column names each document: one has to be there in every row, and no two rows "
            "may share its value."
        )
    return min(unique, key=lambda name: _unlike_an_id(name, roles.facts[name]))


def _unlike_an_id(name: str, facts: Facts) -> tuple[bool, bool, bool]:
    """Say how little a column is like what names: called so, then short texts, then numbers."""
    called = name.rstrip("_").rpartition("_")[2] in ID_NAMES
    return not called, any(" " in each for each in facts.examples), facts.kind != "text"


def _link(roles: Roles, texts: dict[str, list[str]]) -> str | None:
    for name, values in texts.items():
        if roles.roles[name] == "ignore" and 2 * sum(map(_is_link, values)) > len(values):
            return name
    return None


def _is_link(value: str) -> bool:
    return LINKS.fullmatch(value.strip()) is not None


def _time(roles: Roles) -> str | None:
    """Choose when a document was written, rather than when it was changed."""
    moments = [
        name
        for name, facts in roles.facts.items()
        if facts.kind == "datetime" and facts.present and name not in roles.personal
    ]
    if len(moments) > 1:
        roles.warnings.append(
            f"Several columns could say when a document is of ({', '.join(moments)}): give one "
            'the role "time" in the contract.'
        )
    ranks = {
        name: next((rank for rank, word in enumerate(DATES) if word in name), len(DATES))
        for name in moments
    }
    return min(moments, key=lambda name: ranks[name], default=None)


def _give_filters(roles: Roles) -> None:
    for name, facts in roles.facts.items():
        if (
            roles.roles[name] == "ignore"
            and name not in roles.personal
            and not TITLES.fullmatch(name)
            and _narrows(roles.rows, facts)
        ):
            _give(roles, "filter", name)


def _narrows(rows: int, facts: Facts) -> bool:
    """Whether it parts the documents into few groups, of which a person may choose one."""
    few = facts.kind == "boolean" or (facts.kind == "text" and is_category(rows, facts))
    return few and 1 < facts.distinct <= MOST_CATEGORIES


def _say_what_is_personal(roles: Roles, name: str, values: list[str]) -> None:
    for what, pattern in INSIDE.items():
        found = sum(pattern.search(value) is not None for value in values)
        if found:
            roles.warnings.append(
                f"{roles.facts[name].source}: {what} stand in {found:,} of {len(values):,} texts: "
                "who searches is shown them; take them out in transform.py, or see that all of "
                "them may be"
            )
