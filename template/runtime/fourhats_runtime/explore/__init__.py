"""Exploration: what the rows are like, what tells the outcome, and what that is worth."""

from fourhats_runtime.data.warehouse import connect, require
from fourhats_runtime.explore import association, described, leaks, outcome, repeats, segments, time
from fourhats_runtime.explore.facts import Exploration, Section, Table
from fourhats_runtime.explore.overview import left_out, overview, quality
from fourhats_runtime.explore.page import as_html, as_markdown, write
from fourhats_runtime.explore.sample import Rows
from fourhats_runtime.project import Project

__all__ = ["Exploration", "Section", "Table", "as_html", "as_markdown", "explore", "write"]


def explore(project: Project) -> Exploration:
    """Look at the table `clean`, which `transform` writes.

    Raises:
        ProjectError: it is not there yet, or cannot be read; or features.py fails.

    """
    with connect(project, read_only=True) as connection:
        require(connection, "clean", "transform")
        rows = Rows.of(connection, project)
        told = outcome.told(rows)
        order = [each.name for each in told] or list(rows.codes)
        segment = segments.differing(rows, order) if told else []
        return Exploration(
            project.contract.table,
            [
                overview(connection, rows),
                quality(connection),
                outcome.section(rows, told),
                segments.section(rows, segment),
                time.section(rows, time.by_period(rows)),
                described.described(rows, order),
                association.section(rows, association.associated(rows, order)),
                repeats.section_of_gaps(rows),
                repeats.section_of_repeats(rows),
                leaks.section(rows),
                left_out(rows),
            ],
        )
