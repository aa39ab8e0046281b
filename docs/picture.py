# ruff: noqa: INP001  # a script
"""Take the picture of the wizard that the README shows: `uv run python docs/picture.py`.

The real wizard runs in a pseudo-terminal; what stands on its screen becomes docs/wizard.svg.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.cli.terminal_session import DOWN, ENTER, UP, TerminalSession  # noqa: E402

COLUMNS, ROWS = 100, 25


def main() -> None:
    """Answer the wizard as far as the last question, and save the screen."""
    command = [str(Path(sys.executable).parent / "fourhats"), "new", "acme-churn"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {"HOME": folder, "PATH": os.environ["PATH"]}
        session = TerminalSession(
            command, folder=Path(folder), environment=environment, columns=COLUMNS, rows=ROWS
        )
        session.answer("How much do you want to decide now?", ENTER)
        session.answer("What is the project called?", ENTER)
        session.answer("What should the model predict?", DOWN, UP)
        while (before := session.text) != session.read(0.5):
            pass
        used = before.count("\n") + 1
        save(session, used)
        session.process.close(force=True)


def save(session: TerminalSession, rows: int) -> None:
    """Write the first rows of the screen as SVG."""
    console = Console(record=True, width=COLUMNS, file=Path(os.devnull).open("w"), highlight=False)  # noqa: SIM115
    console.print(Text("$ fourhats new acme-churn", style="bold"))
    for row in range(rows):
        line = Text()
        for column in range(COLUMNS):
            cell = session.screen.buffer[row][column]
            colour = None if cell.fg == "default" else cell.fg.replace("brown", "yellow")
            if colour and re.fullmatch(r"[0-9a-f]{6}", colour):
                colour = f"#{colour}"
            line.append(cell.data, Style(color=named(colour), bold=cell.bold))
        line.rstrip()
        console.print(line)
    # No fonts from elsewhere, and a fixed id: the same screen gives the same file.
    page = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    console.save_svg(
        str(REPOSITORY / "docs" / "wizard.svg"),
        title="fourhats",
        theme=MONOKAI,
        code_format=page.replace("Fira Code", "ui-monospace, Menlo, Consolas"),
        unique_id="wizard",
    )


def named(colour: str | None) -> str | None:
    """Translate pyte's name of a colour to rich's."""
    if colour is None or colour.startswith("#"):
        return colour
    return re.sub(r"^bright_?", "bright_", colour)


if __name__ == "__main__":
    main()
