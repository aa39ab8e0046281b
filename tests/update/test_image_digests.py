"""The digest behind an image's tag is the project's own; the tag is the template's to raise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from fourhats.change.images import with_one_digest

from tests.update.commands import fourhats, render, start, state
from tests.update.real_template import RealTemplate
from tests.update.small_template import DEFAULTS, files
from tests.update.snapshot import Entry, Tree
from tests.update.template import Template, commit, git

if TYPE_CHECKING:
    from pathlib import Path

OLD, OWN, NEW = (f"@sha256:{digit * 64}" for digit in "0a1")
LINES = "ARG PYTHON=python:{tag}\nFROM ${{PYTHON}}\n{rest}\n"


def dockerfile(tag: str, rest: str = "RUN true") -> str:
    return LINES.format(tag=tag, rest=rest)


CASES = {
    "renewed by both": (f"3.13{OLD}", f"3.13{OWN}", f"3.13{NEW}", f"3.13{OWN}"),
    "by the project alone": (f"3.13{OLD}", f"3.13{OWN}", f"3.13{OLD}", f"3.13{OWN}"),
    "by the template alone": (f"3.13{OLD}", f"3.13{OLD}", f"3.13{NEW}", f"3.13{NEW}"),
    "first pinned by both": ("3.13", f"3.13{OWN}", f"3.13{NEW}", f"3.13{OWN}"),
    "taken out by the project": (f"3.13{OLD}", "3.13", f"3.13{NEW}", "3.13"),
    "a raised tag": (f"3.13{OLD}", f"3.13{OWN}", f"3.14{NEW}", f"3.14{NEW}"),
    "a tag that only begins alike": (
        f"3.13{OLD}",
        f"3.13{OWN}",
        f"3.13-slim{NEW}",
        f"3.13-slim{NEW}",
    ),
}


@pytest.mark.parametrize(("rendered", "own", "now", "kept"), CASES.values(), ids=CASES)
def test_a_digest_is_no_conflict_and_the_rest_is_merged(
    tmp_path: Path, rendered: str, own: str, now: str, kept: str
) -> None:
    project = updated(
        tmp_path, dockerfile(rendered), dockerfile(own), dockerfile(now, "RUN something else")
    )
    assert not state(project).unmerged
    assert (project / "Dockerfile").read_text() == dockerfile(kept, "RUN something else")


def test_another_tag_than_both_is_a_conflict_that_shows_the_projects_own(tmp_path: Path) -> None:
    own = dockerfile(f"3.12{OWN}")
    project = updated(tmp_path, dockerfile(f"3.13{OLD}"), own, dockerfile(f"3.14{NEW}"))
    assert state(project).unmerged == {"Dockerfile"}
    assert f"python:3.12{OWN}" in (project / "Dockerfile").read_text()


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_where_other_lines_conflict_yours_is_as_it_was(tmp_path: Path, ends: str) -> None:
    own = dockerfile(f"3.13{OWN}", "RUN mine").replace("\n", ends)
    project = updated(
        *(tmp_path, dockerfile(f"3.13{OLD}"), own, dockerfile(f"3.14{NEW}", "RUN theirs"))
    )
    assert state(project).unmerged == {"Dockerfile"}
    stages = (line.split()[1:3] for line in state(project).index.split("\0") if line)
    yours = [oid for oid, stage in stages if stage == "2"]
    assert yours == git(project, "rev-parse", "HEAD:Dockerfile").split()


def test_an_image_that_somebody_put_there_twice_is_left_to_them() -> None:
    base, theirs = (dockerfile(f"3.13{digest}").encode() for digest in (OLD, NEW))
    yours = dockerfile(f"3.13{OWN}", f"FROM python:3.13{OWN} AS mine").encode()
    assert with_one_digest(base, yours, theirs) == (base, yours, theirs)


def test_an_update_keeps_what_renovate_wrote_into_a_real_project(tmp_path: Path) -> None:
    template = RealTemplate.made(tmp_path)
    later, home = dict(template.first), "includes/images.jinja"
    newer = re.sub(rb"@sha256:\w+", NEW.encode(), later[home].content)
    template.publish(later | {home: later[home]._replace(content=newer)})
    render(template.folder, "v1.0.0", {"ci": "gitlab"}, tmp_path / "rendered")
    project = start(tmp_path / "rendered", tmp_path / "project")
    for name in ("deploy/Dockerfile", ".gitlab-ci.yml"):
        file = project / name
        file.write_text(re.sub(r"@sha256:\w+", OWN, file.read_text()))
        assert OWN in file.read_text()
    commit(project)
    before = state(project).files
    assert fourhats("update", project, "--yes").code == 0
    after = state(project)
    assert not after.unmerged
    for name in ("deploy/Dockerfile", ".gitlab-ci.yml"):
        assert after.files[name] == before[name]
    assert NEW in (project / "deploy" / "compose.yaml").read_text()


def updated(folder: Path, rendered: str, own: str, now: str) -> Path:
    """Make a project with a Dockerfile, change that on both sides, and update."""
    template = Template(folder / "template")
    template.begin(version(rendered))
    template.publish(version(now))
    render(template.folder, "v1.0.0", DEFAULTS, folder / "rendered")
    project = start(folder / "rendered", folder / "project")
    (project / "Dockerfile").write_bytes(own.encode())
    commit(project)
    said = fourhats("update", project, "--yes")
    assert not said.err
    return project


def version(dockerfile: str) -> Tree:
    """Give the small template with a Dockerfile."""
    return files() | {"template/Dockerfile": Entry(dockerfile.encode())}
