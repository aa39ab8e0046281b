"""Infer a contract from the data: what every column is, and what can be predicted."""

import difflib
import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from .column_facts import MOST_CATEGORIES, TIME_PART_NAMES, TIME_PARTS, Facts, measure
from .column_names import safe_names, snake_case
from .leakage import gives_away_class, gives_away_number
from .table_file import TableFileError, explained, open_file

MOST_NUMBERED_CLASSES = 20
FEWEST_ROWS = 50
FEWEST_OF_A_CLASS = 10
LEAKAGE_ROWS = 50_000

POSITIVE = {
    "1", "bad", "churn", "churned", "default", "defaulted", "failed", "failure", "fraud", "ja", "oui",
    "pos", "positive", "si", "t", "true", "y", "yes",
}  # fmt: skip
TARGET_NAMES = {
    "target", "label", "class", "y", "churn", "churned", "outcome", "default", "response", "fraud",
    "price", "survived", "converted", "diagnosis", "ziel", "exited", "attrition", "approved",
}  # fmt: skip
TIME_NAMES = {"date", "time", "timestamp", "datetime", "datum", "ts", "zeit", "zeitpunkt", "when"}
ID_NAMES = {"id", "uuid", "guid", "key", "pk", "identifier", "kundennummer"}
PERSONAL_NAME = re.compile(
    r"""(.*_)?(
        e_?mail | phone | telephone | telefon | mobile | handy | fax | iban | bic | ssn | passport
        | social_security | address | adresse | anschrift | street | strasse | ip | dob | birth
        | birthday | geburtstag | surname | lastname | firstname | vorname | nachname | credit_card
        | (first|last|full|sur|middle|maiden|customer|client|person|contact|user|employee|patient)_?name
    )(_?(number|nummer|no|nr|address|adresse|date|datum|day|place|of_birth|\d))?
    | name | date_of_birth | geburtsdatum | gender | sex | geschlecht | ethnicity | religion
    | nationality""",
    re.VERBOSE,
)


class TargetError(ValueError):
    """The target can't be predicted; the message says why, for the person who named it."""


@dataclass(frozen=True)
class Column:
    """A column of the contract, with what was seen in it."""

    name: str
    source: str
    type: str
    role: str
    nullable: bool
    missing: int
    distinct: int
    min: float | None = None
    max: float | None = None
    categories: tuple[str, ...] = ()
    decimal: str = ""
    pii: bool = False
    note: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """A table: its columns, what is to be predicted, and what a person should look at."""

    path: str
    rows: int
    columns: tuple[Column, ...]
    target: str | None = None
    task: str | None = None
    positive: str | None = None
    time_parts: tuple[str, ...] = ()
    likely_targets: tuple[str, ...] = ()
    leakage_suspects: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    tolerance: float | None = None


def profile_file(path: str, target: str | None = None, task: str | None = None) -> Profile:
    """Profile a CSV or Parquet file, or all files of a glob.

    Raises:
        TableFileError: it can't be read as a table.
        TargetError: the target is missing or can't be predicted.

    """
    with duckdb.connect() as connection:
        try:
            profile = profile_relation(open_file(connection, path), target, task)
        except TableFileError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise TableFileError(f"{path}: {reason}") from error
    return replace(profile, path=path)


def profile_relation(
    relation: duckdb.DuckDBPyRelation, target: str | None = None, task: str | None = None
) -> Profile:
    """Profile a relation, as `open_file` or a database gives it.

    Args:
        relation: the rows.
        target: the column to predict, by its name in the data or in the contract.
        task: "classification" or "regression", where the target alone would suggest the other.

    Raises:
        TableFileError: it has no rows, or reading it failed.
        TargetError: the target is missing or can't be predicted.

    """
    try:
        rows, facts = measure(relation)
        if not rows:
            raise TableFileError("the table has no rows.")
        names = safe_names(relation.columns)
        chosen = None if target is None else _find(target, names, facts)
        draft = _Draft(rows, dict(zip(names, facts, strict=True)), chosen)
        draft.assign_roles()
        if chosen is None:
            return draft.profile()
        return _with_target(relation, draft, chosen, task)
    except duckdb.Error as error:
        raise TableFileError(explained(error)) from error


