"""Column names that are safe everywhere: in SQL, Python, JSON, HTML and ONNX."""

import keyword
import re
import unicodedata
from collections.abc import Sequence

MAX_LENGTH = 60  # PostgreSQL cuts at 63, without a word
GERMAN = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}
)

# What the project itself calls the columns that it puts beside the client's.
OWN_NAMES = frozenset(
    {
        "actual",
        "decision",
        "expected_value",
        "given_at",
        "model_version",
        "prediction",
        "prediction_id",
        "probability",
        "probability_of",
        "scored_at",
        "scored_on",
        "unknown_categories",
    }
)

NO_FEATURES = frozenset({"id", "label", "places", "in_place", "probabilities", "variable"})
"""What no feature is called: the id of an answer, and what a graph calls its outputs."""

ROW_MARKS = frozenset({"_source", "_row"})
"""What each row of `raw` carries beside the client's columns: its source, and its number there."""

# Reserved in standard SQL, DuckDB or PostgreSQL: an unquoted use would not parse.
SQL_KEYWORD = re.compile(
    "all|analyse|analyze|and|anti|any|array|as|asc|asof|asymmetric|at|authorization|between|"
    "binary|both|by|case|cast|check|collate|collation|column|concurrently|"
    "constraint|create|cross|current|default|deferrable|desc|describe|distinct|do|"
    "else|end|except|exists|false|fetch|for|foreign|freeze|from|full|glob|grant|"
    "group|having|ilike|in|initially|inner|insert|intersect|into|is|isnull|join|"
    "key|lambda|lateral|leading|left|like|limit|localtime|natural|not|notnull|"
    "null|offset|on|only|or|order|outer|overlaps|pivot|placing|positional|primary|"
    "pivot_longer|pivot_wider|qualify|"
    "references|returning|right|row|select|semi|session|show|similar|some|summarize|"
    "symmetric|table|tablesample|then|to|trailing|true|union|unique|unpack|unpivot|"
    "update|user|using|values|variadic|verbose|view|when|where|window|with"
)


def safe_names(sources: Sequence[str]) -> list[str]:
    """Give every column a unique snake_case ASCII identifier that no language reserves."""
    taken: set[str] = set()
    names = []
    for position, source in enumerate(sources, start=1):
        wanted = snake_case(source) or f"column_{position}"
        if wanted[0].isdigit():
            wanted = f"c_{wanted}"
        if keyword.iskeyword(wanted) or SQL_KEYWORD.fullmatch(wanted) or wanted in OWN_NAMES:
            wanted = f"{wanted}_"
        name = wanted
        count = 2
        while name in taken:
            name = f"{wanted.rstrip('_')}_{count}"
            count += 1
        taken.add(name)
        names.append(name)
    return names


def landed(source: str) -> str:
    """Give the name that a client's column has in `raw`: its own, unless the project needs that."""
    return f"{source}_" if source.lower() in ROW_MARKS | {"reasons"} else source


def snake_case(text: str) -> str:
    """Turn `TotalCharges`, `pm2.5` or `Größe` into `total_charges`, `pm2_5`, `groesse`.

    Empty when nothing in the text has an ASCII counterpart.
    """
    composed = unicodedata.normalize("NFC", text).translate(GERMAN)
    plain = unicodedata.normalize("NFKD", composed).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"([a-z\d])([A-Z])|([A-Z])(?=[A-Z][a-z])", r"\1\3_\2", plain)
    return re.sub(r"[^a-z\d]+", "_", words.lower()).strip("_")[:MAX_LENGTH].rstrip("_")
