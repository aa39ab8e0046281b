"""What serving is measured against: a FastAPI echo with the request model of the contract.

Runs in the rendered project's folder and environment: `python echo_service.py PORT`.
"""

import sys
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, create_model

USED_ROLES = ("id", "feature")


def main() -> None:
    """Serve with the settings of the rendered project's own `serve`."""
    contract, port = Path("config", "contract.toml"), int(sys.argv[1])
    app = create_app(tomllib.loads(contract.read_text(encoding="utf-8")))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


def create_app(contract: dict[str, Any]) -> FastAPI:
    """Make an app whose POST /predict answers with the records that it was given."""
    columns = [
        column for column in contract["columns"] if column.get("role", "feature") in USED_ROLES
    ]
    fields: dict[str, Any] = {column["name"]: field(column) for column in columns}
    record = create_model("Record", __config__=ConfigDict(extra="forbid"), **fields)
    app = FastAPI()
    app.post("/predict", response_model=list[record])(_echo(record))

    app.get("/ready")(_ready)
    return app


def field(column: dict[str, Any]) -> tuple[Any, Any]:
    """Give type and default of a column's field."""
    limits = Field(ge=column.get("min"), le=column.get("max"))
    kinds: dict[str, Any] = {
        "integer": Annotated[int, limits],
        "number": Annotated[float, limits],
        "boolean": bool,
        "category": Literal[tuple(column.get("categories", ["?"]))],
        "datetime": datetime,
        "text": str,
    }
    identity = column.get("role") == "id"
    kind = str | int if identity else kinds[column["type"]]
    optional = identity or column.get("nullable", False)
    return (kind | None, None) if optional else (kind, ...)


async def _ready() -> dict[str, str]:
    return {"status": "ready"}


def _echo(record: type[BaseModel]) -> Any:  # noqa: ANN401 - a handler with a type made just now
    async def echo(records: list[BaseModel]) -> list[BaseModel]:
        return records

    echo.__annotations__["records"] = list[record]  # type: ignore[valid-type]
    return echo


if __name__ == "__main__":
    main()
