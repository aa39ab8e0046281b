"""A folder's files as values: read, changed, written and compared."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple, TypeAlias


class Entry(NamedTuple):
    """What stands at a path; a link's content is its target, an empty folder has none."""

    content: bytes
    kind: str = "file"


Tree: TypeAlias = dict[str, Entry]
"""Entries by path, relative and with slashes."""


def read(folder: Path) -> Tree:
    """Read a folder, but for its `.git`."""
    tree: Tree = {}
    for place, folders, files in os.walk(folder):
        here = Path(place)
        if here == folder and ".git" in folders + files:
            (folders if ".git" in folders else files).remove(".git")
        links = [name for name in folders if (here / name).is_symlink()]
        for name in files + links:
            path = here / name
            tree[path.relative_to(folder).as_posix()] = _entry(path)
        if here != folder and not folders and not files:
            tree[here.relative_to(folder).as_posix()] = Entry(b"", "folder")
    return tree


def write(tree: Tree, folder: Path) -> None:
    """Make a folder hold exactly this, and its `.git`."""
    present = read(folder)
    for path in present.keys() - tree.keys():
        _remove(folder / path)
        _remove_empty(folder, (folder / path).parent)
    for path, entry in tree.items():
        if present.get(path) == entry:
            continue
        place = folder / path
        _remove(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "link":
            place.symlink_to(os.fsdecode(entry.content))
        else:
            place.write_bytes(entry.content)
            place.chmod(0o755 if entry.kind == "executable" else 0o644)


def lines(content: bytes) -> list[bytes]:
    """Split into lines; a carriage return is part of its line."""
    return content.removesuffix(b"\n").split(b"\n") if content else []


def is_binary(content: bytes) -> bool:
    """Tell whether git takes it for binary."""
    return b"\0" in content[:8000]


def differences(before: Tree, after: Tree) -> str:
    """Name the paths at which two trees differ, one a line; nothing if they are the same."""
    return "\n".join(
        f"{path}: {before.get(path, 'absent')!r:.300} became {after.get(path, 'absent')!r:.300}"
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    )


def _entry(path: Path) -> Entry:
    if path.is_symlink():
        return Entry(os.fsencode(path.readlink()), "link")
    kind = "executable" if path.stat().st_mode & 0o100 else "file"
    return Entry(path.read_bytes(), kind)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_empty(top: Path, folder: Path) -> None:
    while folder != top and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
