"""Settings for a project of the tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fourhats_runtime import Project


def with_table(project: Project, table: str, /, **settings: object) -> Project:
    """Give the project with a table of settings more, or with another one of that name."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    file = project.folder / "config" / f"{table}.toml"
    file.write_text("\n".join([f"[{table}]", *lines, ""]), encoding="utf-8")
    return project.at(project.folder)
