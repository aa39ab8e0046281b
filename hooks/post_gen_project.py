"""Let copier fill the folder that cookiecutter made, so that the project can be updated.

Cookiecutter renders this file with Jinja and runs it in the folder, under its own Python, where
neither copier nor Fourhats need to be installed. What stops it is one line on stderr, and then
nothing is left in the folder.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml  # cookiecutter's own dependency

VARIABLES: dict[str, Any] = json.loads(r"""{{ cookiecutter | tojson }}""")
OF_COOKIECUTTER = {"_template", "_output_dir", "_repo_dir", "_checkout", "_lists"}
# Keeps the folder in the repository, and says what is wrong where hooks are switched off.
PLACEHOLDER = "hooks-did-not-run.md"


def main() -> None:
    """Fill the folder, or leave it empty."""
    folder = Path.cwd()
    (folder / PLACEHOLDER).unlink(missing_ok=True)
    if any(folder.iterdir()):
        raise stopped(f"{folder} is not empty: move it away, or choose another --output-dir")
    try:
        copy(source(), folder)
    except BaseException as error:  # an interruption is one, too
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if isinstance(error, KeyboardInterrupt):
            raise stopped("interrupted: the folder is left empty") from None
        raise
    say_what_is_next(folder)


def copy(template: str, folder: Path) -> None:
    """Have copier render the template into the folder, with what cookiecutter asked."""
    with tempfile.TemporaryDirectory(prefix="fourhats-") as place:
        data = Path(place) / "answers.yml"
        data.write_text(yaml.safe_dump(answers()), encoding="utf-8")
        command = [*copier(), "copy", "--defaults", "--quiet", f"--data-file={data}"]
        if VARIABLES["_checkout"]:
            command.append(f"--vcs-ref={VARIABLES['_checkout']}")
        done = subprocess.run(
            [*command, template, str(folder)],
            stderr=subprocess.PIPE,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    if done.returncode:
        raise stopped(reason(done.stderr))
    sys.stderr.write(done.stderr)


def copier() -> list[str]:
    """Find copier: in this Python, on the PATH, or by uv, which fetches it."""
    if importlib.util.find_spec("copier"):
        return [sys.executable, "-m", "copier"]
    if found := shutil.which("copier"):
        return [found]
    if found := shutil.which("uvx"):
        return [found, "--quiet", "copier"]
    raise stopped("copier makes the project and is not installed: try `pipx install copier`")


def answers() -> dict[str, Any]:
    """Give what was answered, by the names of the questions; copier has the other defaults."""
    given = {
        name.removeprefix("_"): value
        for name, value in VARIABLES.items()
        if name not in OF_COOKIECUTTER and not name.startswith("__") and value is not None
    }
    for name in VARIABLES["_lists"]:
        if isinstance(given.get(name), str):
            given[name] = [item.strip() for item in given[name].split(",") if item.strip()]
    return given


def source() -> str:
    """Give the template as a project can note it: an absolute path or a URL."""
    template, repository = VARIABLES["_template"], VARIABLES["_repo_dir"]
    if template == repository:
        return local(template)
    # Cookiecutter cloned it: abbreviations such as gh: are spelled out there.
    command = ["git", "-C", repository, "config", "--get", "remote.origin.url"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    url = done.stdout.strip()
    if not url:
        raise stopped(f"{template} has no versions: name the template's folder or its git URL")
    # Copier tells a repository's URL by these marks.
    return url if url.endswith(".git") or url.startswith("git@") else f"git+{url}"


def local(template: str) -> str:
    """Make a template's path absolute, which is relative to where cookiecutter was started."""
    made_in = Path(VARIABLES["_output_dir"])
    # Nobody says where that was. A project is mostly made there, or below.
    for start in (made_in, *made_in.parents, Path(os.environ.get("PWD", os.curdir))):
        if (start / template / "hooks" / "post_gen_project.py").is_file():
            return os.path.abspath(start / template)  # noqa: PTH100 (links stay as they are)
    raise stopped(f"{template} is not found from {made_in}: type the template's absolute path")


def reason(stderr: str) -> str:
    """Make one line of what copier said: the end of a traceback, if it is one."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", stderr).splitlines()
    if any(line.startswith("Traceback ") for line in lines):
        last_frame = max(number for number, line in enumerate(lines) if line.startswith("  "))
        lines = lines[last_frame + 1 :]
    return re.sub(r"^[\w.]+Error: ", "", " ".join(" ".join(lines).split()))


def say_what_is_next(folder: Path) -> None:
    """Name the next steps, and what was decided without being asked."""
    kept = [name for name, value in VARIABLES.items() if name.startswith("_") and value is None]
    kept = [name for name in kept if name not in OF_COOKIECUTTER]
    print(f"\n{VARIABLES['project_name']} is in {folder}; its README says how to run it.")
    print("Updates need a commit: git init && git add --all && git commit -m 'Start from Fourhats'")
    if kept:
        print(f"Left at their defaults, to be set like _serving=batch: {', '.join(kept)}")


def stopped(message: str) -> SystemExit:
    """Give what ends the hook with one line."""
    return SystemExit(f"fourhats: {message}")


if __name__ == "__main__":
    main()
