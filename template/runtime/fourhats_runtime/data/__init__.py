"""Data: where rows come from, and which of them are good. What a project's extract.py uses.

Nothing is imported here before it is used: an image that only serves has no library for reading.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fourhats_runtime.data.check import Check
    from fourhats_runtime.data.sources import Loaded, Source
    from fourhats_runtime.data.sources.kinds import (
        BigQuery,
        Excel,
        Files,
        MySQL,
        ObjectStorage,
        Postgres,
        RestApi,
        Rows,
        Snowflake,
    )
    from fourhats_runtime.data.warehouse import Connection

__all__ = [
    "BigQuery",
    "Check",
    "Connection",
    "Excel",
    "Files",
    "Loaded",
    "MySQL",
    "ObjectStorage",
    "Postgres",
    "RestApi",
    "Rows",
    "Snowflake",
    "Source",
]

_HOMES = {"Check": "check", "Connection": "warehouse", "Loaded": "sources", "Source": "sources"}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'sources.kinds')}"), name)
