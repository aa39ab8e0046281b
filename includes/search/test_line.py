"""The line runs from documents to a report, and ends with an index that finds."""

from fourhats_runtime import Project
from fourhats_runtime.pipeline import Result, run_step

Line = dict[str, Result]


def test_the_line_ends_with_a_champion_and_a_report(project: Project, line: Line) -> None:
    assert line["promote"].facts["promoted"] is True
    report = (project.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    assert all(tried["name"] in report for tried in line["train"].facts["table"])


def test_words_alone_are_not_worth_more_beyond_chance(line: Line) -> None:
    assert line["evaluate"].facts["ahead"] == []


def test_trained_again_no_text_is_embedded_anew(project: Project, line: Line) -> None:
    again = run_step("train", project)
    assert again.rows_out == line["train"].rows_out > 0
    assert again.facts["embedded"] == 0
