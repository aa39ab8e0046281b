"""What a person wrote in a document is never lost, wherever it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.documents.blocks import enclosed, pieces, read, renewed
from fourhats_runtime.errors import ProjectError
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path

WHERE = "docs/status.md"
LINES = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30).filter(
        lambda line: "fourhats" not in line.lower()
    ),
    max_size=4,
)


def write(path: Path, fresh: str, *, overwrite: bool = False) -> tuple[str, list[str]]:
    """Write a document as `documents.written` does, all of whose text is in blocks."""
    before, without = read(path, WHERE), list[str]()
    after = fresh
    if before is not None:
        own = {piece.name: piece.words for piece in pieces(fresh, WHERE) if piece.name}
        after, without = renewed(before, own, WHERE, overwrite=overwrite)
    path.write_bytes(after.encode("utf-8"))
    return after, without


def mark(name: str, text: str) -> str:
    return enclosed(name, text).rstrip("\n")


def document(*parts: str) -> str:
    return "\n".join(parts)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, min_size=4, max_size=4), st.permutations(["a", "b", "c"]), LINES, LINES)
def test_lines_outside_of_blocks_stay_in_their_order(
    own: list[list[str]], order: list[str], old: list[str], new: list[str]
) -> None:
    there = "".join(f"{line}\n" for line in own[0])
    for name, lines in zip(order, own[1:], strict=True):
        there += enclosed(name, "\n".join(old)) + "".join(f"{line}\n" for line in lines)
    fresh = dict.fromkeys("abcd", "\n".join(new))
    after, without = renewed(there, fresh, WHERE)
    assert without == ["d"]
    found = pieces(after, WHERE)
    mine = ["".join(f"{line}\n" for line in lines) for lines in own]
    assert [piece.text for piece in found if not piece.name] == mine
    assert [piece.name for piece in found if piece.name] == order
    for name in order:
        assert enclosed(name, fresh[name]) in after
    assert renewed(after, fresh, WHERE) == (after, ["d"])


def test_ends_of_lines_stay_and_so_does_what_is_no_ascii(tmp_path: Path) -> None:
    path = tmp_path / "status.md"
    fresh = document(mark("figures", "one"), "", "## Next", "")
    assert write(path, fresh) == (fresh, [])
    theirs = path.read_bytes().replace(b"\n", b"\r\n") + "Grüße, 它\nunlike\r\n".encode()
    path.write_bytes(theirs)
    write(path, document(mark("figures", "two"), ""))
    assert path.read_bytes().endswith("\r\n\r\n## Next\r\nGrüße, 它\nunlike\r\n".encode())
    assert b"two\r\n" in path.read_bytes()
    assert b"one" not in path.read_bytes()


def test_a_block_that_was_deleted_or_lost_its_marks_stays_the_users(tmp_path: Path) -> None:
    fresh = document("# T", mark("a", "1"), mark("b", "2"), mark("c", "3"), "")
    path = tmp_path / "status.md"
    path.write_text(document("# T", mark("a", "0"), "mine", mark("c", "0"), ""), encoding="utf-8")
    after = document("# T", mark("a", "1"), "mine", mark("c", "3"), "")
    assert write(path, fresh) == (after, ["b"])
    assert path.read_text(encoding="utf-8") == after


def test_words_between_marks_are_discarded_when_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "status.md"
    fresh = document(mark("a", "1"), "mine", "")
    path.write_text(fresh.replace("\n1\n", "\nours\n"), encoding="utf-8")
    assert write(path, fresh, overwrite=True) == (fresh, [])


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("<!-- fourhats:end a -->\n", "", "the block 'a' has no end"),
        ("<!-- fourhats:begin a -->\n", "", "line 5: the end of 'a' stands without its beginning"),
        ("<!-- fourhats:begin a -->", "<!-- fourhats:begin a", "line 2: a damaged mark"),
        ("<!-- fourhats:end a -->", "see <!-- fourhats:end a -->", "the block 'a' has no end"),
        (
            "<!-- fourhats:end a -->",
            "<!-- fourhats:end b -->",
            "line 6: the end of 'b' stands before the end of 'a'",
        ),
        (
            "<!-- fourhats:end a -->\n",
            "<!-- fourhats:begin b -->\n",
            "the begin of 'b' stands before the end of 'a'",
        ),
        ("mine\n", "<!-- fourhats:begin a -->\n", "line 7: a second block 'a': keep one"),
        ("\n1\n", "\n1\nmine too\n", "somebody wrote between the marks of 'a'.*--overwrite"),
        ("\n1\n", "\n2\n", "somebody wrote between the marks of 'a'"),
    ],
)
def test_what_is_damaged_is_named_and_left_as_it_is(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    path = tmp_path / "status.md"
    fresh = document("# T", mark("a", "1"), "mine", "")
    damaged = fresh.replace(before, after, 1)
    assert damaged != fresh
    path.write_text(damaged, encoding="utf-8")
    with pytest.raises(ProjectError, match=f"^docs/status.md.*{words}"):
        write(path, fresh)
    assert path.read_text(encoding="utf-8") == damaged


def test_how_a_formatter_lays_a_table_out_is_no_edit() -> None:
    table = "| x | y |\n|---|---|\n| 1 | 2 |"
    fresh = enclosed("a", table)
    laid_out = fresh.replace("|---|---|", "| --- | ------ |").replace(
        "| 1 | 2 |", "| 1   | 2      |"
    )
    assert laid_out != fresh
    assert renewed(laid_out, {"a": table}, WHERE) == (fresh, [])


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "status.md"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ProjectError, match=r"^docs/status.md is no UTF-8 text"):
        write(path, mark("a", "1"))
    assert path.read_bytes() == b"\xff\xfe"
