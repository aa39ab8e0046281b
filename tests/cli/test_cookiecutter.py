"""The second door: cookiecutter asks, copier renders, and the project is the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cookiecutter.utils import create_env_with_context
from copier import run_copy
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.cookiecutter_json import cookiecutter_json
from tests.cli.shell import BIN, Result, Shell, copy_template
from tests.render.answer_sets import Answers, covering_array, named, questions
from tests.render.test_hostile_texts import HOSTILE, SURROUNDINGS, typed_everywhere
from tests.services.compiled import compiled_once
from tests.services.rendered import ROOT, project_env

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOOR = ("cookiecutter.json", "hooks", "{{cookiecutter.__folder}}")
DECLARED: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
COPIED: dict[str, dict[str, bytes]] = {}
PROMPTED = [
    *("project_name", "engagement_today", "engagement_costs_today"),
    *("files_path", "task", "business_problem"),
]

# Another answer than the default to every question.
CHANGED: Answers = {
    "profile": "everything",
    "project_name": "Größe & Co.",
    "project_slug": "acme-size",
    "package_name": "size",
    "project_description": "What it does",
    "client_name": "Acme",
    "client_language": "de",
    "engagement_today": "By the alphabet",
    "engagement_costs_today": "A tenth is cut off",
    "engagement_whys": "nobody measures | seen on Monday; it takes long",
    "engagement_alternatives": "measure; cut twice",
    "engagement_stakeholders": "The tailor | has to cut",
    "engagement_done": "The waste is halved",
    "engagement_deadline": "2027-06-30",
    "engagement_budget": 40000.0,
    "engagement_explainable": True,
    "engagement_latency_ms": 200,
    "engagement_on_clients_machines": True,
    "engagement_personal_data": "no names",
    "estimate_day_rate": 900.0,
    "estimate_people": 2,
    "user_name": "Ada",
    "user_email": "ada@example.com",
    "license": "MIT",
    "python_version": "3.12",
    "task": "regression",
    "business_problem": "Sizes vary",
    "business_decision": "Cut to size",
    "business_owner": "The tailor",
    "value_currency": "CHF",
    "value_right": 12.5,
    "value_wrong": 7.0,
    "value_tolerance": 2.5,
    "value_reading": 0.25,
    "value_monthly_volume": 77,
    "data_sources": [
        "bigquery",
        "excel",
        "files",
        "mysql",
        "object_storage",
        "postgres",
        "rest_api",
        "snowflake",
    ],
    "bigquery_project": "acme-analytics",
    "bigquery_query": "SELECT 1",
    "excel_path": "data/*.xlsx",
    "excel_sheet": "Orders",
    "files_path": "data/*.csv",
    "mysql_query": "SELECT 1",
    "object_storage_url": "s3://bucket/sales/*.parquet",
    "rest_api_url": "https://example.com/customers",
    "postgres_query": "SELECT 1",
    "snowflake_query": "SELECT 1",
    "worked_example": True,
    "engine": "spark",
    "dataframe": "pandas",
    "warehouse": "postgres",
    "model_family": ["lightgbm", "sklearn"],
    "serving": ["batch", "stream"],
    "broker": "kafka",
    "cloud": "aws",
    "storage": "bucket",
    "orchestrator": "none",
    "airflow_operator": "docker",
    "platform": "containers",
    "ci": "azure_devops",
    "alerts": ["email", "log", "slack", "teams", "webhook"],
}
ANSWER_SETS: list[Answers] = [  # the defaults and their tasks are among what is typed below
    CHANGED,
    {"project_name": "数据 42"},
    {"project_name": "a" * 80, "data_sources": ["postgres"]},
    *covering_array(2)[2:5],
]
REFUSED: list[tuple[Answers, str, str]] = [
    ({"project_name": "two\nlines"}, "project_name", "use one line of text"),
    ({"project_name": "json"}, "package_name", "standard library"),
    ({"project_slug": "../acme"}, "project_slug", "is no valid name"),
    ({"project_slug": "acme\n"}, "project_slug", "is no valid name"),
    ({"client_name": ""}, "client_name", "Say in plain text"),
    ({"value_right": "-1"}, "value_right", "above 0"),
    ({"value_monthly_volume": "many"}, "", "many"),
    ({"license": "GPL"}, "license", "GPL"),
    ({"serving": ["batch", "fax"]}, "serving", "fax"),
    ({"alerts": []}, "alerts", "at least one"),
]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the template with its second door out of our repository."""
    return with_door(copy_template(ROOT, tmp_path_factory.mktemp("template")))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository of the template with two released versions and a newer commit."""
    # Cookiecutter takes a URL for git's if it says so.
    folder = tmp_path_factory.mktemp("git") / "fourhats.git"
    folder.mkdir()
    with_door(copy_template(ROOT, folder))
    for large in ("runtime", "deploy"):  # of no matter here: this is about addresses and versions
        shutil.rmtree(folder / "template" / large)
    git(folder, "init", "--quiet", "--initial-branch=main")
    readme = folder / "template" / "README.md.jinja"
    for version in ("v1.0.0", "v1.1.0", None):
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", f"--message={version}")
        if version:
            git(folder, "tag", version)
        readme.write_text(f"{readme.read_text(encoding='utf-8')}\nAfter {version}.\n")
    git(folder, "checkout", "--quiet", "--", ".")
    return folder


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an environment in which cookiecutter is installed, and copier is not."""
    folder = tmp_path_factory.mktemp("bare")
    pins = ["--constraint", str(ROOT / "constraints.txt")]
    for command in (
        ["uv", "venv", "--quiet", "--python", sys.executable, str(folder / "venv")],
        [
            "uv",
            "pip",
            "install",
            "--quiet",
            "--python",
            str(folder / "venv"),
            *pins,
            "cookiecutter",
        ],
    ):
        subprocess.run(command, check=True, env=project_env({}))
    return folder / "venv" / "bin"


