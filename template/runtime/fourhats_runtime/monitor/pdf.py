"""Pages of PDF, by fpdf2: nothing but Python packages is needed for them.

The fonts are those of matplotlib: Latin, Greek and Cyrillic, and no East Asian script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from fpdf import FPDF, FontFace
from fpdf.enums import TableBordersLayout, XPos, YPos

from fourhats_runtime.monitor.drawn import as_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONT = "DejaVu"
SIZE, SMALL, LARGE, TITLE = 9.5, 8, 12, 17  # points
LINE = 5  # millimetres
INK, QUIET, HEAD, RULE = (26, 26, 26), (90, 90, 90), (235, 240, 245), (205, 205, 205)


class Pages(FPDF):
    """A4 pages, with the number of each at its foot.

    All letters and lines are `scale` times as large.
    """

    def __init__(self, title: str, author: str, scale: float = 1.0) -> None:
        """Begin the first page."""
        self.scale = scale
        super().__init__(format="A4")
        fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
        self.add_font(FONT, "", fonts / "DejaVuSans.ttf")
        self.add_font(FONT, "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_title(title)
        self.set_author(author)
        self.set_lang("en")
        self.set_auto_page_break(auto=True, margin=18)
        self.set_margins(18, 16, 18)
        self.add_page()

    def footer(self) -> None:
        """Write the number of the page."""
        self.set_y(-14)
        self.set_font(FONT, "", SMALL)
        self.set_text_color(*QUIET)
        self.cell(0, LINE, f"{self.page_no()} / {{nb}}", align="R")

    def text(  # type: ignore[override]
        self,
        words: str,
        size: float = SIZE,
        *,
        bold: bool = False,
        color: tuple[int, int, int] = INK,
    ) -> None:
        """Write a paragraph as it stands: nothing in it is markup."""
        if not words:
            return
        size *= self.scale
        self.set_font(FONT, "B" if bold else "", size)
        self.set_text_color(*color)
        self.multi_cell(0, size * 0.5, words, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1.5 * self.scale)

    def heading(self, words: str) -> None:
        """Write a heading, and begin a page rather than leave it alone at a foot."""
        if self.will_page_break(25):
            self.add_page()
        self.ln(3 * self.scale)
        self.text(words, LARGE, bold=True)

    def points(self, lines: Iterable[str], nothing: str = "") -> None:
        """Write a list, or that there is nothing."""
        for line in lines:
            self.text(f"•  {line}")
            nothing = ""
        self.text(nothing)

    def figure(self, title: str, figure: Figure) -> None:
        """Draw a plot over the width of the page."""
        width, height = figure.get_size_inches()
        drawn = self.epw * height / width
        if self.will_page_break(drawn + 2 * LINE):
            self.add_page()
        self.text(title, SIZE, bold=True)
        self.image(as_png(figure, dpi=160), w=self.epw, h=drawn, alt_text=title)
        self.ln(2)

    def rows(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        numbers: Sequence[int] = (),
        nothing: str = "",
    ) -> None:
        """Draw a table, whose head is repeated on each page; or say that there is nothing."""
        if not rows:
            self.text(nothing)
            return
        self.set_font(FONT, "", SMALL * self.scale)
        self.set_text_color(*INK)
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        with self.table(
            col_widths=tuple(widths),
            text_align=tuple("RIGHT" if n in numbers else "LEFT" for n in range(len(widths))),
            first_row_as_headings=bool(head),
            headings_style=FontFace(emphasis="BOLD", fill_color=HEAD),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            line_height=LINE * 0.85 * self.scale,
            padding=self.scale,
        ) as table:
            for cells in (head, *rows) if head else rows:
                table.row(list(cells))
        self.ln(2)
