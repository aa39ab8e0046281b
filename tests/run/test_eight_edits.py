"""The eight edits of a consultant's day, as docs/changing.md shows them: each in one file."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from tests.services.json_service import json_service
from tests.services.rendered import (
    Project,
    command,
    example_record,
    install,
    project_env,
    render,
    serve,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_LINES = 10
SHORT = {"TRAINING__TRIALS": "2"}
# A nightly export of rows as the sample has them, some of them broken by the check of one's own.
EXPORT = """
import json
from customer_churn.project import project
from fourhats_runtime.data.sources import sample
rows = sample.make(project.contract).to_pylist()
for row in rows[:12]:
    row |= {"contract": "two years", "monthly_fee": "5.50"}
for row in rows[-40:]:
    row |= {"churned": ""}
file = project.folder / "data" / "crm.json"
file.parent.mkdir(exist_ok=True)
file.write_text(json.dumps(rows))
"""
# The new one alone: which of the candidates is chosen is the data's to say.
EXTRA_ALONE = """
from customer_churn import estimator, train
from customer_churn.project import project
from fourhats_runtime.pipeline import run_step
train.candidates = lambda seed: [c for c in estimator.candidates(seed) if c.name == "extra"]
print(run_step("train", project).words)
"""
LOOK = """
import json, sys
from customer_churn.project import project
from fourhats_runtime.data.warehouse import connect, values
with connect(project) as connection:
    print(json.dumps(values(connection, sys.argv[1]), default=str))