@pytest.mark.quick
def test_cookiecutter_json_is_made_from_the_questions() -> None:
    committed = (ROOT / "cookiecutter.json").read_text(encoding="utf-8")
    assert cookiecutter_json(ROOT) == committed, "questions/ changed: run `make cookiecutter`"


def test_few_are_prompted_and_every_question_can_be_answered() -> None:
    assert [name for name in DECLARED if not name.startswith("_")] == PROMPTED
    assert {variable(name) for name in questions()} <= set(DECLARED)
    assert set(CHANGED) == set(questions())


def test_enter_throughout_gives_the_default_project(shell: Shell, template: Path) -> None:
    done = cookiecutter(shell, str(template), input_text="\n" * len(PROMPTED))
    assert done.code == 0, done.err
    assert done.err == ""
    assert contents(shell.folder / "customer-churn") == copied(shell, template, {})
    assert "[6/6]" in done.out
    assert f"Customer churn is in {shell.folder / 'customer-churn'}" in done.out
    assert "_serving" in done.out.splitlines()[-1]


@pytest.mark.parametrize("answers", ANSWER_SETS, ids=named)
def test_the_same_answers_give_the_same_project(
    answers: Answers, shell: Shell, template: Path
) -> None:
    done = cookiecutter(shell, str(template), "--no-input", *typed(answers))
    assert done.code == 0, done.err
    assert done.err == ""
    assert contents(only_folder(shell)) == copied(shell, template, answers)


def test_a_configuration_file_answers(shell: Shell, template: Path) -> None:
    given_there = {variable(name): value for name, value in CHANGED.items()}
    file = shell.folder.parent / "config.yml"
    file.write_text(yaml.safe_dump({"default_context": given_there}), encoding="utf-8")
    done = cookiecutter(shell, str(template), "--no-input", f"--config-file={file}")
    assert done.code == 0, done.err
    assert done.err == ""
    assert contents(only_folder(shell)) == copied(shell, template, CHANGED)


def test_hostile_texts_arrive_from_a_replay_file(shell: Shell, template: Path) -> None:
    answers = SURROUNDINGS | typed_everywhere("\n".join(HOSTILE))
    context = dict.fromkeys(PROMPTED, "classification")
    context |= {variable(name): value for name, value in answers.items()}
    file = shell.folder.parent / "answers.json"
    file.write_text(json.dumps({"cookiecutter": context}), encoding="utf-8")
    done = cookiecutter(shell, str(template), f"--replay-file={file}")
    assert done.code == 0, done.err
    assert done.err == ""
    assert contents(only_folder(shell)) == copied(shell, template, answers)


