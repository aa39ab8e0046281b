"""Changed answers, for the options that the template offers: there, back, and as if new.

Every run draws some, by a seed that is printed with what fails; `make nightly` takes them all.
"""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from fourhats.ask.questions import Questionnaire

from tests.services.rendered import ROOT
from tests.services.template_versions import OLD, TemplateVersions, template_versions
from tests.update.commands import fourhats, render
from tests.update.snapshot import differences, read
from tests.update.template import commit, git

if TYPE_CHECKING:
    from pathlib import Path

MOVES = int(os.environ.get("OPTION_MOVES", "6"))
SEED = int(os.environ.get("OPTION_SEED", "1"))
OF_A_CLOUD = {"airflow_operator": ("ecs", "cloud_run")}
"""Choices that another answer has to go with: test_clouds.py makes those moves."""
OF_ANOTHER_KIND = ("task", "search")
"""What changes the most files: it is not left to chance."""
MINE = {
    "src/acme/mine.py": '"""My own."""\n',
    "dags/mine.md": "my own\n",
}


def _moves() -> list[tuple[str, str]]:
    """Draw from the choices that differ from the default, each as an answer."""
    questionnaire = Questionnaire.read(ROOT)
    answers = questionnaire.sheet({}).answers
    moves = []
    for name, question in questionnaire.questions.items():
        if name not in answers:
            continue
        values = [choice.value for choice in questionnaire.choices(name, answers)]
        values = [value for value in values if value not in OF_A_CLOUD.get(name, ())]
        if not question.multiselect:
            moves += [(name, str(value)) for value in values if value != answers[name]]
        elif len(values) > 1:
            moves += [(name, value) for value in values if [value] != answers[name]]
            moves += [(name, ",".join(values))] * (values != answers[name])
    drawn = random.Random(SEED).sample(moves, min(MOVES, len(moves)))
    return list(dict.fromkeys([OF_ANOTHER_KIND, *drawn]))


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> TemplateVersions:
    return template_versions(tmp_path_factory.mktemp("versions") / "template")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, versions: TemplateVersions) -> Path:
    """A project with an edit in a file that every answer leaves alone, and files of its user's."""
    folder = tmp_path_factory.mktemp("first") / "acme"
    assert fourhats("new", folder, "--defaults", "--source", versions.folder).code == 0
    for name, text in MINE.items():
        (folder / name).write_text(text)
    value = folder / "src/acme/__main__.py"
    value.write_text(value.read_text() + "\n# mine\n")
    commit(folder)
    return folder


@pytest.mark.parametrize(("name", "value"), _moves(), ids=str)
def test_an_option_is_added_and_taken_away(
    name: str, value: str, first: Path, versions: TemplateVersions, tmp_path: Path
) -> None:
    print(f"OPTION_SEED={SEED}")
    project = tmp_path / "acme"
    shutil.copytree(first, project, symlinks=True)
    answers = _answers(project)
    there = fourhats("set", project, f"{name}={value}", "--yes")
    assert there.code == 0, there.out + there.err
    commit(project)
    fresh = render(versions.folder, OLD, _answers(project), tmp_path / "fresh")
    now = {path: entry for path, entry in read(project).items() if path not in MINE}
    assert {path for path in now if now[path] != fresh.get(path)} == {"src/acme/__main__.py"}
    assert now.keys() == fresh.keys()
    back = answers[name]
    text = ",".join(back) if isinstance(back, list) else str(back)
    said = fourhats("set", project, f"{name}={text}", "--yes")
    assert said.code == 0, said.out + said.err
    assert git(project, "diff", "--staged", "HEAD~1") == "", differences(read(first), read(project))


def test_an_answer_comes_back_with_the_option_that_needs_it(
    versions: TemplateVersions, tmp_path: Path
) -> None:
    project = tmp_path / "acme"
    given = ("--data", "files_path=clients/*.csv", "--source", versions.folder)
    assert fourhats("new", project, "--defaults", *given).code == 0
    for answer in ("data_sources=postgres", "data_sources=files"):
        assert fourhats("set", project, answer, "--yes").code == 0
        commit(project)
    assert git(project, "diff", "HEAD~2") == ""


def test_a_file_of_the_option_that_goes_is_kept_if_it_was_edited(
    first: Path, tmp_path: Path
) -> None:
    project = tmp_path / "acme"
    shutil.copytree(first, project, symlinks=True)
    dag = project / "dags/acme.py"
    edited = dag.read_text() + "\n# my own task\n"
    dag.write_text(edited)
    commit(project)
    said = fourhats("set", project, "orchestrator=none", "--yes")
    assert said.code == 0
    assert "dags/acme.py.kept: your dags/acme.py" in said.out
    assert not dag.exists()
    assert (project / "dags/acme.py.kept").read_text() == edited


def test_the_users_configuration_is_merged_where_that_is_clean(first: Path, tmp_path: Path) -> None:
    project = tmp_path / "acme"
    shutil.copytree(first, project, symlinks=True)
    sources = project / "config/sources.toml"
    sources.write_text(sources.read_text().replace("actual. Rows", "actual; mine. Rows"))
    commit(project)
    said = fourhats("set", project, "data_sources+=postgres", "--yes")
    assert said.code == 0, said.err
    text = sources.read_text()
    assert "[postgres]" in text
    assert "actual; mine" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("serving=api,carrier_pigeon",),
            "serving: 'carrier_pigeon' is none of api, batch, stream.",
        ),
        (("servin=api",), "set: there is no question 'servin': did you mean 'serving'?"),
        (("task+=regression",), "task has one answer: task=value"),
        (("serving",), "serving is no folder: name the folder of a project"),
        (("serving-=api,batch",), "serving: "),
    ],
)
def test_a_wrong_answer_is_refused(
    words: tuple[str, ...], said: str, first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(first)
    before = read(first)
    done = fourhats("set", *words, "--yes")
    assert done.code == 2
    assert done.err.startswith(f"fourhats: {said}")
    assert done.err.count("\n") == 1
    assert read(first) == before


def test_the_same_answer_changes_nothing(first: Path) -> None:
    done = fourhats("set", first, "serving=api,batch", "--yes")
    assert done.code == 0
    assert done.out == f"{first} has these answers already\n"


def _answers(project: Path) -> dict[str, Any]:
    content = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {name: value for name, value in content.items() if name[:1] != "_"}