def to_toml(profile: Profile) -> str:
    """Write the contract, for a person to read and change: the text of config/contract.toml."""
    table = snake_case(Path(re.sub(r"[/\\]?[^/\\]*[*?\[].*", "", profile.path)).stem)
    lines = [HEAD, f"table = {_toml(safe_names([table or 'data'])[0])}"]
    if profile.positive is not None:
        lines.append(f"positive = {_toml(profile.positive)}  # the class that calls for action")
    if profile.time_parts:
        lines.append(f"time_parts = {_toml(profile.time_parts)}  # together they order the rows")
    for column in profile.columns:
        lines += ["", "[[columns]]"]
        for key in ("name", "source", "type", "role", "nullable", "min", "max"):
            value = getattr(column, key)
            if value is not None:
                lines.append(f"{key} = {_toml(value)}")
        for key in ("categories", "decimal", "pii", "note"):
            if value := getattr(column, key):
                lines.append(f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


HEAD = """\
# The contract: what every column of the data is. It was inferred from the data and is yours now:
# correct it, and nothing will overwrite it. The checks, the features, the API, its page and the
# monitoring all follow from it.
#
# name        how the project calls the column        source   how the data calls it
# role        feature  the model learns from it       target   the model predicts it
#             id       names a row                    time     orders the rows
#             ignore   is left out; the note says why
# type        integer, number, boolean, category (one of `categories`), datetime or text
# nullable    whether a value may be missing; otherwise the row is set aside
# min, max    the smallest and largest value that can be true; other rows are set aside
# decimal     "," where numbers are written as 1.234,56
# pii         personal data: it is kept out of logs and reports
"""


@dataclass
class _Draft:
    """The contract while it takes shape: column names with their facts, roles and notes."""

    rows: int
    facts: dict[str, Facts]
    target: str | None
    roles: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    personal: set[str] = field(default_factory=set)
    time_parts: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)

    def assign_roles(self) -> None:
        """Give every column its role, the most telling reason first."""
        self.notes = {name: self._observations(name) for name in self.facts}
        self.personal = {name for name in self.facts if self._is_personal(name)}
        if self.target is not None:
            self.roles[self.target] = "target"
        for name, facts in self.facts.items():
            if reason := self._unusable(facts):
                self._ignore(name, reason)
        self._find_id()
        self._find_time()
        for name, facts in self.facts.items():
            self._judge(name, facts)
        self._warn()

    def profile(self) -> Profile:
        """Freeze it, as it is without a target."""
        columns = tuple(self._column(name, facts) for name, facts in self.facts.items())
        return Profile(
            path="",
            rows=self.rows,
            columns=columns,
            time_parts=self.time_parts,
            likely_targets=_likely_targets(columns),
            warnings=tuple(self.warnings),
        )

    def _ignore(self, name: str, reason: str) -> None:
        if self.roles.setdefault(name, "ignore") == "ignore":
            self.notes[name].append(reason)

    def _observations(self, name: str) -> list[str]:
        facts = self.facts[name]
        notes = []
        if missing := self.rows - facts.present:
            notes.append(f"{missing:,} of {self.rows:,} values are missing")
        if facts.strays:
            notes.append(f"{facts.strays:,} values are no {facts.kind}: the checks will set them aside")
        if facts.decimal:
            notes.append(f"written with a decimal comma: {', '.join(facts.examples[:1])}")
        return notes

    def _is_personal(self, name: str) -> bool:
        facts = self.facts[name]
        if facts.kind == "boolean" or facts.present == 0:
            return False  # whether somebody has a phone names nobody
        return bool(facts.personal) or PERSONAL_NAME.fullmatch(name.rstrip("_")) is not None

    def _unusable(self, facts: Facts) -> str:
        """Why nothing can be learned from a column, empty where something can."""
        if facts.present == 0:
            return "all values are missing"
        # A single text and blanks is a box that was ticked or not.
        ticked = facts.kind == "text" and 0.01 < facts.present / self.rows < 0.99
        if facts.distinct <= 1 and not ticked:
            return f"always the same value: {facts.examples[0] if facts.examples else '?'}"
        if facts.kind == "nested":
            return "holds lists, structures or binary data"
        return ""

    def _find_id(self) -> None:
        """Choose the column that names the rows: unique, never missing, named or written like one."""
        ids = []
        for name, facts in self.facts.items():
            if name in self.roles or facts.kind not in ("integer", "text"):
                continue
            named = name.rstrip("_").rpartition("_")[2] in ID_NAMES
            unique = facts.present == self.rows == facts.distinct
            if facts.counts_rows and not named:
                self._ignore(name, "numbers the rows: it says nothing about them")
            elif unique and (named or (facts.kind == "text" and _look_like_codes(facts))):
                ids.append((name in self.personal, not named, name))
            elif named and facts.distinct > MOST_CATEGORIES and facts.kind == "integer":
                self._ignore(name, f"names something else by {facts.distinct:,} numbers: no quantity")
        for rank, (_, _, name) in enumerate(sorted(ids, key=lambda found: found[:2])):
            if rank == 0:
                self.roles[name] = "id"
            else:
                self._ignore(name, "different in every row, as the id is")

    def _find_time(self) -> None:
        """Choose the column that orders the rows in time, or the columns that do so together."""
        candidates = [
            name
            for name, facts in self.facts.items()
            if facts.kind == "datetime"
            and name not in self.roles
            and name not in self.personal
            and facts.present >= 0.99 * self.rows
        ]
        named = [name for name in candidates if name.rstrip("_") in TIME_NAMES]
        hinted = [name for name in candidates if TIME_NAMES & set(name.split("_"))]
        choice = next((found for found in (candidates, named, hinted) if len(found) == 1), [])
        if choice:
            self.roles[choice[0]] = "time"
            return
        if candidates:
            self.warnings.append(
                f"Several columns could order the rows in time ({', '.join(candidates)}): "
                'give one the role "time" in the contract.'
            )
        parts = {
            TIME_PART_NAMES[name]: name
            for name, facts in self.facts.items()
            if name in TIME_PART_NAMES and facts.kind == "integer" and name != self.target
        }
        # A month or an hour without its year is a season, not a point in time.
        if "year" in parts and len(parts) > 1:
            varying = [parts[part] for part in TIME_PARTS if part in parts]
            self.time_parts = tuple(name for name in varying if name not in self.roles)

    def _judge(self, name: str, facts: Facts) -> None:
        """Decide what is left: a feature, unless it is personal or too varied to learn from."""
        if name in self.personal and facts.distinct > MOST_CATEGORIES:
            self._ignore(name, f"personal data{': ' * bool(facts.personal)}{facts.personal}")
        elif facts.kind == "datetime":
            self._ignore(name, "a date: derive numbers from it in transform.py to learn from it")
        elif facts.kind == "text" and facts.thousands and facts.distinct > MOST_CATEGORIES:
            self._ignore(name, f"numbers with thousands commas ({facts.examples[0]}): write them without")
        elif facts.kind == "text" and facts.distinct > MOST_CATEGORIES:
            self._ignore(name, f"free text or codes: {facts.distinct:,} different values")
        elif facts.kind == "text" and facts.distinct > self.rows / 2 and name not in self.personal:
            self._ignore(name, f"free text or codes: {facts.distinct} values in {self.rows} rows")
        elif facts.kind not in ("boolean", "text") and name in self.personal:
            self._ignore(name, "personal data")
        self.roles.setdefault(name, "feature")

    def _warn(self) -> None:
        for name, facts in self.facts.items():
            if facts.strays:
                self.warnings.append(
                    f"{facts.source}: {facts.strays:,} of {facts.present:,} values are no {facts.kind}; "
                    "their rows will be set aside."
                )
            if facts.thousands and self.roles[name] == "ignore":
                self.warnings.append(
                    f"{facts.source}: numbers with thousands commas ({facts.examples[0]}) are left out; "
                    "write them without."
                )
            if name in self.personal and self.roles[name] == "feature":
                self.warnings.append(f"{facts.source}: personal data; may a decision rest on it?")

    def _column(self, name: str, facts: Facts) -> Column:
        kind = {"text": "category", "nested": "text"}.get(facts.kind, facts.kind)
        if kind == "category" and (self.roles[name] != "feature" or not facts.classes):
            kind = "text"
        nonnegative = kind in ("integer", "number") and facts.low is not None and facts.low >= 0
        return Column(
            name=name,
            source=facts.source,
            type=kind,
            role=self.roles[name],
            nullable=facts.present < self.rows,
            missing=self.rows - facts.present,
            distinct=facts.distinct,
            min=0.0 if nonnegative else None,
            categories=facts.classes if kind == "category" else (),
            decimal=facts.decimal,
            pii=name in self.personal,
            note="; ".join(self.notes[name]),
            examples=facts.examples,
        )


