"""A document as PDF: from its Markdown, so that what the user wrote is on paper, too.

What no page should have to guess at stays text: raw HTML, for one, is shown as it was typed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from fpdf import FontFace
from fpdf.enums import TableBordersLayout
from fpdf.errors import FPDFException
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from matplotlib import get_data_path

from fourhats_runtime.documents.blocks import pieces
from fourhats_runtime.documents.parts import SIGNATURES
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.monitor.pdf import FONT, HEAD, INK, LINE, QUIET, RULE, SIZE, SMALL, Pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


HEADINGS, LOWER = {"h1": 17.0, "h2": 12.0}, 10.5  # points
COMMENT = re.compile(r"^[ \t]*<!--.*?-->[ \t]*$", re.DOTALL | re.MULTILINE)
INDENT, MARGIN = 6.0, 18.0  # millimetres
WIDEST = 75.0
"""Millimetres beyond which a column asks for no more room of the others."""
PADDING = (1.0, 3.0, 1.0, 1.0)
"""Of a cell, clockwise from its top: numbers set to the right keep their distance from words."""
TO_SIGN = 14.0
ALONE = 30.0
"""Millimetres that a heading wants beneath it."""
SIGNED = 75.0
"""Millimetres from the heading above the lines to sign on to their end: they are not torn apart."""


class Run(NamedTuple):
    """Letters of one style: B is bold, I slanted."""

    text: str
    style: str


class Cover(NamedTuple):
    """What is said of a document, on each page and in the file."""

    title: str
    author: str
    foot: str
    language: str


class Paper(Pages):
    """A4 pages, each with the document's name, its version and its number at the foot."""

    def __init__(self, cover: Cover) -> None:
        """Begin the first page."""
        self.foot = cover.foot
        super().__init__(cover.title, cover.author)
        for style, file in (("I", "DejaVuSans-Oblique"), ("BI", "DejaVuSans-BoldOblique")):
            self.add_font(FONT, style, f"{get_data_path()}/fonts/ttf/{file}.ttf")
        self.set_lang(cover.language)

    def footer(self) -> None:
        """Write what a loose page has to say."""
        self.set_y(-14)
        self.set_font(FONT, "", SMALL)
        self.set_text_color(*QUIET)
        room, foot = self.epw * 0.85, self.foot
        while self.get_string_width(foot) > room:
            foot = f"{foot[:-2]}…"
        self.cell(room, LINE, foot)
        self.cell(0, LINE, f"{self.page_no()} / {{nb}}", align="R")

    def flow(self, runs: Sequence[Run], size: float = SIZE, indent: float = 0.0) -> None:
        """Write a paragraph whose words differ in style."""
        self.set_left_margin(MARGIN + indent)
        self.set_x(self.l_margin)
        self.set_text_color(*INK)
        for text, style in runs:
            self.set_font(FONT, style, size)
            self.write(size * 0.5, text)
        self.ln(size * 0.5)
        self.set_left_margin(MARGIN)

    def grid(self, rows: Sequence[Sequence[Sequence[Run]]], numbers: Sequence[int]) -> None:
        """Draw a table; its first row is the head, unless nothing stands in it."""
        texts = [["".join(run.text for run in cell) for cell in row] for row in rows]
        headed = any(texts[0])
        if not headed:
            rows, texts = rows[1:], texts[1:]
        widths = self._widths(texts)
        self.set_font(FONT, "", SMALL)
        self.set_text_color(*INK)
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.ln(0.5)
        with self.table(
            col_widths=widths,
            text_align=tuple("RIGHT" if n in numbers else "LEFT" for n in range(len(rows[0]))),
            first_row_as_headings=headed,
            headings_style=FontFace(emphasis="BOLD", fill_color=HEAD),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            line_height=LINE * 0.85,
            padding=PADDING,
        ) as table:
            for cells, words in zip(rows, texts, strict=True):
                row = table.row()
                for runs, text in zip(cells, words, strict=True):
                    styles = {run.style for run in runs}
                    style = styles.pop() if len(styles) == 1 else ""
                    row.cell(text, style=FontFace(emphasis=style) if style else None)
        self.ln(2)

    def _widths(self, rows: Sequence[Sequence[str]]) -> tuple[float, ...]:
        """Share the width out: to each column its longest word, then by how much it has to say."""
        self.set_font(FONT, "B", SMALL)
        columns = list(zip(*rows, strict=True))
        room = PADDING[1] + PADDING[3] + 1
        least = [
            max(self.get_string_width(word) for text in each for word in text.split() or [""])
            for each in columns
        ]
        wish = [min(WIDEST, max(map(self.get_string_width, each))) for each in columns]
        least = [min(WIDEST, each) + room for each in least]
        more = [max(0.0, each + room - low) for each, low in zip(wish, least, strict=True)]
        left = self.epw - sum(least)
        if left <= 0:
            return tuple(self.epw * each / sum(least) for each in least)
        total = sum(more)
        if total <= left:  # there is room for all, and more
            whole = [low + each for low, each in zip(least, more, strict=True)]
            return tuple(self.epw * each / sum(whole) for each in whole)
        return tuple(low + left * each / total for low, each in zip(least, more, strict=True))

    def lines_to_sign(self, parties: Sequence[str], lines: Sequence[str]) -> None:
        """Draw the lines that are signed on."""
        gap = 10.0
        width = (self.epw - gap * (len(parties) - 1)) / len(parties)
        places = [MARGIN + n * (width + gap) for n in range(len(parties))]
        self.set_text_color(*INK)
        self.set_font(FONT, "B", SIZE)
        top = self.get_y()
        below = top
        for place, party in zip(places, parties, strict=True):
            self.set_xy(place, top)
            self.multi_cell(width, LINE, party, align="L")
            below = max(below, self.get_y())
        self.set_draw_color(*QUIET)
        self.set_line_width(0.3)
        self.set_font(FONT, "", SMALL)
        for number, words in enumerate(lines, start=1):
            y = below + number * TO_SIGN - 4
            for place in places:
                self.line(place + self.c_margin, y, place + width, y)
                self.set_xy(place, y + 0.5)
                self.cell(width, 4, words)
        self.set_xy(MARGIN, below + len(lines) * TO_SIGN + 2)


