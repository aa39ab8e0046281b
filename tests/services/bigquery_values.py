"""DuckDB's values and types as BigQuery's REST API writes them."""

import base64
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

TYPES = {
    "BIGINT": "INTEGER",
    "INTEGER": "INTEGER",
    "HUGEINT": "INTEGER",
    "UBIGINT": "INTEGER",
    "DOUBLE": "FLOAT",
    "FLOAT": "FLOAT",
    "VARCHAR": "STRING",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "BLOB": "BYTES",
}
NUMERIC_SCALE = 9
LARGEST_INTEGER = 2**63 - 1


def field(name: str, kind: str) -> dict[str, Any]:
    """Describe a column."""
    if kind.endswith("[]"):
        return field(name, kind.removesuffix("[]")) | {"mode": "REPEATED"}
    if decimal := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind):
        long = int(decimal[2]) > NUMERIC_SCALE
        return {"name": name, "mode": "NULLABLE", "type": "BIGNUMERIC" if long else "NUMERIC"}
    return {"name": name, "mode": "NULLABLE", "type": TYPES[kind]}


def cell(value: object) -> object:
    """Write a value: a text, whatever it is. Raises OverflowError for too large an integer."""
    if isinstance(value, list):
        return [{"v": cell(each)} for each in value]
    return None if value is None else _text(value)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime) and value.tzinfo is not None:
        # As whole microseconds, which the client asks for.
        return str(int(value.timestamp()) * 1_000_000 + value.microsecond)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise OverflowError(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
