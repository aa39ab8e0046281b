"""An exploration as a page, and as text; both say the same."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from fourhats_runtime.explore.facts import Exploration, Section
from fourhats_runtime.files import write_atomically
from fourhats_runtime.monitor.drawn import as_data
from fourhats_runtime.monitor.page import ENVIRONMENT
from fourhats_runtime.project import Project


def as_html(found: Exploration) -> str:
    """Give the page, pictures and all."""
    template = ENVIRONMENT.get_template("exploration.html")
    return template.render(found=found, as_data=as_data)


def sections_as_html(found: Exploration) -> str:
    """Give what stands in the page, for a page that is another's, such as a notebook."""
    template = ENVIRONMENT.get_template("exploration_sections.html")
    return template.render(found=found, as_data=as_data)


def as_markdown(found: Exploration) -> str:
    """Give the text, without pictures: what they show stands in the tables."""
    lines = [f"# Exploration: {found.name}"]
    for section in found.sections:
        lines += ["", f"## {section.title}", "", *_lines(section)]
    return "\n".join(lines) + "\n"


def write(project: Project, found: Exploration) -> Path:
    """Write the page; gives its path."""
    path = project.artifacts / "reports" / "exploration.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, as_html(found))
    return path


def _lines(section: Section) -> Iterator[str]:
    yield "\n\n".join(section.words)
    if section.table is not None:
        yield ""
        yield _row(section.table.head)
        yield _row(["---"] * len(section.table.head))
        for cells in section.table.rows:
            yield _row(cells)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