def paper(text: str, where: str, cover: Cover) -> Paper:
    """Set a document's Markdown; `where` is what it is called in messages.

    Raises:
        ProjectError: something in it cannot be set on a page.

    """
    page = Paper(cover)
    try:
        for piece in pieces(text, where):
            for node in _nodes(piece.text):
                _set(page, node, piece.name)
    except FPDFException as problem:
        raise ProjectError(f"{where} cannot be set as PDF: {problem}") from problem
    return page


def lacking(text: str, page: Paper) -> str:
    """Name the letters that the font does not have."""
    known = page.fonts[FONT.lower()].cmap  # type: ignore[union-attr]
    return "".join(
        sorted(
            {sign for sign in COMMENT.sub("", text) if ord(sign) not in known} - {"\n", "\r", "\t"}
        )
    )


def _nodes(text: str) -> list[SyntaxTreeNode]:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return SyntaxTreeNode(parser.parse(COMMENT.sub("", text))).children


def _set(page: Paper, node: SyntaxTreeNode, block: str, indent: float = 0.0) -> None:
    """Set a paragraph, or whatever has paragraphs in it."""
    if node.type == "heading":
        _heading(page, node, block)
    elif node.type == "table":
        _table(page, node, block)
    elif node.type in ("bullet_list", "ordered_list"):
        first = int(node.attrs.get("start", 1))
        for number, item in enumerate(node.children, start=first):
            sign = "•" if node.type == "bullet_list" else f"{number}."
            _item(page, item, sign, block, indent)
        page.ln(0.0 if indent else 1.5)
    elif node.type in ("fence", "code_block"):
        for line in node.content.rstrip("\n").split("\n"):
            page.flow([Run(line, "")], SMALL, indent + INDENT)
        page.ln(1.5)
    elif node.type == "paragraph":
        page.flow(list(_runs(node)), SIZE, indent)
        page.ln(1.5)
    else:  # a quotation; a rule between paragraphs has none in it, and is room alone
        for child in node.children:
            _set(page, child, block, indent + INDENT)
        page.ln(1.5)


def _heading(page: Paper, node: SyntaxTreeNode, block: str) -> None:
    first = node.tag == "h1"
    if not first and page.will_page_break(SIGNED if block == SIGNATURES else ALONE):
        page.add_page()
    page.ln(0.0 if first else 3.0)
    size = HEADINGS.get(node.tag, LOWER)
    page.flow([Run(run.text, "B") for run in _runs(node)], size)
    page.ln(1.5)


def _table(page: Paper, node: SyntaxTreeNode, block: str) -> None:
    lines = list(_rows(node))
    rows = [[list(_runs(cell)) for cell in line.children] for line in lines]
    if block == SIGNATURES:
        words = [["".join(run.text for run in cell) for cell in row] for row in rows]
        page.lines_to_sign(words[0][1:], [row[0] for row in words[1:]])
        return
    head = lines[0].children
    right = [n for n, cell in enumerate(head) if "right" in str(cell.attrs.get("style", ""))]
    page.grid(rows, right)


def _item(page: Paper, item: SyntaxTreeNode, sign: str, block: str, indent: float) -> None:
    """Set an item: its sign stands before its first line."""
    children = item.children
    if page.will_page_break(SIZE * 0.5):
        page.add_page()
    page.set_font(FONT, "", SIZE)
    page.set_text_color(*INK)
    page.set_x(MARGIN + indent + 1)
    page.cell(INDENT, SIZE * 0.5, sign)
    if children and children[0].type == "paragraph":
        page.flow(list(_runs(children[0])), SIZE, indent + INDENT)
        children = children[1:]
    page.ln(0.8)
    for child in children:
        _set(page, child, block, indent + INDENT)


def _rows(table: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    for part in table.children:
        yield from part.children


def _runs(node: SyntaxTreeNode, style: str = "") -> Iterator[Run]:
    """Give the letters of a paragraph, a heading or a cell, by their style."""
    for child in node.children:
        if child.type in ("softbreak", "hardbreak"):
            yield Run(" " if child.type == "softbreak" else "\n", style)
        elif child.type in ("strong", "em"):
            added = "B" if child.type == "strong" else "I"
            yield from _runs(child, "".join(sorted({*style, added})))
        elif child.children:
            yield from _runs(child, style)
            if child.type == "link" and child.attrs.get("href") not in (None, "", child.content):
                yield Run(f" ({child.attrs['href']})", style)
        elif child.content:
            yield Run(child.content, style)
