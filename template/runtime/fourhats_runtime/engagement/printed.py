"""Markdown on paper: headings, paragraphs, lists, tables and code, in the layout of all PDFs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from fourhats_runtime.monitor.pdf import FONT, LARGE, QUIET, SIZE, SMALL, TITLE, Pages

if TYPE_CHECKING:
    from markdown_it.token import Token

SIZES = {"h1": TITLE, "h2": LARGE}
GAP = 3.0  # millimetres that a cell has beside its words
BLANK = "\n "
"""Of a cell that is filled in by hand: it takes two lines."""


def print_markdown(text: str, path: Path, author: str) -> None:
    """Write a document as PDF; comments, such as marks, are left out."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    titles = (_plain(tokens[n + 1]) for n, token in enumerate(tokens) if token.tag == "h1")
    pages = Pages(next(titles, path.stem), author)
    pages.set_creation_date(datetime.now(UTC))
    inside: list[str] = []
    number = 0
    while number < len(tokens):
        token = tokens[number]
        if token.type == "table_open":
            end = next(n for n in range(number, len(tokens)) if tokens[n].type == "table_close")
            _table(pages, tokens[number:end])
            number = end
        elif token.type.endswith("list_open"):
            inside.append("1" if token.type.startswith("ordered") else "•")
        elif token.type.endswith("list_close"):
            inside.pop()
        elif token.type == "inline":
            _paragraph(pages, token, tokens[number - 1], inside)
        elif token.type in {"fence", "code_block"}:
            pages.text(token.content.rstrip("\n"), SMALL, color=QUIET)
        number += 1
    pages.output(path)


def _paragraph(pages: Pages, token: Token, opened: Token, inside: list[str]) -> None:
    words = _plain(token)
    if opened.type == "heading_open":
        if opened.tag == "h1":
            pages.text(words, TITLE, bold=True)
        else:
            pages.heading(words)
        return
    is_strong = token.content.startswith("**") and token.content.endswith("**")
    if inside:
        point = inside[-1]
        if point.isdigit():
            inside[-1] = str(int(point) + 1)
            point += "."
        words = f"{'    ' * (len(inside) - 1)}{point}  {words}"
    pages.text(words, SIZE, bold=is_strong)


def _table(pages: Pages, tokens: Sequence[Token]) -> None:
    rows: list[list[str]] = []
    for number, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"th_open", "td_open"}:
            rows[-1].append(_plain(tokens[number + 1]))
    head, *body = rows
    by_hand = [row if any(row[1:]) else [row[0], *(BLANK for _ in row[1:])] for row in body]
    pages.rows(head if any(head) else (), by_hand, widths(pages, rows))


def widths(pages: Pages, rows: Sequence[Sequence[str]]) -> list[float]:
    """Share out the page's width: each column has its longest word, the rest goes by its texts."""
    pages.set_font(FONT, "B", SMALL * pages.scale)
    least, wanted = [], []
    for column in zip(*rows, strict=True):
        words = [word for each in column for word in each.split()]
        least.append(max(map(pages.get_string_width, words), default=0.0) + GAP)
        wanted.append(max(map(pages.get_string_width, column)) + GAP)
    left = pages.epw - sum(least)
    if left < 0:  # a word is broken, as there is no other way
        return least
    more = [min(want, pages.epw) - low for want, low in zip(wanted, least, strict=True)]
    share = left / max(sum(max(0.0, each) for each in more), 1.0)
    return [low + max(0.0, each) * share for low, each in zip(least, more, strict=True)]


def _plain(token: Token) -> str:
    return re.sub(r"[ \t]+", " ", "".join(_words(token))).strip()


def _words(token: Token) -> Iterator[str]:
    """Give the words of a line without its markup; of a link, where it leads, too."""
    link = ""
    for part in token.children or ():
        if part.type in {"text", "code_inline"}:
            yield part.content
        elif part.type == "softbreak":
            yield " "
        elif part.type == "hardbreak":
            yield "\n"
        elif part.type == "image":
            yield part.content
        elif part.type == "link_open":
            link = str(part.attrs.get("href", ""))
        elif part.type == "link_close" and link.startswith("http"):
            yield f" ({link})"
