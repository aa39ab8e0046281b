"""Make a release: `make release VERSION=0.2.0`. docs/releasing.md says when.

All of it happens in a clone. What the clone has at the end, the repository gets in one step; what
fails before leaves it as it was.
"""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
UNRELEASED = "## [Unreleased]\n"


class ReleaseError(Exception):
    """There is no release; the message says why."""


def main() -> None:
    """Release the version that was typed."""
    try:
        release(sys.argv[1] if len(sys.argv) > 1 else "")
    except ReleaseError as error:
        sys.exit(f"no release: {error}")
    except KeyboardInterrupt:
        sys.exit("no release: stopped")


def release(version: str) -> None:
    """Tag a version and build it into `dist/`.

    Raises:
        ReleaseError: it cannot be, or what was built does not work; nothing has changed.

    """
    check_version(version)
    check_repository()
    tag = f"v{version}"
    with tempfile.TemporaryDirectory(prefix="fourhats-", ignore_cleanup_errors=True) as folder:
        clone = Path(folder) / "fourhats"
        run("git", "clone", "--quiet", "--branch", "main", str(ROOT), str(clone))
        # Who releases, and how it is signed, is set where the person works.
        git_folder = run("git", "rev-parse", "--path-format=absolute", "--git-common-dir").strip()
        run("git", "config", "include.path", f"{git_folder}/config", cwd=clone)
        write_version(clone, version)
        run("git", "commit", "--quiet", "--all", "-m", f"Release {version}", cwd=clone)
        run("git", "tag", "--annotate", "-m", f"Fourhats {version}", tag, cwd=clone)
        run("uv", "build", "--quiet", "--out-dir", "dist", cwd=clone)
        (wheel,) = (clone / "dist").glob("*.whl")
        check_wheel(wheel, version, Path(folder))
        receiver = "git -c receive.denyCurrentBranch=updateInstead receive-pack"
        push = ("git", "push", "--quiet", "--atomic", f"--receive-pack={receiver}")
        run(*push, str(ROOT), "main", tag, cwd=clone)
        shutil.copytree(clone / "dist", ROOT / "dist", dirs_exist_ok=True)
    print(f"Released {version}: a commit, the tag {tag}, and in dist/ what is to be published.")
    print("Nothing has left this machine yet:")
    print(f"  git push --atomic origin main {tag}")
    print(f"  uv publish dist/fourhats-{version}*")


def check_version(version: str) -> None:
    """See a version that is higher than the last one.

    Raises:
        ReleaseError: it is not.

    """
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise ReleaseError(f"'{version}' is no version: make release VERSION=0.2.0")
    tags = run("git", "tag", "--list", "v*").split()
    released = [Version(tag) for tag in tags if re.fullmatch(r"v\d+\.\d+\.\d+", tag)]
    if released and Version(version) <= max(released):
        raise ReleaseError(f"{version} is not higher than {max(released)}, the last release")


def check_repository() -> None:
    """See the branch main, with everything committed and something to release.

    Raises:
        ReleaseError: it is otherwise.

    """
    branch = run("git", "branch", "--show-current").strip()
    if branch != "main":
        raise ReleaseError(f"the branch is {branch or 'none'}: git switch main")
    if run("git", "status", "--porcelain"):
        raise ReleaseError("there are changes that are not committed: see `git status`")
    if not entries((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")):
        raise ReleaseError("CHANGELOG.md has no entry under [Unreleased]: say what is new")


def entries(changelog: str) -> list[str]:
    """Return what stands under Unreleased, without blank lines and headings."""
    _, _, after = changelog.partition(UNRELEASED)
    section = re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0]
    return [line for line in section.splitlines() if line.strip() and not line.startswith("#")]


def write_version(clone: Path, version: str) -> None:
    """Put the version into pyproject.toml, and a heading into CHANGELOG.md."""
    pyproject, changelog = clone / "pyproject.toml", clone / "CHANGELOG.md"
    text = pyproject.read_text(encoding="utf-8")
    text = re.sub(r'^version = ".*"$', f'version = "{version}"', text, count=1, flags=re.MULTILINE)
    pyproject.write_text(text, encoding="utf-8")
    today = dt.datetime.now(tz=dt.UTC).date()
    text = changelog.read_text(encoding="utf-8")
    text = text.replace(UNRELEASED, f"{UNRELEASED}\n## [{version}] - {today}\n", 1)
    changelog.write_text(text, encoding="utf-8")


def check_wheel(wheel: Path, version: str, folder: Path) -> None:
    """Install the wheel, and make a project with it, with no git host in reach.

    Raises:
        ReleaseError: it does not work.

    """
    environment, project = folder / "environment", folder / "project"
    run("uv", "venv", "--quiet", "--python", sys.executable, str(environment))
    options = ["--quiet", "--python", str(environment), "--constraint", "constraints.txt"]
    run("uv", "pip", "install", *options, str(wheel))
    fourhats = next(environment.glob("[bS]*/fourhats*"))
    run(str(fourhats), "new", "--defaults", str(project), GIT_ALLOW_PROTOCOL="file")
    answers = (project / ".copier-answers.yml").read_text(encoding="utf-8")
    if f"_commit: v{version}\n" not in answers:
        raise ReleaseError(f"a project of the wheel does not note v{version}:\n{answers}")


def run(*command: str, cwd: Path = ROOT, **environment: str) -> str:
    """Run a command, and return what it prints.

    Raises:
        ReleaseError: it is missing, or fails.

    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            check=True,
            text=True,
        )
    except FileNotFoundError as error:
        raise ReleaseError(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise ReleaseError(f"`{' '.join(command)}` failed:\n{error.stderr.strip()}") from error
    return done.stdout


if __name__ == "__main__":
    main()
