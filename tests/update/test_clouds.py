"""From every cloud to every other: of the old one stays what the user wrote, and nothing else.

Every run draws some of the moves, by a seed that is printed with what fails; `make nightly` takes
them all.
"""

from __future__ import annotations

import os
import random
import shutil
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
import yaml
from fourhats.ask.questions import Questionnaire

from tests.services.rendered import ROOT
from tests.services.template_versions import OLD, TemplateVersions, template_versions
from tests.update.commands import fourhats, render
from tests.update.snapshot import differences, read
from tests.update.template import commit

if TYPE_CHECKING:
    from pathlib import Path

MOVES = int(os.environ.get("OPTION_MOVES", "4"))
SEED = int(os.environ.get("OPTION_SEED", "1"))
CLOUDS = ("none", "aws", "gcp", "azure")
OPERATORS = {"none": "process", "aws": "ecs", "gcp": "cloud_run", "azure": "kubernetes"}
EDITED, ADDED = "storage.tf", "mine.tf"
MINE = "# mine\n"


def _moves() -> list[tuple[str, str]]:
    """Draw from the pairs of clouds."""
    moves = list(permutations(CLOUDS, 2))
    return random.Random(SEED).sample(moves, min(MOVES, len(moves)))


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> TemplateVersions:
    return template_versions(tmp_path_factory.mktemp("versions") / "template")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory, versions: TemplateVersions) -> Path:
    """A project a cloud; where there are files for it, one is edited and one is the user's own."""
    folder = tmp_path_factory.mktemp("clouds")
    for cloud in CLOUDS:
        project = folder / cloud / "acme"
        given = ("--data", f"cloud={cloud}", "--source", versions.folder)
        made = fourhats("new", project, "--defaults", *given)
        assert made.code == 0, made.err
        if cloud != "none":
            place = project / "deploy/terraform" / cloud
            edited = place / EDITED
            edited.write_text(edited.read_text() + MINE)
            (place / ADDED).write_text(MINE)
            commit(project)
    return folder


def test_every_cloud_that_is_offered_is_moved_to_and_from() -> None:
    questionnaire = Questionnaire.read(ROOT)
    choices = questionnaire.choices("cloud", questionnaire.sheet({}).answers)
    assert {choice.value for choice in choices} == set(CLOUDS)


@pytest.mark.parametrize(("old", "new"), _moves())
def test_a_move_leaves_nothing_of_the_old_cloud_but_the_users_own(
    old: str, new: str, projects: Path, versions: TemplateVersions, tmp_path: Path
) -> None:
    print(f"OPTION_SEED={SEED}")
    project = tmp_path / "acme"
    shutil.copytree(projects / old / "acme", project, symlinks=True)
    operator = OPERATORS[new]
    said = fourhats("set", project, f"cloud={new}", f"airflow_operator={operator}", "--yes")
    assert said.code == 0, said.out + said.err
    commit(project)
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    there = read(project)
    if old != "none":
        place = f"deploy/terraform/{old}"
        assert there.pop(f"{place}/{ADDED}").content.decode() == MINE
        assert there.pop(f"{place}/{EDITED}.kept").content.decode().endswith(MINE)
        assert f"{place}/{EDITED}.kept" in said.out
        assert not [path for path in there if path.startswith(f"{place}/")]
    own = {name: value for name, value in answers.items() if name[:1] != "_"}
    assert own["cloud"] == new
    fresh = render(versions.folder, OLD, own, tmp_path / "fresh")
    assert there == fresh, differences(fresh, there)