def test_hostile_texts_arrive_from_prompts_and_arguments(shell: Shell, template: Path) -> None:
    text = '""" \'\'\' \\ {{ 1 / 0 }} {% raw %} {# no #} é🚀 \\n r""" # x: y'
    lines = [text, text, "", "data/*.csv", "2", text]
    done = cookiecutter(
        shell, str(template), f"_client_name={text}\n{text}", input_text="\n".join([*lines, ""])
    )
    assert done.code == 0, done.err
    assert done.err == ""
    answers = dict(zip(PROMPTED, [*lines[:4], "regression", text], strict=True))
    expected = copied(shell, template, answers | {"client_name": f"{text}\n{text}"})
    assert contents(only_folder(shell)) == expected


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(HOSTILE),
        min_size=3,
        max_size=3,
    ),
    items=st.lists(st.sampled_from(["api", "batch"]), unique=True),
)
def test_any_answer_reaches_copier_as_it_was(texts: list[str], items: list[str]) -> None:
    project_name, client_name, query = texts
    variables = {
        **dict.fromkeys(DECLARED),
        "_lists": DECLARED["_lists"],
        "project_name": project_name,
        "_client_name": client_name,
        "_postgres_query": query,
        "_serving": ", ".join(items),
    }
    handed_on = yaml.safe_load(yaml.safe_dump(hook(variables).answers()))
    assert handed_on == {
        "project_name": project_name,
        "client_name": client_name,
        "postgres_query": query,
        "serving": items,
    }


@pytest.mark.parametrize(
    ("answers", "name", "words"), REFUSED, ids=[named(answers) for answers, _, _ in REFUSED]
)
def test_a_bad_answer_is_refused_in_one_line_and_nothing_is_left(
    answers: Answers, name: str, words: str, shell: Shell, template: Path
) -> None:
    line = refused(shell, str(template), "--no-input", *typed(answers))
    assert name in line
    assert words in line
    assert shell.listing() == []


def test_a_folder_that_was_there_is_left_empty_by_a_bad_answer(
    shell: Shell, template: Path
) -> None:
    (shell.folder / "customer-churn").mkdir()
    bad = ["--overwrite-if-exists", "_license=GPL"]
    assert "GPL" in refused(shell, str(template), "--no-input", *bad)
    assert shell.listing() == ["customer-churn"]


def test_no_choice_of_a_menu_is_refused_by_cookiecutter(shell: Shell, template: Path) -> None:
    done = cookiecutter(shell, str(template), "--no-input", "task=divination")
    assert done.code != 0
    assert done.err.splitlines()[-1].startswith("ValueError: divination provided for choice")
    assert shell.listing() == []


def test_a_folder_that_holds_something_is_left_alone(shell: Shell, template: Path) -> None:
    notes = shell.folder / "customer-churn" / "README.md"
    notes.parent.mkdir()
    notes.write_text("mine")
    assert cookiecutter(shell, str(template), "--no-input").code == 1
    line = refused(shell, str(template), "--no-input", "--overwrite-if-exists")
    assert line.startswith(f"{notes.parent} is not empty")
    assert shell.listing() == ["customer-churn", "customer-churn/README.md"]
    assert notes.read_text() == "mine"


