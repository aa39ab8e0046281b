"""A client's file: profiled before anything is written, and the project is about it."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cli.terminal_session import DOWN, ENTER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.shell import Shell
    from tests.cli.terminal_session import TerminalSession


@pytest.fixture
def customers(shell: Shell) -> Path:
    """Write a table with an id, a personal column, a blank, a constant and two targets."""
    lines = ["Customer.ID;E-Mail;Age;Plan;Country;Spend;churned"]
    for row in range(400):
        age = "" if row % 50 == 7 else str(18 + row * 7 % 60)
        plan = ("basic", "plus", "pro")[row * 11 % 3]
        spend = f"{20 + row * 13 % 90 + row / 1000:.3f}"
        churned = "yes" if row * 17 % 5 == 0 else "no"
        lines.append(f"C{row:05};p{row}@example.com;{age};{plan};DE;{spend};{churned}")
    path = shell.folder / "customers.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def answers_of(project: Path) -> dict[str, object]:
    content = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.mark.usefixtures("customers")
def test_the_class_that_calls_for_action_can_be_said(shell: Shell) -> None:
    said = ("--target", "churned", "--positive")
    done = shell.fourhats("profile", "customers.csv", *said, "NO")
    assert (done.code, done.err) == (0, "")
    assert "positive class no" in done.out
    done = shell.fourhats("new", "acme", "--client-data", "customers.csv", *said, "maybe")
    assert done.code != 0
    assert "churned has no class maybe; its classes are" in done.err
    assert not (shell.folder / "acme").exists()


@pytest.mark.usefixtures("customers")
def test_the_project_is_about_the_clients_file(shell: Shell) -> None:
    done = shell.fourhats("new", "acme", "--client-data", "customers.csv", "--target", "churned")
    assert done.code == 0, done.err
    answers = answers_of(shell.folder / "acme")
    assert answers["task"] == "classification"
    assert answers["files_path"] == "../customers.csv"
    contract = tomllib.loads((shell.folder / "acme/config/contract.toml").read_text())
    roles = {column["source"]: column["role"] for column in contract["columns"]}
    assert roles["churned"] == "target"
    assert roles["Customer.ID"] == "id"
    assert roles["Country"] == "ignore"
    assert "target churned (classification)" in done.out
    assert "positive class yes" in done.out
    assert "Looks like personal data: E-Mail" in done.out
    assert 'Left out: Country: always the same value: DE; to use it: role = "feature"' in done.out
    assert shell.git("-C", "acme", "status", "--porcelain") == ""


@pytest.mark.usefixtures("customers")
def test_the_words_fit_what_is_predicted(shell: Shell) -> None:
    def answers(name: str, target: str, *given: str) -> dict[str, object]:
        data = ("--client-data", "customers.csv", "--target", target)
        done = shell.fourhats("new", name, *data, *given)
        assert done.code == 0, done.err
        return answers_of(shell.folder / name)

    left = answers("left", "churned")
    assert "Customers leave" in str(left["business_problem"])
    # A right decision is worth 100, and one in five has left: acting on everybody is worth nothing.
    assert left["value_wrong"] == 25.0
    plans = answers("plans", "Plan", "-d", "value_wrong=7")
    assert plans["business_problem"] == (
        "Which Plan a case is of is found out late, or by hand (customers)."
    )
    assert plans["value_wrong"] == 7.0
    spend = answers("spend", "Spend")
    assert spend["business_decision"] == "Plan with the predicted Spend"
    assert "ustomer" not in str(spend["business_owner"])


@pytest.mark.usefixtures("customers")
def test_a_number_to_predict_makes_a_regression(shell: Shell) -> None:
    done = shell.fourhats("new", "acme", "--client-data", "customers.csv", "--target", "Spend")
    assert done.code == 0, done.err
    answers = answers_of(shell.folder / "acme")
    assert answers["task"] == "regression"
    assert answers["value_tolerance"] != 20.0, "it follows from the data, not from the question"
    done = shell.fourhats(
        *("new", "own", "--client-data", "customers.csv", "--target", "Spend"),
        *("-d", "value_tolerance=7"),
    )
    assert done.code == 0, done.err
    assert answers_of(shell.folder / "own")["value_tolerance"] == 7.0


@pytest.mark.usefixtures("customers")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--client-data", "customers.csv"], "which column is to be predicted? Say it with"),
        (["--client-data", "customers.csv", "--target", "churn"], "There is no column churn"),
        (["--client-data", "customers.csv", "--target", "Country"], "nothing to predict"),
        (["--client-data", "customers.csv", "--target", "Customer.ID"], "can't be predicted"),
        (
            ["--client-data", "customers.csv", "--target", "churned", "-d", "task=regression"],
            "regression",
        ),
        (
            ["--client-data", "customers.csv", "--target", "churned", "-d", "task=regresion"],
            "task: 'regresion' is none of classification, regression, search.",
        ),
        (
            ["--client-data", "customers.csv", "--target", "churned", "-d", "task=search"],
            "--client-data finds out what can be predicted, which a search does not",
        ),
        (
            [
                "--client-data",
                "customers.csv",
                "--target",
                "churned",
                "-d",
                "data_sources=postgres",
            ],
            "data_sources: with this --client-data it has to hold 'files'",
        ),
        (["--client-data", "none.csv", "--target", "churned"], "none.csv"),
        (["--client-data", "empty.csv", "--target", "churned"], "empty.csv"),
        (["--client-data", "header.csv", "--target", "churned"], "header.csv"),
        (["--client-data", "image.csv", "--target", "churned"], "image.csv"),
        (["--client-data", "binary.csv", "--target", "churned"], "binary.csv"),
        (["--client-data", "folder", "--target", "churned"], "holds no file of .csv"),
        (["--target", "churned"], "--target names a part of --client-data: give both"),
    ],
)
def test_a_file_that_does_not_do_is_refused(shell: Shell, arguments: list[str], words: str) -> None:
    (shell.folder / "folder").mkdir()
    (shell.folder / "empty.csv").write_text("")
    (shell.folder / "header.csv").write_text("a,churned\n")
    (shell.folder / "image.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (shell.folder / "binary.csv").write_bytes(bytes(range(256)) * 40)
    assert words in shell.refused("new", "acme", *arguments)


@pytest.mark.usefixtures("customers")
def test_without_a_target_the_likely_ones_are_named(shell: Shell) -> None:
    line = shell.refused("new", "acme", "--client-data", "customers.csv")
    assert "churned" in line.partition("likely:")[2]


@pytest.mark.usefixtures("customers")
def test_the_wizard_asks_for_the_target_and_no_more_of_the_file(
    terminal: Callable[..., TerminalSession], shell: Shell
) -> None:
    session = terminal("new", "acme", "--client-data", "customers.csv", rows=120)
    session.wait_for("Which column is to be predicted?")
    offered = [line[3:] for line in session.text.splitlines() if line[:3] in {" » ", "   "}]
    assert offered[0] == "churned", "the likely one stands first"
    session.type(ENTER)
    session.answer("How much do you want to decide now?", ENTER)
    session.answer("What is the project called?", ENTER)
    session.answer("What is done today", ENTER)
    session.answer("How does the problem show", ENTER)
    session.answer("Which problem does it solve?", ENTER)
    session.answer("Shall it be written?", DOWN, ENTER)
    changeable = session.wait_for("Which answer?").partition("Which answer?")[2]
    assert "task:" not in changeable
    assert "files_path:" not in changeable
    session.type("\x1b[A", ENTER)
    session.answer("Shall it be written?", ENTER)
    assert session.end() == 0
    assert (shell.folder / "acme/config/contract.toml").is_file()


@pytest.mark.usefixtures("customers")
def test_profile_says_what_a_file_holds(shell: Shell) -> None:
    done = shell.fourhats("profile", "customers.csv")
    assert (done.code, done.err) == (0, "")
    assert "400 rows, 7 columns" in done.out
    assert "Likely targets: churned" in done.out
    row = next(line for line in done.out.splitlines() if line.startswith("age (Age)"))
    assert row.split()[2:5] == ["integer", "feature", "8"]


@pytest.mark.usefixtures("customers")
def test_profile_speaks_json(shell: Shell) -> None:
    done = shell.fourhats("profile", "customers.csv", "--target", "churned", "--json")
    profile = json.loads(done.out)
    assert (profile["target"], profile["task"], profile["rows"]) == (
        *("churned", "classification"),
        400,
    )
    assert [column["source"] for column in profile["columns"] if column["pii"]] == ["E-Mail"]


@pytest.mark.parametrize("file", ["none.csv", "no*.csv", "", "/dev", "/dev/null", "x" * 5000])
def test_profile_refuses_what_is_no_table(shell: Shell, file: str) -> None:
    shell.refused("profile", file)


def test_profile_sends_no_control_characters_to_the_terminal(shell: Shell) -> None:
    path = shell.folder / "odd.csv"
    path.write_text("a\x1b[2Jb,c\n" + "1,2\n3,4\n" * 50)
    done = shell.fourhats("profile", "odd.csv")
    assert done.code == 0, done.err
    assert "\x1b" not in done.out
