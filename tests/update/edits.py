"""What users do to their projects, at random."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.update.snapshot import Entry, Tree, is_binary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OWN_NAMES = [
    *("mine.py", "docs/mine.md", "batch/mine.py", "lib/mine.py", "config/mine.toml"),
    *("notes/mine.md", "my folder/my notes.md", "größe.md", "[1].md", "-dash.md", "a'b\"c.md"),
    *("README.md.kept", "app.py.kept", "legacy.py.kept"),
]
"""Names for files of one's own, some of which an update might want for itself."""


MARK = b"MARK"
"""Stands in what is written for something unlike anything else."""


@dataclass(frozen=True)
class Edit:
    """Something done to a project's files; nothing, where it cannot be done."""

    act: Callable[..., None]
    arguments: tuple[object, ...]

    def __repr__(self) -> str:
        """Show it as a call."""
        return f"{self.act.__name__}({', '.join(map(repr, self.arguments))})"


def insert(tree: Tree, path: str, place: int, count: int) -> None:
    _splice(tree, path, place, 0, [MARK + b" inserted %d" % number for number in range(count)])


def change(tree: Tree, path: str, place: int, count: int) -> None:
    _splice(tree, path, place, count, [MARK + b" changed %d" % number for number in range(count)])


def cut(tree: Tree, path: str, place: int, count: int) -> None:
    _splice(tree, path, place, count, [])


def reformat(tree: Tree, path: str) -> None:
    _fill(tree, path, re.sub(rb"(?m)^(?=.)", b"\t", _text(tree, path)))


def use_windows_line_ends(tree: Tree, path: str) -> None:
    _fill(tree, path, re.sub(rb"\r?\n", b"\r\n", _text(tree, path)))


def open_end(tree: Tree, path: str) -> None:
    _fill(tree, path, _text(tree, path).rstrip(b"\r\n"))


def replace_by_binary(tree: Tree, path: str) -> None:
    _fill(tree, path, b"\0\xff" + MARK + bytes(range(256)))


def change_mode(tree: Tree, path: str) -> None:
    entry = tree.get(path)
    if entry and entry.kind != "link":
        kind = "file" if entry.kind == "executable" else "executable"
        tree[path] = entry._replace(kind=kind)


def delete(tree: Tree, path: str) -> None:
    tree.pop(path, None)


def move(tree: Tree, path: str, to: str) -> None:
    if path in tree:
        _put(tree, to, tree.pop(path))


def add(tree: Tree, path: str, content: bytes) -> None:
    _put(tree, path, Entry(content))


def link(tree: Tree, path: str, target: str) -> None:
    _put(tree, path, Entry(target.encode(), "link"))


def edits(rendered: st.SearchStrategy[str], others: Sequence[str]) -> st.SearchStrategy[list[Edit]]:
    """Draw some edits of rendered files, and of one's own under `others`, as they are made."""
    anywhere = rendered | st.sampled_from(others)
    place = st.integers(0, 15)
    count = st.integers(1, 4)
    content = st.sampled_from(
        [
            b"",
            MARK + b"\n",
            MARK + b" one\n" + MARK + b" two",
            MARK + b" one\r\n" + MARK + b" two\r\n",
            b"\0" + MARK + b"\xff",
            MARK + b" gr\xf6\xdfe in latin-1\n",
            b"<<<<<<< " + MARK + b"\n=======\n>>>>>>> " + MARK + b"\n",
        ]
    )
    drawn = {
        insert: (rendered, place, count),
        change: (rendered, place, count),
        cut: (rendered, place, count),
        reformat: (rendered,),
        use_windows_line_ends: (rendered,),
        open_end: (rendered,),
        replace_by_binary: (rendered,),
        change_mode: (rendered,),
        delete: (rendered,),
        move: (rendered, anywhere),
        add: (anywhere, content),
        link: (anywhere, st.sampled_from(["app.py", "docs", "nowhere"])),
    }
    one = [st.builds(Edit, st.just(act), st.tuples(*arguments)) for act, arguments in drawn.items()]
    return st.lists(st.one_of(one), min_size=1, max_size=8)


def edited(tree: Tree, made: Sequence[Edit], mark: str = "mine") -> Tree:
    """Give a tree after these edits, each with a mark of its own in what it wrote."""
    result = dict(tree)
    for number, edit in enumerate(made):
        edit.act(result, *edit.arguments)
        own = f"{mark}-{number}".encode()
        for path, entry in result.items():
            if MARK in entry.content:
                result[path] = entry._replace(content=entry.content.replace(MARK, own))
    return result


def _text(tree: Tree, path: str) -> bytes:
    entry = tree.get(path)
    return b"" if not entry or entry.kind == "link" or is_binary(entry.content) else entry.content


def _splice(tree: Tree, path: str, place: int, count: int, written: list[bytes]) -> None:
    content = _text(tree, path)
    if not content:
        return
    end = b"\r\n" if b"\r\n" in content else b"\n"
    texts = content.removesuffix(end).split(end)
    place = min(place, len(texts))
    texts[place : place + count] = written
    last = end if content.endswith(end) else b""
    _fill(tree, path, end.join(texts) + last if texts else b"")


def _fill(tree: Tree, path: str, content: bytes) -> None:
    entry = tree.get(path)
    if entry and entry.kind != "link":
        tree[path] = entry._replace(content=content)


def _put(tree: Tree, path: str, entry: Entry) -> None:
    """Put an entry in its place, and take away what cannot be there with it."""
    parts = path.split("/")
    for end in range(1, len(parts)):
        tree.pop("/".join(parts[:end]), None)
    for below in [name for name in tree if name.startswith(f"{path}/")]:
        del tree[below]
    tree[path] = entry