@pytest.mark.parametrize("delay", [0, 0.1, 0.3])
def test_an_interruption_leaves_all_or_nothing(delay: float, shell: Shell, template: Path) -> None:
    project = shell.folder / "customer-churn"
    running = subprocess.Popen(
        [BIN / "cookiecutter", "--no-input", template],
        cwd=shell.folder,
        env=shell.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        wait_until((project / "src").exists)
        time.sleep(delay)
        os.killpg(running.pid, signal.SIGINT)
        said = running.communicate(timeout=30)[1]
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    assert "Traceback" not in said
    whole = copied(shell, template, {})
    assert not project.exists() or contents(project) in ({}, whole)


def test_without_hooks_the_folder_says_so(shell: Shell, template: Path) -> None:
    done = cookiecutter(shell, str(template), "--no-input", "--accept-hooks=no")
    assert done.code == 0
    (note,) = (shell.folder / "customer-churn").iterdir()
    assert "--accept-hooks yes" in note.read_text(encoding="utf-8")


def test_a_version_is_checked_out_and_updated(shell: Shell, released: Path) -> None:
    url = f"file://{released}"
    done = cookiecutter(shell, url, "--no-input", "--checkout=v1.0.0")
    assert done.code == 0, done.err
    assert done.err == ""
    project = shell.folder / "customer-churn"
    assert contents(project) == copied(shell, url, {}, "v1.0.0")
    assert noted(project) == (url, "v1.0.0")
    charter = project / "docs" / "charter.md"
    charter.write_text(f"{charter.read_text(encoding='utf-8')}Mine.\n", encoding="utf-8")
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=Start")
    updated = shell.run(str(BIN / "copier"), "update", "--defaults", "--quiet", str(project))
    assert updated.code == 0, updated.err
    shutil.rmtree(project / ".git")
    newest = copied(shell, url, {}, "v1.1.0")
    newest["docs/charter.md"] += b"Mine.\n"
    assert contents(project) == newest


@pytest.mark.parametrize("form", ["git+file://{}", "file://{}", "{}", "{}/"])
def test_the_newest_version_is_taken_from_any_address(
    form: str, shell: Shell, released: Path
) -> None:
    done = cookiecutter(shell, form.format(released), "--no-input")
    assert done.code == 0, done.err
    address = f"file://{released}" if "file" in form else str(released)
    assert noted(shell.folder / "customer-churn") == (address, "v1.1.0")
    assert contents(shell.folder / "customer-churn") == copied(shell, address, {})


def test_an_address_without_the_ending_of_git_stays_valid(shell: Shell, released: Path) -> None:
    link = released.with_suffix("")
    link.symlink_to(released)
    done = cookiecutter(shell, f"file://{link}", "--no-input")
    assert done.code == 0, done.err
    assert noted(shell.folder / "customer-churn") == (f"git+file://{link}", "v1.1.0")


def test_an_abbreviation_is_spelled_out(shell: Shell, released: Path) -> None:
    file = shell.folder.parent / "config.yml"
    abbreviations = {"acme": f"file://{released.parent}/{{}}.git"}
    file.write_text(yaml.safe_dump({"abbreviations": abbreviations}), encoding="utf-8")
    done = cookiecutter(shell, "acme:fourhats", "--no-input", f"--config-file={file}")
    assert done.code == 0, done.err
    assert noted(shell.folder / "customer-churn") == (f"file://{released}", "v1.1.0")


@pytest.mark.parametrize("output", [[], ["--output-dir=below"], ["--output-dir={elsewhere}"]])
def test_a_relative_path_is_noted_absolute(
    output: list[str], shell: Shell, released: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    place = [option.format(elsewhere=elsewhere) for option in output]
    relative = os.path.relpath(released, shell.folder)
    shell.environment["PWD"] = str(shell.folder)
    done = cookiecutter(shell, relative, "--no-input", *place)
    assert done.code == 0, done.err
    made_in = {"": shell.folder, "b": shell.folder / "below", "{": elsewhere}[
        "".join(output).removeprefix("--output-dir=")[:1]
    ]
    assert noted(made_in / "customer-churn") == (str(released), "v1.1.0")


def test_an_archive_is_refused_because_it_has_no_versions(shell: Shell, template: Path) -> None:
    archive = shutil.make_archive(
        str(shell.folder.parent / "fourhats"), "zip", template.parent, template.name
    )
    assert "has no versions" in refused(shell, archive, "--no-input")
    assert shell.listing() == []


@pytest.mark.parametrize("tools", [["copier"], ["uv", "uvx"]], ids=["copier", "uvx"])
def test_copier_is_found_outside_of_cookiecutters_environment(
    tools: list[str], shell: Shell, template: Path, bare: Path
) -> None:
    only_on_the_path(shell, *tools)
    if "uvx" in tools:
        # uv keeps what it fetches where it always does, and knows the way to the index.
        cache = subprocess.run(["uv", "cache", "dir"], check=True, capture_output=True, text=True)
        fixed = {"UV_PYTHON": sys.executable, "UV_CONSTRAINT": str(ROOT / "constraints.txt")}
        cached = {"UV_CACHE_DIR": cache.stdout.strip()}
        shell.environment = project_env(shell.environment | cached | fixed)
    done = shell.run(str(bare / "cookiecutter"), "--no-input", str(template))
    assert done.code == 0, done.err
    assert done.err == ""
    assert contents(only_folder(shell)) == copied(shell, template, {})


def test_without_any_copier_one_line_says_how_to_get_it(
    shell: Shell, template: Path, bare: Path
) -> None:
    only_on_the_path(shell)
    line = refused(shell, str(template), "--no-input", program=bare / "cookiecutter")
    assert "pipx install copier" in line
    assert shell.listing() == []


def with_door(folder: Path) -> Path:
    """Add to a copy of the template what cookiecutter needs."""
    for name in DOOR:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    return folder


def variable(name: str) -> str:
    """Give the name by which cookiecutter knows a question."""
    return name if name in PROMPTED else f"_{name}"


def typed(answers: Answers) -> list[str]:
    """Give answers as cookiecutter's arguments; lists travel with commas."""
    return [
        f"{variable(name)}={', '.join(value) if isinstance(value, list) else value}"
        for name, value in answers.items()
    ]


def cookiecutter(shell: Shell, *arguments: str, input_text: str = "") -> Result:
    """Run cookiecutter."""
    return shell.run(str(BIN / "cookiecutter"), *arguments, input_text=input_text)


def refused(shell: Shell, *arguments: str, program: Path = BIN / "cookiecutter") -> str:
    """Run cookiecutter, expect one line of ours, and return it."""
    done = shell.run(str(program), *arguments)
    assert done.code == 1, (done.out, done.err)
    (line,) = done.err.splitlines()
    assert line.startswith("fourhats: ")
    return line.removeprefix("fourhats: ")


def only_folder(shell: Shell) -> Path:
    """Give the one project that was made."""
    (folder,) = shell.folder.iterdir()
    return folder


def copied(
    shell: Shell, source: Path | str, answers: Answers, version: str | None = None
) -> dict[str, bytes]:
    """Give the files of the project that copier makes; it makes the same one once."""
    key = json.dumps([str(source), answers, version])
    if key not in COPIED:
        folder = shell.folder.parent / "copied"
        with pytest.MonkeyPatch.context() as patch, compiled_once():
            patch.setenv("HOME", shell.environment["HOME"])
            run_copy(str(source), folder, data=answers, defaults=True, quiet=True, vcs_ref=version)
        COPIED[key] = contents(folder)
        shutil.rmtree(folder)
    return dict(COPIED[key])


def contents(folder: Path) -> dict[str, bytes]:
    """Give every file with its bytes."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def noted(project: Path) -> tuple[str, str]:
    """Give the template and its version, as a project notes them."""
    kept = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return kept["_src_path"], kept["_commit"]


def hook(variables: dict[str, Any]) -> ModuleType:
    """Give the hook as cookiecutter renders it with these variables."""
    context = {"cookiecutter": variables}
    text = (ROOT / "hooks" / "post_gen_project.py").read_text(encoding="utf-8")
    module = ModuleType("post_gen_project")
    rendered = create_env_with_context(context).from_string(text).render(**context)
    exec(compile(rendered, "post_gen_project.py", "exec"), module.__dict__)  # noqa: S102 (ours)
    return module


def only_on_the_path(shell: Shell, *tools: str) -> None:
    """Leave these on the PATH, git, and what the programs that uv installs start with."""
    folder = shell.folder.parent / "bin"
    folder.mkdir()
    for tool in ("git", "realpath", "dirname", *tools):
        found = shutil.which(tool, path=shell.environment["PATH"])
        assert found, f"{tool} is not on the PATH"
        (folder / tool).symlink_to(found)
    shell.environment["PATH"] = str(folder)


def git(folder: Path, *arguments: str) -> None:
    """Run git as a person with a name."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "gc.auto=0"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
