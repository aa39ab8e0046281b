"""Simulated worlds whose truth is known, as tables with the roles of their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from fourhats_runtime.data.warehouse import connect

if TYPE_CHECKING:
    from fourhats_runtime import Project
    from numpy.typing import NDArray

ENTITIES, ROWS = 300, 8
"""Of a world: so many entities, with so many rows each."""
FEATURES = dict.fromkeys(("a", "b", "c", "d"), ("number", "feature"))


class World(NamedTuple):
    """A table, with the type and the role of its columns; the outcome is `left`."""

    table: pa.Table
    columns: dict[str, tuple[str, str]]

    def changed(self, **columns: tuple[str, str]) -> World:
        """Give the world with other types and roles."""
        return World(self.table, self.columns | columns)


def repeated(seed: int, entities: int = ENTITIES, rows: int = ROWS) -> World:
    """Give each entity its features, a little off in each row, and its outcome: both by chance."""
    random = np.random.default_rng(seed)
    which = np.repeat(np.arange(entities), rows)
    columns = {
        name: random.normal(size=entities)[which] + random.normal(scale=0.02, size=len(which))
        for name in FEATURES
    }
    left = random.random(entities) < 0.4
    table = {
        "customer": [f"C{seed}-{name}" for name in which],
        **columns,
        "left": yes_or_no(left[which]),
    }
    return World(pa.table(table), {"customer": ("text", "entity")} | FEATURES)


def singles(seed: int, rows: int) -> pa.Table:
    """Give rows of a customer each, in no order."""
    random = np.random.default_rng(seed)
    columns = {name: random.normal(size=rows) for name in FEATURES}
    left = yes_or_no(random.random(rows) < 0.4)
    return pa.table({"customer": random.permutation(rows), **columns, "left": left})


def panel(seed: int) -> World:
    """Give 300 customers a row every ten days, from a day of their own on."""
    random = np.random.default_rng(seed)
    rows = [
        (f"C{seed}-{customer}", start + 10 * step)
        for customer, start in enumerate(random.integers(0, 100, ENTITIES).tolist())
        for step in range(random.integers(5, 15))
    ]
    which, days = zip(*rows, strict=True)
    moments = np.datetime64("2025-01-01", "us") + np.array(days) * np.timedelta64(1, "D")
    columns = {name: random.normal(size=len(rows)) for name in FEATURES}
    columns["a"] = np.arange(len(rows), dtype=np.float64)  # which row it is
    left = yes_or_no(random.random(len(rows)) < 0.4)
    table = pa.table({"customer": which, "day": moments, **columns, "left": left})
    return World(table, {"customer": ("text", "entity"), "day": ("datetime", "time")} | FEATURES)


def yes_or_no(chosen: NDArray[np.bool_]) -> list[str]:
    return np.where(chosen, "yes", "no").tolist()  # type: ignore[no-any-return]


def write(project: Project, world: World, table: str = "clean") -> None:
    """Write a world's contract, and its rows into a table of the project's warehouse."""
    lines = ['positive = "yes"']
    for name, (kind, role) in {**world.columns, "left": ("category", "target")}.items():
        lines += ["[[columns]]", f'name = "{name}"', f'source = "{name}"']
        lines += [f'type = "{kind}"', f'role = "{role}"']
    lines.append('categories = ["no", "yes"]')
    project.contract_file.write_text("\n".join(lines), encoding="utf-8")
    rows = len(world.table)
    numbered = world.table.append_column("_row", [list(range(rows))])
    numbered = numbered.append_column("_source", [["world"] * rows])
    with connect(project) as connection:
        connection.load(table, connection.reader.from_arrow(numbered))
