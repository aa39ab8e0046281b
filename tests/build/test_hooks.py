"""The project's hooks let clean work in, and keep out what an update left to be settled."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.services.rendered import Project, install, project_env, render

CONFLICT = """\
[business]
<<<<<<< yours
act_right = 90
||||||| before
act_right = 80
=======
act_right = 70
>>>>>>> template
"""
TITLE = "Results\n=======\n\nOne line.\n"


class Repository:
    """A project under git with its hooks installed, as its README says."""

    def __init__(self, project: Project, home: Path) -> None:
        """Commit the project as rendered, then install the hooks."""
        self.folder = project.folder
        self.environment = project_env(
            {
                "PRE_COMMIT_HOME": str(home),
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
            }
        )
        self.run("git", "init", "--quiet")
        self.run("git", "config", "user.name", "Somebody")
        self.run("git", "config", "user.email", "somebody@example.com")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "Start")
        self.start = self.run("git", "rev-parse", "HEAD").stdout.strip()
        self.run("uv", "run", "pre-commit", "install")

    def run(self, *command: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, and see it end with this code."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file and stage it."""
        content = text if isinstance(text, bytes) else text.encode()
        (self.folder / name).write_bytes(content)
        self.run("git", "add", "--all")

    def refused(self) -> str:
        """See a commit refused; return what is said."""
        done = self.run("git", "commit", "--message", "Mine", code=1)
        assert self.run("git", "rev-parse", "HEAD").stdout.strip() == self.start
        return done.stdout + done.stderr

    def accepted(self) -> None:
        """See a commit made."""
        self.run("git", "commit", "--message", "Mine")
        assert self.run("git", "rev-parse", "HEAD").stdout.strip() != self.start


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The default project, installed."""
    folder = tmp_path_factory.mktemp("hooks")
    return Repository(install(render(folder / "project")), folder / "home")


@pytest.fixture
def repository(installed: Repository) -> Iterator[Repository]:
    """The same, as it was before each test."""
    yield installed
    installed.run("git", "reset", "--quiet", "--hard", installed.start)


def test_a_conflict_left_unresolved_is_refused(repository: Repository) -> None:
    repository.write("config/mine.toml", CONFLICT)
    said = repository.refused()
    assert "no conflict left unresolved" in said
    for line in ("2:<<<<<<< yours", "4:||||||| before", "8:>>>>>>> template"):
        assert f"config/mine.toml:{line}" in said


@pytest.mark.parametrize(
    "line", [b">>>>>>> template", b"<<<<<<<", b"||||||| 3f2a1b0\r", b"\xff\n<<<<<<< yours"]
)
def test_one_marker_that_was_overlooked_is_refused(repository: Repository, line: bytes) -> None:
    repository.write("notes.md", b"One.\n" + line + b"\nTwo.\n")
    assert "no conflict left unresolved" in repository.refused()


@pytest.mark.parametrize(
    "text", [TITLE, "<<<<<<<< eight\n", " <<<<<<< indented\n", "a <<<<<<< b\n", ">>>>>>>deep\n"]
)
def test_lines_that_only_look_like_a_marker_are_accepted(repository: Repository, text: str) -> None:
    repository.write("notes.md", text)
    repository.accepted()


@pytest.mark.parametrize("name", ["README.md.rej", "docs/old.md.kept", "docs/old.md.2.kept"])
def test_what_an_update_left_is_refused(repository: Repository, name: str) -> None:
    repository.write(name, "a line of mine\n")
    said = repository.refused()
    assert "no .rej or .kept file left over" in said
    assert name in said
    assert "then delete them" in said


def test_code_that_is_not_clean_is_refused(repository: Repository) -> None:
    package = next((repository.folder / "src").iterdir()).name
    name = f"src/{package}/mine.py"
    repository.write(name, '"""Mine."""\n\nimport os\n\nLIMIT: int = "none"\n')
    said = repository.refused()
    assert "F401" in said
    assert "Incompatible types in assignment" in said


def test_clean_work_is_accepted(repository: Repository) -> None:
    package = next((repository.folder / "src").iterdir()).name
    repository.write(f"src/{package}/mine.py", '"""Mine."""\n\nLIMIT: int = 3\n')
    repository.write("notes.md", TITLE)
    repository.accepted()


def test_the_runtime_is_not_the_projects_to_tidy(repository: Repository) -> None:
    repository.write("runtime/fourhats_runtime/mine.py", "import os\nx:int='none'\n")
    repository.accepted()


def test_ci_refuses_the_same_by_the_same_hooks(repository: Repository) -> None:
    workflow = yaml.safe_load((repository.folder / ".github/workflows/ci.yml").read_text())
    steps = [step.get("run", "") for step in workflow["jobs"]["test"]["steps"]]
    (step,) = [step for step in steps if "pre-commit" in step]
    repository.run("bash", "-e", "-c", step)
    repository.write("config/mine.toml", CONFLICT)
    repository.write("README.md.kept", "a line of mine\n")
    said = repository.run("bash", "-e", "-c", step, code=1).stdout
    assert "config/mine.toml:2:<<<<<<< yours" in said
    assert "README.md.kept" in said
