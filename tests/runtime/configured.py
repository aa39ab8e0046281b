"""A project whose settings are others, as its own files have them."""

import json
from typing import Any

from fourhats_runtime import Project


def configured(project: Project, *key_hashes: str, **tables: dict[str, Any]) -> Project:
    """Write tables of config/, and the hashes of the keys that are good; gives it read anew."""
    hashes = f"API_KEY_HASHES={','.join(key_hashes)}\n"
    (project.folder / ".env").write_text(hashes, encoding="utf-8")
    for name, values in tables.items():
        # What JSON writes of texts, numbers, truths and lists of them, TOML reads.
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in values.items()]
        path = project.folder / "config" / f"{name}.toml"
        path.write_text(f"[{name}]\n{''.join(lines)}", encoding="utf-8")
    return project.at(project.folder)