def _look_like_codes(facts: Facts) -> bool:
    return all(re.fullmatch(r"(?=.*\d)[\w.:/#-]{2,64}", example) for example in facts.examples)


def _find(target: str, names: list[str], facts: list[Facts]) -> str:
    """Name of the target's column, by its name in the data, in the contract, or nearly so."""
    sources = [column.source for column in facts]
    for wanted, known in ((target, sources), (target, names), (snake_case(target), names)):
        if wanted in known:
            return names[known.index(wanted)]
    lower = {source.lower(): source for source in sources}
    near = difflib.get_close_matches(target.lower(), lower, n=1)
    hint = f" Did you mean {lower[near[0]]}?" if near else ""
    listed = ", ".join(sources[:40]) + (", …" if len(sources) > 40 else "")
    raise TargetError(f"There is no column {target}.{hint} The columns are: {listed}.")


def _with_target(
    relation: duckdb.DuckDBPyRelation, draft: _Draft, target: str, task: str | None
) -> Profile:
    """Complete the profile by what follows from the target."""
    facts = draft.facts[target]
    task = _task(facts, task)
    profile = draft.profile()
    column = next(column for column in profile.columns if column.name == target)
    positive = tolerance = None
    if task == "classification":
        sizes = dict(relation.aggregate(f"{facts.text}, count(*)", facts.text).fetchall())
        classes = {name: sizes[name] for name in sorted(sizes, key=str) if name is not None}
        _check_classes(facts.source, classes)
        positive = _positive(classes) if len(classes) == 2 else None
        column = replace(column, type="category", categories=tuple(classes), min=None, decimal="")
    else:
        if facts.present < FEWEST_ROWS:
            raise TargetError(_too_few(facts.source, facts.present))
        tolerance = _tolerance(relation, facts)
    suspects = _leakage(relation, profile, draft, target, task)
    columns = tuple(
        column if c.name == target else _suspected(c) if c.name in suspects else c
        for c in profile.columns
    )
    if not any(c.role == "feature" for c in columns):
        raise TargetError(f"Nothing is left to predict {facts.source} from: no column is a feature.")
    return replace(
        profile,
        columns=columns,
        target=target,
        task=task,
        positive=positive,
        tolerance=tolerance,
        likely_targets=(target,),
        leakage_suspects=suspects,
        warnings=(
            *profile.warnings,
            *(
                f"{draft.facts[name].source}: gives the target away all by itself; "
                "would it be known at the time of the prediction?"
                for name in suspects
            ),
        ),
    )


