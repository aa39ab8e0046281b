"""Rows whose truth is known, as the table `clean` of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from fourhats_runtime.data.warehouse import connect

from tests.runtime.sample_project import sample_project

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fourhats_runtime import Project

TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "text": pa.string(),
    "datetime": pa.timestamp("us"),
}


def project_of(
    folder: Path,
    values: Mapping[str, Any],
    *,
    task: str = "classification",
    columns: Mapping[str, Mapping[str, Any]] | None = None,
) -> Project:
    """Give a project with these rows; `columns` say what is otherwise than its values show.

    The outcome is called `outcome`: of classes, `no` and `yes`. A column without values is one that
    the contract alone has.
    """
    project = sample_project(folder, task)
    described = {name: _described(name, found) for name, found in values.items()}
    for name, said in (columns or {}).items():
        described[name] = (
            {"name": name, "source": name, "nullable": True} | described.get(name, {}) | dict(said)
        )
    lines = ['table = "world"', *(['positive = "yes"'] if task == "classification" else [])]
    for column in described.values():
        lines += ["[[columns]]", *(f"{key} = {json.dumps(said)}" for key, said in column.items())]
    project.contract_file.write_text("\n".join(lines), encoding="utf-8")
    rows = len(next(iter(values.values())))
    made = {
        name: pa.array(_plain(found), TYPES[described[name]["type"]])
        for name, found in values.items()
    }
    table = pa.table(made | {"_source": ["world"] * rows, "_row": list(range(1, rows + 1))})
    with connect(project) as connection:
        connection.reader.register("made", table)
        connection.reader.execute("CREATE OR REPLACE TABLE clean AS SELECT * FROM made")
        connection.reader.execute("CREATE OR REPLACE TABLE raw AS SELECT _source, _row FROM made")
        connection.reader.unregister("made")
    return project.at(project.folder)


def answers(random: np.random.Generator, chance: Any) -> Any:  # noqa: ANN401
    """Draw an outcome for each chance of a yes."""
    return np.where(random.random(len(chance)) < chance, "yes", "no").astype(object)


def _plain(values: Any) -> list[Any]:  # noqa: ANN401
    listed = list(values) if np.asarray(values).dtype.kind == "M" else np.asarray(values).tolist()
    return [
        None if each is None or (isinstance(each, float) and np.isnan(each)) else each
        for each in listed
    ]


def _described(name: str, values: Any) -> dict[str, Any]:  # noqa: ANN401
    kinds = {"M": "datetime", "f": "number", "i": "integer", "b": "boolean", "O": "category"}
    found: dict[str, Any] = {"name": name, "source": name, "nullable": True}
    found["type"] = kinds[np.asarray(values).dtype.kind]
    if found["type"] == "category":
        found["categories"] = sorted({str(each) for each in values if each is not None})
    if name == "outcome":
        found["role"] = "target"
    return found
