"""The line runs from raw rows to a report, and ends with a model that is worth something."""

from fourhats_runtime import Project
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.pipeline import Result, run_step

Line = dict[str, Result]


def test_the_line_ends_with_a_champion_a_report_and_a_model_card(
    project: Project, line: Line
) -> None:
    assert line["promote"].facts["promoted"] is True
    assert Model.champion(project).version == line["promote"].facts["champion"]
    report = (project.artifacts / "reports" / "report.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in report
    card = (project.folder / "docs" / "model_card.md").read_text(encoding="utf-8")
    assert card.startswith("# Model card")


def test_no_baseline_is_worth_more_beyond_chance(line: Line) -> None:
    assert line["evaluate"].facts["ahead"] == []


def test_transformed_again_the_table_is_the_same(project: Project, line: Line) -> None:
    again = run_step("transform", project)
    assert again.rows_out == line["transform"].rows_out > 0