def _task(facts: Facts, wanted: str | None) -> str:
    """Classification or regression, whichever the target's values allow."""
    name, distinct = facts.source, len(facts.classes) or facts.distinct
    if distinct < 2:
        value = f"only ever holds {facts.examples[0]}" if facts.present else "holds no value"
        raise TargetError(f"{name} {value}: there is nothing to predict.")
    numeric = facts.kind in ("integer", "number")
    if facts.kind in ("datetime", "nested") or (not numeric and distinct > MOST_CATEGORIES):
        what = {"datetime": "dates", "nested": "lists or binary data"}.get(facts.kind, "texts")
        raise TargetError(
            f"{name} can't be predicted: it holds {distinct:,} different {what}, "
            f"neither numbers nor up to {MOST_CATEGORIES} classes."
        )
    fits = {
        "classification": not numeric or distinct <= MOST_NUMBERED_CLASSES,
        "regression": numeric and distinct > 2,
    }
    if wanted is None:
        return "classification" if fits["classification"] else "regression"
    if wanted not in fits:
        raise TargetError(f"The task {wanted} is unknown: choose classification or regression.")
    if not fits[wanted]:
        other = "regression" if wanted == "classification" else "classification"
        held = f"{distinct:,} different {'numbers' if numeric else 'classes'}"
        raise TargetError(f"{name} doesn't fit {wanted}: it holds {held}; choose {other}.")
    return wanted


