"""The wizard, in a real terminal, with a person's keys."""

from __future__ import annotations

import re
import signal
import time
import tomllib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cli.terminal_session import (
    CTRL_A,
    CTRL_C,
    CTRL_K,
    DOWN,
    ENTER,
    SPACE,
    UP,
    TerminalSession,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.shell import Shell

Terminal = Callable[..., TerminalSession]

PROFILE = "How much do you want to decide now?"
NAME = "What is the project called?"
TASK = "What should the model predict, or find?"
PROBLEM = "Which problem does it solve?"
ENGAGED = ("What is done today", "How does the problem show")
FILES = "Path of the CSV, JSON or Parquet file"
REVIEW = "Shall it be written?"
TOLD_APART = 24
"""By so many characters, one question differs from the next."""


def enter_to_the_review(session: TerminalSession) -> None:
    for question in (PROFILE, NAME, *ENGAGED, FILES, TASK, PROBLEM):
        session.answer(question, ENTER)
    session.wait_for(REVIEW)


def skip_the_engagement(session: TerminalSession) -> None:
    for question in ENGAGED:
        session.answer(question, ENTER)


def answers_of(project: Path) -> dict[str, object]:
    content = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def asked_after(session: TerminalSession, answered: str) -> str:
    """Wait until another question is asked and the screen stands still; gives the question."""
    end = time.monotonic() + 60
    while True:
        before = session.text
        asked = [line for line in before.splitlines() if line.startswith("? ")]
        is_next = bool(asked) and not asked[-1].startswith(answered[:TOLD_APART])
        if before == session.read(0.2) and is_next:
            return REVIEW if REVIEW in asked[-1] else asked[-1]
        assert session.process.isalive(), session.transcript
        assert time.monotonic() < end, session.transcript


def change(session: TerminalSession, name: str) -> None:
    """Choose one answer to change, from the review."""
    session.answer(REVIEW, DOWN, ENTER)
    session.wait_for("Which answer?")
    for _ in range(60):
        if any(line.startswith(f" » {name}:") for line in session.text.splitlines()):
            break
        session.type(DOWN)
    else:
        raise AssertionError(session.text)
    session.type(ENTER)


def test_enter_all_the_way_writes_a_project(terminal: Terminal, shell: Shell) -> None:
    session = terminal("new", "acme-churn")
    enter_to_the_review(session)
    assert shell.folder.joinpath("acme-churn").exists() is False
    session.type(ENTER)
    assert session.end() == 0
    assert answers_of(shell.folder / "acme-churn")["project_name"] == "Acme churn"
    assert [path.name for path in shell.folder.iterdir()] == ["acme-churn"]
    assert "uv run acme-churn run" in session.text


def test_the_recommended_path_asks_seven_questions_under_their_hats(terminal: Terminal) -> None:
    session = terminal("new", "acme-churn", rows=160)
    enter_to_the_review(session)
    asked = [line for line in session.text.splitlines() if line.startswith("? ")]
    assert len(asked) == 8, "seven questions and the review's"
    hats = ["Engagement", "Data engineer", "Project manager"]
    shown = [line for line in session.text.splitlines() if line in hats]
    assert shown == hats * 2, session.transcript


def test_the_review_shows_answers_tree_and_dependencies(terminal: Terminal) -> None:
    session = terminal("new", "acme-churn", rows=160)
    enter_to_the_review(session)
    for words in ("business_owner         Head of customer", "├── src/  (", "pyproject.toml"):
        assert words in session.text
    assert "scikit-learn" in session.text.partition("What will be installed")[2]


def test_every_file_can_be_shown_before_writing(terminal: Terminal) -> None:
    session = terminal("new", "acme-churn", rows=400)
    enter_to_the_review(session)
    session.type(DOWN, DOWN, ENTER)
    assert "features.py" in session.wait_for("│   └── acme_churn/")


def test_going_back_recomputes_what_follows(terminal: Terminal, shell: Shell) -> None:
    session = terminal("new", "acme-churn", rows=160)
    enter_to_the_review(session)
    change(session, "project_name")
    session.answer(NAME, CTRL_A, CTRL_K, "Beta sales", ENTER)
    session.wait_for("beta_sales")
    change(session, "task")
    session.answer(TASK, DOWN, ENTER)
    session.wait_for("value_tolerance")
    session.answer(REVIEW, ENTER)
    assert session.end() == 0
    answers = answers_of(shell.folder / "acme-churn")
    assert answers["package_name"] == "beta_sales"
    assert answers["task"] == "regression"
    assert answers["business_owner"] == "Head of planning"
    assert "rule of thumb" in str(answers["business_problem"])


def test_going_back_keeps_what_was_typed(terminal: Terminal, shell: Shell) -> None:
    session = terminal("new", "acme-churn", rows=160)
    for question in (PROFILE, NAME, *ENGAGED, FILES, TASK):
        session.answer(question, ENTER)
    session.answer(PROBLEM, CTRL_A, CTRL_K, "Too many leave", ENTER)
    change(session, "task")
    session.answer(TASK, DOWN, ENTER)
    session.answer(REVIEW, ENTER)
    assert session.end() == 0
    assert answers_of(shell.folder / "acme-churn")["business_problem"] == "Too many leave"


def test_changing_to_everything_asks_the_rest(terminal: Terminal, shell: Shell) -> None:
    session = terminal("new", "acme-churn", rows=160)
    enter_to_the_review(session)
    change(session, "profile")
    session.answer(PROFILE, DOWN, ENTER)
    session.answer("Name of the command", CTRL_A, CTRL_K, "churn-x", ENTER)
    session.answer("Name of the Python package", ENTER)
    question = "? Name of the Python package"
    while (question := asked_after(session, question)) != REVIEW:
        session.type(*([SPACE, ENTER] if "answers taken" in question else [ENTER]))
    session.answer(REVIEW, ENTER)
    assert session.end() == 0
    answers = answers_of(shell.folder / "acme-churn")
    assert (answers["project_slug"], answers["package_name"]) == ("churn-x", "churn_x")
    assert answers["serving"] == ["batch"]


def test_a_wrong_answer_is_refused_where_it_is_typed(terminal: Terminal, shell: Shell) -> None:
    session = terminal("new", "acme-churn")
    session.answer(PROFILE, ENTER)
    session.answer(NAME, CTRL_A, CTRL_K, "   ", ENTER)
    session.wait_for("The name is empty")
    session.type(CTRL_A, CTRL_K, "Right", ENTER)
    session.wait_for(ENGAGED[0])
    session.type(CTRL_C)
    assert session.end() == 130
    assert shell.listing() == []


def test_a_name_that_python_keeps_is_refused_at_once(terminal: Terminal) -> None:
    session = terminal("new", "acme-churn")
    session.answer(PROFILE, ENTER)
    session.answer(NAME, CTRL_A, CTRL_K, "Import", ENTER)
    session.wait_for("'import' is a Python keyword")


def test_text_in_other_scripts_arrives_as_typed(terminal: Terminal, shell: Shell) -> None:
    text = "Größe «x» {{ y }} # 顧客 “z” 🚀 \\n"
    session = terminal("new", "acme-churn")
    for question in (PROFILE, NAME, *ENGAGED, FILES, TASK):
        session.answer(question, ENTER)
    session.answer(PROBLEM, CTRL_A, CTRL_K, text, ENTER)
    session.answer(REVIEW, ENTER)
    assert session.end() == 0
    assert answers_of(shell.folder / "acme-churn")["business_problem"] == text


def test_it_fits_a_narrow_terminal(terminal: Terminal, shell: Shell) -> None:
    session = terminal("new", "acme-churn", columns=60, rows=24)
    enter_to_the_review(session)
    review = session.transcript.partition("\nReview\n")[2]
    assert "business_problem" in review
    answers = [line for line in review.splitlines() if line.startswith("  business_")]
    assert len(answers) == 3
    session.type(ENTER)
    assert session.end() == 0
    assert (shell.folder / "acme-churn" / "pyproject.toml").is_file()


def test_given_answers_are_not_asked(terminal: Terminal) -> None:
    session = terminal("new", "acme-churn", "-d", "task=regression", "-d", "profile=recommended")
    session.wait_for(NAME)
    assert PROFILE not in session.text
    session.type(ENTER)
    skip_the_engagement(session)
    session.answer(FILES, ENTER)
    session.wait_for(PROBLEM)
    assert TASK not in session.text


def test_an_invalid_given_answer_is_asked_again(terminal: Terminal) -> None:
    session = terminal("new", "acme-churn", "-d", "task=clasification")
    for question in (PROFILE, NAME, *ENGAGED, FILES):
        session.answer(question, ENTER)
    session.wait_for(TASK)
    assert "Did you mean 'classification'?" in session.text


def test_cancel_leaves_nothing_behind(terminal: Terminal, shell: Shell) -> None:
    session = terminal("new", "acme-churn")
    enter_to_the_review(session)
    session.type(UP, ENTER)
    assert session.end() == 130
    assert "nothing was written" in session.text
    assert shell.listing() == []


@pytest.mark.parametrize(
    "stage", [PROFILE, NAME, *ENGAGED, FILES, TASK, PROBLEM, REVIEW, "Which answer?"]
)
def test_ctrl_c_leaves_nothing_behind(terminal: Terminal, shell: Shell, stage: str) -> None:
    session = terminal("new", "acme-churn")
    for question in (PROFILE, NAME, *ENGAGED, FILES, TASK, PROBLEM, REVIEW):
        session.wait_for(question)
        if question == stage:
            break
        session.type(*([DOWN, ENTER] if question == REVIEW else [ENTER]))
    session.answer(stage, CTRL_C)
    assert session.end() == 130
    assert session.text.splitlines()[-1] == "fourhats: stopped"
    assert "Traceback" not in session.transcript
    assert shell.listing() == []


@pytest.mark.parametrize("milliseconds", [0, 50, 100, 200, 400, 600])
def test_ctrl_c_while_rendering_leaves_nothing_behind(
    terminal: Terminal, shell: Shell, milliseconds: int
) -> None:
    session = terminal("new", "acme-churn")
    for question in (PROFILE, NAME, *ENGAGED, FILES, TASK):
        session.answer(question, ENTER)
    session.wait_for(PROBLEM)
    session.process.send(ENTER)
    time.sleep(milliseconds / 1000)
    session.process.send(CTRL_C)
    assert session.end() == 130
    assert shell.listing() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_leaves_nothing_behind(
    terminal: Terminal, shell: Shell, number: signal.Signals
) -> None:
    session = terminal("new", "acme-churn")
    enter_to_the_review(session)
    assert shell.listing() != [], "the review is of a rendered project"
    session.process.kill(number)
    assert session.end() == 128 + number
    assert shell.listing() == []


TARGET = "Which column is to be predicted?"


def orders(path: Path, rows: int = 240) -> Path:
    """Write a table with an id, a time, a category, and two columns that can be predicted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"o{n},2024-{1 + n // 20 % 12:02d}-{1 + n % 20:02d},{'web' if n % 3 else 'shop'},"
        f"{n * 37 % 101}.5,{'yes' if (n * 37 % 101) + n % 9 > 60 else 'no'}"
        for n in range(rows)
    ]
    path.write_text("\n".join(["order_id,ordered_on,channel,total,returned", *lines]) + "\n")
    return path


def test_a_typed_file_is_looked_at(terminal: Terminal, shell: Shell) -> None:
    orders(shell.folder / "clients" / "orders 2024.csv")
    session = terminal("new", "acme", columns=200, rows=140)
    session.answer(PROFILE, ENTER)
    session.answer(NAME, ENTER)
    skip_the_engagement(session)
    session.answer(FILES, "clients/none.csv", ENTER)
    session.wait_for("clients/none.csv: there is no such file.")
    session.answer(FILES, CTRL_A, CTRL_K, "'clients/orders 2024.csv'", ENTER)
    session.wait_for(TARGET)
    assert "240 rows, 5 columns" in session.text
    offered = [line[3:] for line in session.text.splitlines() if line[:3] in {" » ", "   "}]
    assert sorted(offered) == ["channel", "order_id", "ordered_on", "returned", "total"]
    assert offered[0] == "returned", "the likely one stands first"
    session.type(ENTER)
    found = session.wait_for(PROBLEM)
    for words in ("target returned (classification), positive class yes", "order_id (id)"):
        assert words in found
    assert "Cases of returned = yes" in found, "the problem is the file's"
    assert TASK not in session.text, "the target tells"
    session.type(ENTER)
    review = session.wait_for(REVIEW)
    assert "../clients/orders 2024.csv" in review
    session.type(ENTER)
    assert session.end() == 0
    project = shell.folder / "acme"
    answers = answers_of(project)
    assert answers["files_path"] == "../clients/orders 2024.csv"
    assert (answers["task"], answers["worked_example"]) == ("classification", False)
    contract = tomllib.loads((project / "config" / "contract.toml").read_text(encoding="utf-8"))
    roles = {column["name"]: column["role"] for column in contract["columns"]}
    assert roles == {
        "order_id": "id",
        "ordered_on": "time",
        "channel": "feature",
        "total": "feature",
        "returned": "target",
    }


def test_of_a_searchs_file_nobody_asks_what_is_to_be_predicted(
    terminal: Terminal, shell: Shell
) -> None:
    session = terminal("new", "acme", "-d", "task=search", columns=200, rows=140)
    for question in (PROFILE, NAME, *ENGAGED):
        session.answer(question, ENTER)
    session.answer(FILES, "data/pages.csv", ENTER)
    session.answer(PROBLEM, ENTER)
    session.answer(REVIEW, ENTER)
    assert session.end() == 0
    answers = answers_of(shell.folder / "acme")
    assert (answers["task"], answers["files_path"]) == ("search", "data/pages.csv")
    assert (answers["business_owner"], answers["value_right"]) == ("Head of support", 5.0)
    assert "model_family" not in answers


def test_a_file_far_from_the_project_leaves_no_path_in_git(
    terminal: Terminal, shell: Shell, tmp_path: Path
) -> None:
    file = orders(tmp_path / "home" / "orders.csv")
    session = terminal("new", "acme", columns=200, rows=140)
    session.answer(PROFILE, ENTER)
    session.answer(NAME, ENTER)
    skip_the_engagement(session)
    session.answer(FILES, "~/orders.csv", ENTER)
    session.answer(TARGET, ENTER)
    session.answer(PROBLEM, ENTER)
    session.answer(REVIEW, ENTER)
    assert session.end() == 0
    project = shell.folder / "acme"
    assert "pyproject.toml" in shell.git("-C", "acme", "grep", "--name-only", "acme").split()
    assert shell.run("git", "-C", "acme", "grep", "--name-only", str(tmp_path)).code == 1
    assert (project / ".env").read_text(encoding="utf-8") == f"FILES__PATH='{file}'\n"


def test_another_target_and_then_no_file_after_all(terminal: Terminal, shell: Shell) -> None:
    orders(shell.folder / "orders.csv")
    session = terminal("new", "acme", columns=200, rows=140)
    session.answer(PROFILE, ENTER)
    session.answer(NAME, ENTER)
    skip_the_engagement(session)
    session.answer(FILES, "orders.csv", ENTER)
    session.answer(TARGET, ENTER)
    session.answer(PROBLEM, ENTER)
    change(session, "files_path")
    session.answer(FILES, ENTER)  # what was typed stands there
    session.wait_for(TARGET)
    while " » total" not in session.text:
        session.type(DOWN)
    session.type(ENTER)
    session.wait_for("target total (regression)")
    assert asked_after(session, f"? {TARGET}") == REVIEW
    assert re.search(r"task +regression", session.text.rpartition("\nReview\n")[2])
    change(session, "files_path")
    session.answer(FILES, CTRL_A, CTRL_K, ENTER)
    session.answer(TASK, ENTER)
    session.answer(REVIEW, ENTER)
    assert session.end() == 0
    project = shell.folder / "acme"
    answers = answers_of(project)
    assert (answers["files_path"], answers["task"]) == ("", "classification")
    assert answers["worked_example"] is True
    assert "ordered_on" not in (project / "config" / "contract.toml").read_text(encoding="utf-8")


def test_no_color_is_respected(terminal: Terminal, shell: Shell) -> None:
    def colours(session: TerminalSession) -> set[str]:
        session.wait_for(ENGAGED[0])
        buffer = session.screen.buffer
        return {cell.fg for row in buffer.values() for cell in row.values()} - {"default"}

    def start() -> TerminalSession:
        session = terminal("new", "acme-churn")
        session.answer(PROFILE, ENTER)
        session.answer(NAME, ENTER)
        return session

    assert colours(start())
    shell.environment["NO_COLOR"] = "1"
    assert not colours(start())


def test_a_dry_run_asks_and_writes_nothing(terminal: Terminal, shell: Shell) -> None:
    session = terminal("new", "acme-churn", "--dry-run", rows=200)
    for question in (PROFILE, NAME, *ENGAGED, FILES, TASK, PROBLEM):
        session.answer(question, ENTER)
    assert session.end() == 0
    assert "nothing was written" in session.text
    assert shell.listing() == []
