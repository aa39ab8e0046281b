"""What part every column plays: id, entity, time, feature, or to be left out, and why."""

import re
from dataclasses import dataclass, field

from fourhats_runtime.contract.names import snake_case
from fourhats_runtime.profile.facts import MOST_CATEGORIES, TIME_PART_NAMES, Facts
from fourhats_runtime.profile.leakage import known_afterwards
from fourhats_runtime.profile.personal import is_birth, is_special

TIME_NAMES = {"date", "time", "timestamp", "datetime", "datum", "ts", "zeit", "zeitpunkt"}
ID_NAMES = {"id", "ids", "uuid", "guid", "key", "pk", "identifier"} | {
    *("kennung", "schluessel", "identifiant", "cle", "clave", "identificador", "chiave"),
}
INDEX_NAMES = {"index", "idx", "row", "rownames", "row_names", "rowid", "row_number", "unnamed_0"}
MOST_EXACT = 10**15  # from it on, a number has more digits than a float keeps
NUMBER_NAMES = {"number", "no", "nr", "nummer"}  # of rooms, perhaps: an id only where unique
ENTITY_NAME = re.compile(
    r"""(.*_)?(customer|client|user|member|account|subscriber|household|person|patient|employee
        |student|driver|machine|device|sensor|vehicle|shop|store|branch|supplier|merchant
        |kunde|kunden|konto|maschine|maschinen|geraete?|filiale?|patienten|mitarbeiter
    )(?P<number>_?(id|uuid|guid|key|no|nr|number|nummer|code))?""",
    re.VERBOSE,
)
OFTEN = 10
"""Rows that a category has on average, where there are many of them."""
TICKED = (0.01, 0.99)
# Where the time is split over columns, coarse to fine, with what each may hold.
TIME_PARTS = {
    "year": (1900, 2200),
    "quarter": (1, 4),
    "month": (1, 12),
    "week": (0, 53),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 60),
}


@dataclass
class Roles:
    """The roles and notes of columns, by their names."""

    rows: int
    facts: dict[str, Facts]
    roles: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    personal: dict[str, str] = field(default_factory=dict)
    """What the columns with personal data hold."""
    leaks: set[str] = field(default_factory=set)
    """Columns that are left out since they give the target away."""
    time_parts: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)

    def ignore(self, name: str, reason: str) -> None:
        """Leave a column out for a reason, unless it has a part to play."""
        if self.roles.get(name, "feature") == "feature":
            self.roles[name] = "ignore"
            self.notes[name].append(reason)


def assign_roles(
    rows: int, facts: dict[str, Facts], target: str | None, personal: dict[str, str]
) -> Roles:
    """Give every column its role, the most telling reason first."""
    draft = Roles(rows, facts, personal=personal)
    for name, column in facts.items():
        draft.notes[name] = _observations(rows, column)
    if target is not None:
        draft.roles[target] = "target"
    for name, column in facts.items():
        if reason := _unusable(rows, column, personal=name in draft.personal):
            draft.ignore(name, reason)
    _find_entity(draft)
    _find_id(draft)
    _find_time(draft)
    for name, column in facts.items():
        if reason := _unlearnable(draft, name, column):
            draft.ignore(name, reason)
        draft.roles.setdefault(name, "feature")
    _warn(draft)
    return draft


def _observations(rows: int, column: Facts) -> list[str]:
    notes = []
    if 0 < column.present < rows:
        missing = rows - column.present
        notes.append(f"{missing:,} of {rows:,} values are missing")
    if column.strays:
        notes.append(f"{column.strays:,} values are no {column.kind}: the checks set them aside")
    if column.written:
        notes.append(f"written as {column.written}")
    return notes


def _unusable(rows: int, column: Facts, *, personal: bool) -> str:
    """Why nobody could learn from a column, empty where somebody could."""
    if column.present == 0:
        return "all values are missing"
    # A single value and blanks is a box that was ticked or not.
    ticked = TICKED[0] < column.present / rows < TICKED[1]
    if column.distinct == 1 and not ticked:
        shown = column.examples and not personal  # the note stays in a file
        return f"always the same value: {column.examples[0] if shown else '?'}"
    if column.kind == "other":
        return "holds values of a type that no model here takes"
    return ""


def _find_entity(draft: Roles) -> None:
    """Choose the column that names a customer, a machine or a shop with several rows, and say so.

    It is complete, named like an id or like somebody, and its values come again. One that has few
    values is a category: who or what it names will come again, and can be learnt about.
    """
    found = [
        (not _names_somebody(name, column), -column.distinct, name)
        for name, column in draft.facts.items()
        if name not in draft.roles
        and name not in draft.personal
        and column.kind in ("integer", "text")
        and MOST_CATEGORIES < column.distinct < column.present == draft.rows
        and (_last_word(name) in ID_NAMES or _names_somebody(name, column))
    ]
    if not found:
        return
    (_, _, name), *others = sorted(found)
    column = draft.facts[name]
    draft.roles[name] = "entity"
    draft.notes[name].append(f"{column.distinct:,} of them have {draft.rows:,} rows")
    said = (
        f"{column.source}: {column.distinct:,} different values in {draft.rows:,} rows. The rows of"
        ' one belong together, so it has the role "entity": no model is judged by those that it has'
        " learnt from."
    )
    if others:
        names = ", ".join(draft.facts[other].source for _, _, other in others)
        said += f' If that is {names} instead, give it the role, and this one "ignore".'
    draft.warnings.append(said)


def _names_somebody(name: str, column: Facts) -> bool:
    """Whether it is called like a customer or a machine; a number, like the number of one."""
    found = ENTITY_NAME.fullmatch(name.rstrip("_"))
    return found is not None and (column.kind == "text" or found["number"] is not None)