def _check_classes(name: str, classes: dict[str, int]) -> None:
    if sum(classes.values()) < FEWEST_ROWS:
        raise TargetError(_too_few(name, sum(classes.values())))
    rarest = min(classes, key=lambda label: classes[label])
    if classes[rarest] < FEWEST_OF_A_CLASS:
        raise TargetError(
            f"{name} is {rarest} in only {classes[rarest]} rows; "
            f"learning a class takes {FEWEST_OF_A_CLASS}: merge it with another, or leave it out."
        )


def _too_few(name: str, rows: int) -> str:
    return f"{name} is known in only {rows} rows; learning takes at least {FEWEST_ROWS}."


def _positive(classes: dict[str, int]) -> str:
    """Choose the class that calls for action: the one that says yes, else the rarer."""
    known = [label for label in classes if label.lower() in POSITIVE]
    numbered = known == ["1"] and not {"0", "-1"} & set(classes)  # 1 and 2 say nothing
    if len(known) == 1 and not numbered:
        return known[0]
    return min(classes, key=lambda label: classes[label])


def _tolerance(relation: duckdb.DuckDBPyRelation, facts: Facts) -> float:
    """Tell how far off a typical value is from the median: a scale that no outlier moves."""
    finite = relation.project(f"({facts.value})::DOUBLE AS v").filter("isfinite(v)")
    scales = finite.aggregate("mad(v), stddev(v)").fetchall()[0]
    return next((float(f"{scale:.2g}") for scale in scales if scale), 1.0)


def _leakage(
    relation: duckdb.DuckDBPyRelation, profile: Profile, draft: _Draft, target: str, task: str
) -> tuple[str, ...]:
    """Name the features that alone tell the target, judged on an even sample of the rows."""
    features = [column.name for column in profile.columns if column.role == "feature"]
    known = draft.facts[target].text if task == "classification" else draft.facts[target].value
    picked = [f"{known} AS target", "row_number() OVER () AS place"]
    for position, name in enumerate(features):
        facts = draft.facts[name]
        number = facts.kind in ("integer", "number")
        value = f"({facts.value})::DOUBLE" if number else facts.text
        picked.append(f"{value} AS f{position}")
    # By a hash: every tenth row would be the same hour of the day.
    share = max(1, profile.rows // LEAKAGE_ROWS)
    sample = relation.project(", ".join(picked)).filter(f"hash(place) % {share} = 0")
    rows = sample.filter("target IS NOT NULL").order("place").fetchall()
    if not rows:
        return ()
    outcome, _, *values = zip(*rows, strict=True)
    if task == "classification":
        found = [gives_away_class(value, outcome) for value in values]
    else:
        found = [gives_away_number(value, [float(y) for y in outcome]) for value in values]
    return tuple(name for name, leaks in zip(features, found, strict=True) if leaks)


def _suspected(column: Column) -> Column:
    note = "gives the target away: would it be known at the time of the prediction?"
    return replace(column, note="; ".join(filter(None, (column.note, note))))


def _likely_targets(columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Name up to three columns that people tend to predict, the likeliest first."""
    scores: Counter[str] = Counter()
    for position, column in enumerate(columns, start=1):
        if column.role != "feature":
            continue
        words = set(column.name.rstrip("_").split("_"))
        score = 3 * (column.name.rstrip("_") in TARGET_NAMES) + 2 * bool(words & TARGET_NAMES)
        score += 2 * (position == len(columns)) + (column.distinct == 2)
        if score > 1:
            scores[column.name] = score
    return tuple(name for name, _ in scores.most_common(3))


def _toml(value: object) -> str:
    """Write a value as TOML. JSON escapes texts as TOML wants them, but for DEL."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