"""


class Edit(NamedTuple):
    """An edit of the page: its title, the file, and what takes the place of what."""

    title: str
    file: str
    hunks: list[tuple[str, str]]
    added: int


def edits(page: str) -> list[Edit]:
    """Read the edits of docs/changing.md."""
    found = re.findall(r"## ([^\n]+)\n\nIn (\S+):\n\n```diff\n(.*?)```", page, re.DOTALL)
    return [
        Edit(title, file, [hunk(part) for part in diff.split("@@\n")], _added(diff))
        for title, file, diff in found
    ]


def _added(diff: str) -> int:
    return sum(line[:1] == "+" and bool(line[1:].strip()) for line in diff.splitlines())


def hunk(diff: str) -> tuple[str, str]:
    """Give the lines before a hunk of a diff, and after it."""
    lines = [line or " " for line in diff.splitlines()]
    before = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    return before, after


def apply(folder: Path, edit: Edit) -> None:
    """Make an edit, as a person would who reads the page."""
    path = folder / edit.file
    text = path.read_text(encoding="utf-8")
    for before, after in edit.hunks:
        if before:
            assert text.count(before) == 1, f"{edit.title}: {edit.file} has no such lines: {before}"
            text = text.replace(before, after)
        else:
            text = f"{after}{text}"
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, list[str]]]:
    """A project with all eight edits, its line run; and what its pager was sent."""
    project = install(render(tmp_path_factory.mktemp("edited") / "customer-churn"))
    for edit in edits((project.folder / "docs" / "changing.md").read_text(encoding="utf-8")):
        apply(project.folder, edit)
    _python(project, EXPORT)
    sent: list[str] = []
    with json_service(lambda asked: sent.append(asked.body)) as url:
        (project.folder / ".env").write_text(f"PAGER_URL={url}\n")
        command(project, "run", env=SHORT)
        yield project, sent


def test_the_page_shows_eight_edits_each_of_one_file_and_ten_lines(
    edited: tuple[Project, list[str]],
) -> None:
    found = edits((edited[0].folder / "docs" / "changing.md").read_text(encoding="utf-8"))
    assert len(found) == 8
    for edit in found:
        assert edit.file.startswith("src/customer_churn/")
        new = [after for before, after in edit.hunks if after != before]
        assert new
    too_long = {edit.title: edit.added for edit in found if edit.added > MOST_LINES}
    assert not too_long


def test_the_edited_project_is_clean(edited: tuple[Project, list[str]]) -> None:
    folder = edited[0].folder
    for words in (["ruff", "format", "--check"], ["ruff", "check"], ["mypy"]):
        program = folder / ".venv" / "bin" / words[0]
        done = subprocess.run(
            [program, *words[1:]],
            cwd=folder,
            env=project_env({}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_a_derived_feature_is_the_same_in_batch_and_api(
    edited: tuple[Project, list[str]],
) -> None:
    project = edited[0]
    record = example_record(project)
    assert "fee_a_call" not in record
    card = _card(project)
    assert {"fee_a_call", "months_signed"} <= card["derived"]["features"].keys()
    scored = _look(project, "SELECT * FROM scores ORDER BY _row LIMIT 3")
    with serve(project) as url:
        for place, probability in enumerate(scored["probability"]):
            one = {name: scored[name][place] for name in record}
            one["signed_on"] = one["signed_on"].replace(" ", "T")
            one["pays_by_card"] = bool(one["pays_by_card"])
            (given,) = httpx.post(f"{url}/predict", json=[one]).json()["predictions"]
            assert given["probability"] == pytest.approx(probability, abs=1e-6)


def test_another_estimator_is_tuned_exported_and_judged(edited: tuple[Project, list[str]]) -> None:
    project = edited[0]
    assert ", extra" in _python(project, EXTRA_ALONE)
    assert json.loads(command(project, "evaluate", "--json").stdout)["value"] > 0


def test_another_source_is_where_the_rows_come_from(edited: tuple[Project, list[str]]) -> None:
    assert "from crm" in command(edited[0], "extract").stdout
    assert set(_look(edited[0], "SELECT DISTINCT _source FROM clean")["_source"]) == {"crm"}


def test_a_row_filter_keeps_rows_from_learning_and_scores(
    edited: tuple[Project, list[str]],
) -> None:
    for table in ("clean", "scores"):
        query = f"SELECT min(tenure_months) AS least, count(*) AS rows FROM {table}"  # noqa: S608
        found = _look(edited[0], query)
        assert found["least"][0] >= 1
        assert found["rows"][0] > 0


def test_a_metric_stands_in_the_report(edited: tuple[Project, list[str]]) -> None:
    report = edited[0].folder / "artifacts" / "reports" / "report.html"
    assert "matthews" in report.read_text(encoding="utf-8")


def test_a_quality_check_puts_rows_into_quarantine_with_its_reason(
    edited: tuple[Project, list[str]],
) -> None:
    query = "SELECT count(*) AS rows FROM quarantine WHERE reasons LIKE '%a low fee for two years%'"
    assert _look(edited[0], query)["rows"][0] >= 12


def test_a_route_answers_beside_the_others(edited: tuple[Project, list[str]]) -> None:
    with serve(edited[0]) as url:
        assert httpx.get(f"{url}/features").json() == list(example_record(edited[0]))
        assert "/features" in httpx.get(f"{url}/openapi.json").json()["paths"]


def test_an_alert_channel_is_sent_the_alerts(edited: tuple[Project, list[str]]) -> None:
    project, sent = edited
    assert any("promoted" in message for message in sent)
    command(project, "alert", "a test", "--incident", "step:test")
    assert any("step:test: a test" in message for message in sent)


def _card(project: Project) -> dict[str, Any]:
    registry = project.folder / "artifacts" / "registry"
    champion = (registry / "champion").read_text().strip()
    return dict(json.loads((registry / "versions" / champion / "model.json").read_text()))


def _look(project: Project, query: str) -> dict[str, list[Any]]:
    return dict(json.loads(_python(project, LOOK, query)))


def _python(project: Project, code: str, *arguments: str) -> str:
    done = subprocess.run(
        [project.program.with_name("python"), "-W", "ignore", "-c", code, *arguments],
        cwd=project.folder,
        env=project_env(SHORT),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
