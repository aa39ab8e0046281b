"""Each number of a document is its source's: change the source, and the document says so."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import typer
from fourhats_runtime.cli import Commands
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.engagement import accept, criteria, write_exit_report, write_status
from fourhats_runtime.engagement.acceptance import noted
from fourhats_runtime.engagement.trial import Address
from fourhats_runtime.engagement_commands import EngagementCommands
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.retrace import AnotherModelError
from fourhats_runtime.serve import create_app

from tests.runtime.serve.served import served as in_a_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fourhats_runtime import Project

WITHOUT = "[acceptance]\nreproducible = false\n"
ESTIMATE = {
    "effort_days": {"p50": 12.5, "p80": 17.0, "p95": 21.0},
    "end": {"p50": "2027-01-20", "p80": "2027-02-03", "p95": "2027-02-20"},
    "packages": [{"name": "train", "title": "First model", "mean_days": 4.2}],
}


@contextmanager
def serve(project: Project) -> Iterator[Address]:
    with in_a_thread(create_app(project)) as there:
        yield Address(there.port, "")


def agreed(project: Project, text: str = WITHOUT) -> Project:
    """Say what was agreed; gives the project with it, without an API."""
    (project.folder / "config" / "engagement.toml").write_text(text, encoding="utf-8")
    return replace(project.at(project.folder), serving=["batch"])


def noted_file(project: Project, name: str) -> Path:
    registry = Registry(project.artifacts / "registry")
    return registry.folder(registry.require("champion")) / name


def on_real_rows(project: Project, **changed: object) -> None:
    """Have the champion be judged on rows that are not made up."""
    path = noted_file(project, "evaluation.json")
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(facts | {"made_up": False} | changed), encoding="utf-8")


def measured(project: Project) -> dict[str, criteria.Criterion]:
    found, _ = accept(project)
    return {each.name: each for each in found.criteria}


def text_of(project: Project, name: str) -> str:
    return (project.folder / "docs" / name).read_text(encoding="utf-8")


def test_what_is_measured_is_met_and_made_up_rows_are_not_accepted(ran: Project) -> None:
    agreed(ran, f"{WITHOUT}explained = true\n")
    found, (page, printed) = accept(ran, serve)
    states = {each.name: each.state for each in found.criteria}
    assert states == {
        "value": "not measured",
        **dict.fromkeys(("latency", "available", "explained", "rows", "age"), "met"),
    }
    assert "the rows are made up" in str(found.criteria[0].measured)
    assert (str(found.verdict), found.named) == (
        "1 of 6 criteria are open",
        "not measured: value",
    )
    text = page.read_text(encoding="utf-8")
    assert "**Not accepted: 1 of 6 criteria are open.**" in text
    assert f"| Model | {found.version} |" in text
    for each in found.criteria:
        assert f"(`{each.source}`)" in text
    assert printed.read_bytes().startswith(b"%PDF-")
    assert noted(ran, found.version) == found
    with connect(ran, read_only=True) as connection:
        ((case,), *_) = criteria.asking(connection, ran).bodies
    assert {column.name for column in ran.contract.features} <= case.keys()


def test_the_value_follows_the_evaluation_and_the_limit(ran: Project) -> None:
    project = agreed(ran)
    gain = {"over": "leave all alone", "rows": 400, "gain": 2.0, "low": 1.5, "high": 2.5}
    gain |= {"is_better": True}
    on_real_rows(ran, gain=gain, monthly_volume=1000, currency="CHF")
    found = measured(project)["value"]
    what = "Value, over the best policy without a model: leave all alone"
    assert str(found.what) == what
    assert (found.state, found.figure, found.low, found.high) == ("met", 2000, 1500, 2500)
    words = (
        "+CHF\xa02,000 (95% interval: +CHF\xa01,500 to +CHF\xa02,500) a month, on 400 unseen rows"
    )
    assert str(found.measured) == words
    assert words in text_of(project, "acceptance.md")
    project = agreed(ran, f"{WITHOUT}value_a_month = 1500\n")
    assert measured(project)["value"].state == "not met"  # it has to be more, with the whole of it
    noted_file(ran, "evaluation.json").unlink()
    assert measured(project)["value"].state == "not measured"


def test_todays_rule_is_what_counts_where_there_is_one(ran: Project) -> None:
    from fourhats_runtime.pipeline import run_step  # noqa: PLC0415

    business = ran.folder / "config" / "business.toml"
    rule = 'owner = "x"\ntoday = "tenure_months > 60"\n'
    business.write_text(re.sub(r"owner = .*\n", rule, business.read_text()), encoding="utf-8")
    project = agreed(ran)
    evaluation = run_step("evaluate", project).facts
    assert evaluation["gain"]["over"] != "decide by today's rule"  # a worse one than acting on all
    on_real_rows(project)
    found = measured(project)["value"]
    assert str(found.what) == "Value, over today's rule"
    policies, volume = evaluation["policies"], evaluation["monthly_volume"]
    expected = (evaluation["value"] - policies["decide by today's rule"]) * volume
    assert found.figure == pytest.approx(expected)
    assert found.low is not None
    assert found.high is not None
    assert found.low < expected < found.high


def test_data_quality_follows_the_latest_run(ran: Project) -> None:
    project = agreed(ran)
    before = measured(project)
    assert (before["rows"].state, before["age"].state) == ("met", "met")
    with connect(ran) as connection:
        connection.execute("UPDATE runs SET run_at = run_at - INTERVAL 40 DAY")
        connection.execute("UPDATE quality SET figure = 0.07 WHERE name = 'contract'")
    after = measured(project)
    assert after["rows"].state == "not met"
    assert after["rows"].figure == pytest.approx(0.93)
    assert (after["age"].state, str(after["age"].measured)) == ("not met", "40.0 days")
    with connect(ran) as connection:
        connection.execute("DELETE FROM runs")
        connection.execute("DROP TABLE quality")
    gone = measured(project)
    assert str(gone["rows"].measured) == "no row was validated yet: `validate`"
    assert str(gone["age"].measured) == "nothing was ever extracted: `extract`"


@pytest.mark.parametrize(
    ("error", "state"), [(AnotherModelError, "not met"), (ProjectError, "not measured")]
)
def test_another_model_is_not_met_and_what_cannot_be_tried_not_measured(
    ran: Project, monkeypatch: pytest.MonkeyPatch, error: type[ProjectError], state: str
) -> None:
    def fail(_project: Project, _version: str) -> None:
        raise error("the words")

    monkeypatch.setattr(criteria, "retrace", fail)
    found = measured(agreed(ran, ""))["retraced"]
    assert (found.state, str(found.measured)) == (state, "the words")


def test_the_command_ends_with_1_and_one_line_until_all_is_met(
    ran: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project = agreed(ran)
    commands = EngagementCommands(Commands(project).checked)
    with pytest.raises(typer.Exit) as ended:
        commands.accept()
    said = capsys.readouterr()
    assert ended.value.exit_code == 1
    assert said.err == "not accepted: 1 of 3 criteria are open (not measured: value)\n"
    assert "Protocol: docs/acceptance.md\nProtocol: docs/acceptance.pdf\n" in said.out
    on_real_rows(ran)
    commands.accept(as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["accepted"] is True
    assert [each["state"] for each in facts["criteria"]] == ["met"] * 3
    commands.accept()
    assert capsys.readouterr().out.endswith("Accepted: all 3 criteria are met\n")


def test_the_head_names_both_sides_and_the_code(ran: Project) -> None:
    project = agreed(ran)
    accept(project)
    assert "| Client | *to be filled in* |\n| Contractor | *to be filled in* |" in text_of(
        ran, "acceptance.md"
    )
    business = ran.folder / "config" / "business.toml"
    client = 'client = "Müller | Söhne"\nowner = '
    business.write_text(business.read_text().replace("owner = ", client), encoding="utf-8")
    (ran.folder / "pyproject.toml").write_text('[project]\nauthors = [{ name = "Ann" }]\n')
    who = ("-c", "user.name=Ann", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    for words in (["init"], ["add", "config", "pyproject.toml"], ["commit", "--message", "all"]):
        subprocess.run(["git", *who, *words], cwd=ran.folder, check=True, capture_output=True)
    found, _ = accept(agreed(ran))
    text = text_of(ran, "acceptance.md")
    assert "| Client | Müller \\| Söhne |\n| Contractor | Ann |" in text
    assert re.fullmatch(r"commit [0-9a-f]{40}", str(found.code))
    assert str(found.code) in text


def test_status_follows_what_was_done_what_is_open_and_what_was_spent(
    ran: Project, tmp_path: Path
) -> None:
    project = agreed(ran, "[engagement]\nbudget = 20000\n[estimate]\nday_rate = 800\n")
    write_status(project, None, None)
    text = text_of(ran, "status.md")
    version = Registry(ran.artifacts / "registry").require("champion")
    evaluation = json.loads(noted_file(ran, "evaluation.json").read_text())
    assert f": trained {version}" in text
    assert f": {version} decides from now on\n" in text
    assert "measure the criteria: `uv run sample accept`".replace("`", "\\`") in text
    assert f"| AUC | {evaluation['figures']['AUC']['figure']:.4g} (" in text
    assert "No risk: no incident began" in text
    assert "| Days | not known | not known | not known |" in text
    (ran.folder / "docs" / "estimate").mkdir()
    (ran.folder / "docs" / "estimate" / "estimate.json").write_text(json.dumps(ESTIMATE))
    hours = tmp_path / "hours.csv"
    hours.write_text("Task,Hours\nFirst model,12\nfirst model,4\nLunch,2\n", encoding="utf-8")
    history = ran.artifacts / "incidents" / "history.jsonl"
    history.parent.mkdir(exist_ok=True)
    event = {"at": "2026-01-02T03:04:05+00:00", "status": "firing", "incident": "data:keys"}
    history.write_text(json.dumps(event | {"message": "7 rows have a key twice"}) + "\n")
    (ran.folder / "docs" / "status.md").write_text(f"{text}\nI call them on Monday.\n")
    write_status(project, date(2026, 1, 1), hours)
    text = text_of(ran, "status.md")
    for words in (
        "| Days | 2.2 | 12.5 | 17.0 |",
        "| At €800 a day | €1,800 | €10,000 | €13,600 |",
        "| First model | 2.0 | 4.2 |  |",
        "| In no package of the estimate | 0.2 |  |  |",
        "Of the budget of €20,000, €18,200 is left.",
        "In 4 of 5 cases it is done by 3 February 2027.",
        "- settle what monitoring found: Every id is unique: 7 rows have a key twice",
        "- 2 Jan 2026: no longer so: Every id is unique: 7 rows have a key twice",
    ):
        assert words in text, words
    assert text.endswith("\nI call them on Monday.\n")


def test_the_exit_report_sets_what_was_reached_beside_what_was_promised(ran: Project) -> None:
    project = agreed(ran, f'[engagement]\ndone = "Calls go by the list"\n{WITHOUT}')
    write_exit_report(project, None)
    assert "accept\\` was never run" in text_of(ran, "exit_report.md")
    on_real_rows(ran)
    accept(project)
    write_exit_report(project, None)
    text = text_of(ran, "exit_report.md")
    assert "it is done when: Calls go by the list" in text
    assert "**Accepted: all 3 criteria are met.**" in text
    assert "Nothing that the project knows of." in text
    assert "Models that were trained: 1." in text
    contract = ran.contract_file.read_text(encoding="utf-8")
    column = '[[columns]]\nname = "phone"\nsource = "Phone"\ntype = "text"\nrole = "ignore"\n'
    ran.contract_file.write_text(f"{contract}\n{column}pii = true\n", encoding="utf-8")
    write_exit_report(project, None)
    assert "Personal data: phone: left out of what is learnt" in text_of(ran, "exit_report.md")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"since": "yesterday"}, "--since yesterday: write a day, such as 2026-11-01"),
        ({"since": "2026-11-01", "final": True}, "--final is of the whole time"),
    ],
)
def test_what_is_typed_wrongly_is_said_in_one_line(
    fresh: Project, options: dict[str, Any], words: str
) -> None:
    command: Callable[..., None] = EngagementCommands(Commands(fresh).checked).status
    with pytest.raises(ProjectError, match=f"^{words}"):
        command(**options)
