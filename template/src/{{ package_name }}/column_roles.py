"""What part every column plays: id, time, feature, or to be left out, and why."""

import re
from dataclasses import dataclass, field

from .column_facts import MOST_CATEGORIES, TIME_PART_NAMES, Facts

TIME_NAMES = {"date", "time", "timestamp", "datetime", "datum", "ts", "zeit", "zeitpunkt"}
ID_NAMES = {"id", "uuid", "guid", "key", "pk", "identifier"}
NUMBER_NAMES = {"number", "no", "nr", "nummer"}  # of rooms, perhaps: an id only where unique
TICKED = (0.01, 0.99)
PERSONAL_NAME = re.compile(
    r"""(.*_)?(
        e_?mail | phone | telephone | telefon | mobile | handy | fax | iban | bic | ssn | passport
        | social_security | address | adresse | anschrift | street | strasse | ip | dob | birth
        | birthday | geburtstag | surname | lastname | firstname | vorname | nachname | credit_card
        | (first|last|full|sur|middle|maiden|customer|client|person|contact|user|employee)_?name
    )(_?(number|nummer|no|nr|address|adresse|date|datum|day|place|of_birth|\d))?
    | name | date_of_birth | geburtsdatum | gender | sex | geschlecht | ethnicity | religion
    | nationality""",
    re.VERBOSE,
)
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
    personal: set[str] = field(default_factory=set)
    time_parts: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)


def assign_roles(rows: int, facts: dict[str, Facts], target: str | None) -> Roles:
    """Give every column its role, the most telling reason first."""
    draft = Roles(rows, facts)
    for name, column in facts.items():
        draft.notes[name] = _observations(rows, column)
        if _is_personal(name, column):
            draft.personal.add(name)
    if target is not None:
        draft.roles[target] = "target"
    for name, column in facts.items():
        if reason := _unusable(rows, column, personal=name in draft.personal):
            _ignore(draft, name, reason)
    _find_id(draft)
    _find_time(draft)
    for name, column in facts.items():
        if reason := _unlearnable(draft, name, column):
            _ignore(draft, name, reason)
        draft.roles.setdefault(name, "feature")
    _warn(draft)
    return draft


def _ignore(draft: Roles, name: str, reason: str) -> None:
    if name not in draft.roles:
        draft.roles[name] = "ignore"
        draft.notes[name].append(reason)


def _observations(rows: int, column: Facts) -> list[str]:
    notes = []
    if 0 < column.present < rows:
        missing = rows - column.present
        notes.append(f"{missing:,} of {rows:,} values are missing")
    if column.strays:
        notes.append(f"{column.strays:,} values are no {column.kind}: the checks set them aside")
    if column.decimal:
        notes.append("written with a decimal comma")
    return notes


def _is_personal(name: str, column: Facts) -> bool:
    if column.kind == "boolean" or column.present == 0:
        return False  # whether somebody has a phone names nobody
    return bool(column.personal) or PERSONAL_NAME.fullmatch(name.rstrip("_")) is not None


def _unusable(rows: int, column: Facts, *, personal: bool) -> str:
    """Why nobody could learn from a column, empty where somebody could."""
    if column.present == 0:
        return "all values are missing"
    # A single text and blanks is a box that was ticked or not.
    ticked = column.kind == "text" and TICKED[0] < column.present / rows < TICKED[1]
    if column.distinct == 1 and not ticked:
        shown = column.examples and not personal  # the note stays in a file
        return f"always the same value: {column.examples[0] if shown else '?'}"
    if column.kind == "other":
        return "holds values of a type that no model here takes"
    return ""


def _find_id(draft: Roles) -> None:
    """Choose the column that names the rows: unique, complete, named or written like an id."""
    ids = []
    for name, column in draft.facts.items():
        if name in draft.roles or name in draft.personal or column.kind not in ("integer", "text"):
            continue
        last = name.rstrip("_").rpartition("_")[2]
        unique = column.present == draft.rows == column.distinct
        if column.counts_rows and last not in ID_NAMES:
            _ignore(draft, name, "numbers the rows, which says nothing about them")
        elif unique and (last in ID_NAMES | NUMBER_NAMES or _looks_like_codes(column)):
            ids.append((last not in ID_NAMES, name))
        elif last in ID_NAMES and column.kind == "integer" and column.distinct > MOST_CATEGORIES:
            _ignore(draft, name, f"{column.distinct:,} numbers that name things, no quantity")
    for rank, (_, name) in enumerate(sorted(ids, key=lambda found: found[0])):
        if rank == 0:
            draft.roles[name] = "id"
        else:
            _ignore(draft, name, "different in every row, as the id is")


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
    few = _is_category(draft, column)
    if column.personal:
        reason = f"personal data: {column.personal}"
    elif name in draft.personal:
        reason = "personal data"
    elif column.kind == "datetime":
        reason = "a date: let the source make numbers of it to learn from it"
    elif column.kind != "text" or few:
        reason = ""
    elif column.thousands:
        reason = "numbers with thousands commas: write them without"
    elif column.dates:
        reason = "dates, but not as YYYY-MM-DD: write them so"
    else:
        reason = f"free text or codes: {column.distinct:,} different values"
    return reason


def _is_category(draft: Roles, column: Facts) -> bool:
    return column.distinct <= min(MOST_CATEGORIES, draft.rows / 2)


def _warn(draft: Roles) -> None:
    for name, column in draft.facts.items():
        source, seen = column.source, f"({', '.join(column.examples[:1])})"
        if column.strays:
            draft.warnings.append(
                f"{source}: {column.strays:,} of {column.present:,} values are no {column.kind}; "
                "their rows will be set aside."
            )
        if draft.roles[name] == "ignore" and column.thousands:
            draft.warnings.append(
                f"{source}: numbers with thousands commas {seen} are left out; write them without."
            )
        if draft.roles[name] == "ignore" and column.dates and name not in draft.personal:
            draft.warnings.append(f"{source}: dates {seen} are left out; write them as YYYY-MM-DD.")
        if draft.roles[name] == "ignore" and name in draft.personal and _is_category(draft, column):
            draft.warnings.append(
                f"{source}: personal data, left out; to let decisions rest on it, give it the role "
                '"feature" and pii = false in the contract.'
            )