def _last_word(name: str) -> str:
    return name.rstrip("_").rpartition("_")[2]


def _find_id(draft: Roles) -> None:
    """Choose the column that names the rows: unique, complete, named or written like an id."""
    ids = []
    for name, column in draft.facts.items():
        if name in draft.roles or name in draft.personal or not _may_name(column):
            continue
        last = _last_word(name)
        unique = column.present == draft.rows == column.distinct
        index = not snake_case(column.source) or snake_case(column.source) in INDEX_NAMES
        if last not in ID_NAMES and (column.counts_rows or (unique and index)):
            draft.ignore(name, "numbers the rows, which says nothing about them")
        elif unique and (
            last in ID_NAMES | NUMBER_NAMES
            or _looks_like_codes(column)
            or (column.runs_on and last not in TIME_PART_NAMES)
        ):
            ids.append((last not in ID_NAMES, name))
        elif last in ID_NAMES and column.kind != "text" and column.distinct > MOST_CATEGORIES:
            draft.ignore(name, f"{column.distinct:,} numbers that name things, no quantity")
    for rank, (_, name) in enumerate(sorted(ids, key=lambda found: found[0])):
        if rank == 0:
            draft.roles[name] = "id"
        else:
            draft.ignore(name, "different in every row, as the id is")


def _may_name(column: Facts) -> bool:
    """Whether its values can be names of rows: texts or whole numbers, as 1.0, 2.0, too."""
    written_whole = all(re.fullmatch(r"\d+(\.0*)?", value) for value in column.examples)
    return column.kind in ("integer", "text") or (column.kind == "number" and written_whole)


def id_type(column: Facts) -> str:
    """Give the type by which an id loses nothing: text, but for a plain whole number."""
    plain = column.kind == "integer" and (column.high or 0) < MOST_EXACT
    return "integer" if plain else "text"


def _looks_like_codes(column: Facts) -> bool:
    code = re.compile(r"(?=.*\d)[\w.:/#-]{2,64}")
    return (
        column.kind == "text" and not column.personal and all(map(code.fullmatch, column.examples))
    )


def _find_time(draft: Roles) -> None:
    """Choose the column that orders the rows in time, or the columns that do so together."""
    candidates = [
        name
        for name, column in draft.facts.items()
        if column.kind == "datetime"
        and name not in draft.roles
        and name not in draft.personal
        and column.present >= TICKED[1] * draft.rows
    ]
    # What comes last is no order in which rows come to be known.
    candidates = [name for name in candidates if not is_birth(draft.facts[name])]
    begun = [name for name in candidates if not known_afterwards(draft.facts[name].source)]
    candidates = begun or candidates
    named = [name for name in candidates if name.rstrip("_") in TIME_NAMES]
    hinted = [name for name in candidates if TIME_NAMES & set(name.split("_"))]
    choice = next((found for found in (candidates, named, hinted) if len(found) == 1), [])
    if choice:
        draft.roles[choice[0]] = "time"
        return
    if candidates:
        draft.warnings.append(
            f"Several columns could order the rows in time ({', '.join(candidates)}): "
            'give one the role "time" in the contract.'
        )
    parts = {}
    for name in TIME_PART_NAMES.keys() & draft.facts.keys():
        part, column = TIME_PART_NAMES[name], draft.facts[name]
        low, high = TIME_PARTS[part]
        if column.low is None or column.high is None or draft.roles.get(name) == "target":
            continue  # only numbers have a range
        if low <= column.low and column.high <= high:
            parts[part] = name
    # A month or an hour without its year is a season, not a point in time.
    if "year" in parts and len(parts) > 1:
        ordered = [parts[part] for part in TIME_PARTS if part in parts]
        draft.time_parts = tuple(name for name in ordered if name not in draft.roles)


def _unlearnable(draft: Roles, name: str, column: Facts) -> str:
    """Why the models here don't take a column, empty where they do."""
    few = is_category(draft.rows, column)
    if what := draft.personal.get(name):
        special = ", a special category" if is_special(what) else ""
        reason = f"personal data: {what}{special}"
    elif column.kind != "text" or few or has_words(draft.rows, column):
        reason = ""
    else:
        reason = f"codes: {column.distinct:,} different values, in nearly every row another"
    return reason


def is_category(rows: int, column: Facts) -> bool:
    """Whether a text has so few values that each can be learnt about."""
    few = column.distinct <= min(MOST_CATEGORIES, rows / 2)
    return few or (bool(column.classes) and column.distinct <= rows / OFTEN)


def has_words(rows: int, column: Facts) -> bool:
    """Whether a text is more than a name of its row: several words, or values that come again."""
    wordy = sum(" " in value.strip() for value in column.examples)
    return 2 * wordy > len(column.examples) or column.distinct <= rows / 2


def _warn(draft: Roles) -> None:
    marks = dict.fromkeys(mark for column in draft.facts.values() for mark in column.marks)
    if marks:
        draft.warnings.append(
            f"Read as missing: {', '.join(marks)}. Where one of them is a value, name those that "
            "are none: missing = [...] of its column in the contract."
        )
    for name, column in draft.facts.items():
        source = column.source
        if column.strays:
            draft.warnings.append(
                f"{source}: {column.strays:,} of {column.present:,} values are no {column.kind}; "
                "their rows will be set aside."
            )
        draft.warnings += [f"{source}: {said}." for said in column.said]
        if (
            draft.roles[name] == "ignore"
            and name in draft.personal
            and is_category(draft.rows, column)
        ):
            draft.warnings.append(
                f"{source}: personal data ({draft.personal[name]}), left out; to let decisions "
                'rest on it, give it the role "feature" and pii = false in the contract.'
            )
