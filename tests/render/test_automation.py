"""What runs on a code host's side is right: workflows, the scripts in them, Renovate's settings."""

import json
import re
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from tests.render.answer_sets import Answers
from tests.render.tree import BIN, Tree, grow
from tests.services.rendered import ROOT

FILES = {
    "github": ("vendor.github-workflows", ".github/workflows/*.yml"),
    "gitlab": ("vendor.gitlab-ci", ".gitlab-ci.yml .gitlab/ci/*.yml"),
    "azure_devops": ("vendor.azure-pipelines", ".azure-pipelines/*.yml"),
}
QUESTIONS = yaml.safe_load((ROOT / "questions" / "50_ml_engineer.yml").read_text(encoding="utf-8"))
PYPROJECTS = ("pyproject.toml", "runtime/pyproject.toml")
CLOUDS = sorted(set(QUESTIONS["cloud"]["choices"].values()) - {"none"})
AZURES_OWN = r"\$\([A-Z]\w*(\.\w+)*\)|\$\{\{ parameters\.\w+ \}\}"
"""Its variables and parameters, which no shell sees."""
OTHER_ANSWERS: list[Answers] = [
    {"orchestrator": "none", "serving": ["api", "batch"], "engine": "spark"},
    {"orchestrator": "none", "serving": ["api"]},
    {"orchestrator": "airflow"},
    *({"cloud": cloud, "serving": ["api", "stream"]} for cloud in CLOUDS),
    {"cloud": CLOUDS[0], "serving": ["batch"], "orchestrator": "none"},
]


@pytest.fixture(
    scope="module",
    params=[(ci, number) for ci in FILES for number in range(len(OTHER_ANSWERS))],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def automated(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> Tree:
    """A project for each service, and for what its files depend on."""
    ci, number = request.param
    folder = tmp_path_factory.mktemp("automated") / "project"
    return grow(folder, source, OTHER_ANSWERS[number] | {"ci": ci})


def test_the_files_are_as_the_service_wants_them(automated: Tree, tmp_path: Path) -> None:
    schema, _ = FILES[automated.answers["ci"]]
    options, names = ["--builtin-schema", schema], files_of(automated)
    if automated.answers["ci"] == "azure_devops":
        options += ["--regex-variant", "nonunicode"]
        names = [as_azure_reads(automated.folder / name, tmp_path) for name in names]
    automated.accepted_by("check-jsonschema", *options, *names)


def test_no_other_service_has_a_file(automated: Tree) -> None:
    for ci, (_, patterns) in FILES.items():
        found = [path for pattern in patterns.split() for path in automated.folder.glob(pattern)]
        assert bool(found) == (ci == automated.answers["ci"])
    lines = [name for name in files_of(automated) if Path(name).name == "line.yml"]
    scheduled = automated.answers["orchestrator"] == "none"
    assert len(lines) == (scheduled and automated.answers["cloud"] == "none")
    releases = [name for name in files_of(automated) if Path(name).name == "deploy.yml"]
    released = automated.answers["cloud"] != "none"
    assert len(releases) == (released and automated.answers["ci"] != "github")


def test_the_workflows_give_away_nothing(automated: Tree) -> None:
    if automated.answers["ci"] == "github":
        automated.accepted_by("zizmor", "--offline", "--no-progress", ".github")


def test_the_scripts_are_right(automated: Tree) -> None:
    found = 0
    for name in files_of(automated):
        for script in scripts(automated.yaml(name)):
            found += 1
            done = subprocess.run(
                [BIN / "shellcheck", "--shell=bash", "-"],
                input=re.sub(AZURES_OWN, "value", script),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout
    assert found
    for path in automated.folder.glob("deploy/*.sh"):
        automated.accepted_by("shellcheck", automated.name(path))


def test_what_is_installed_or_run_has_an_exact_version(automated: Tree) -> None:
    for name in files_of(automated):
        text = automated.text(name)
        assert "latest" not in text
        by_hash = "--require-hashes --requirement deploy/tools.txt"
        known = {by_hash, install_line(automated).removeprefix("uv pip install ")}
        assert set(re.findall(r"pip install (.+)", text)) <= known
        assert "uv sync" not in text
        for action in re.findall(r"uses: (\S+)", text):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action), action


def test_what_is_installed_in_images_and_ci_is_known_by_its_digest(automated: Tree) -> None:
    image = automated.text("deploy/Dockerfile")
    assert set(re.findall(r"(?m)^FROM (\S+)", image)) <= {"${PYTHON}", "base", "sources"}
    # Every stage has Debian's newest fixes, of which the base has those of its own day.
    assert re.findall(r"(?m)^FROM \$.* AS (\w+)", image) == ["base"]
    assert "apt-get upgrade --yes" in image.partition("FROM base")[0]
    installs = re.findall(r"(?m)^.*pip install .*$", image)
    assert len(installs) == 3
    for line in installs:
        assert "--require-hashes" in line or "--constraint hashes.txt" in line
    pins = automated.text("constraints.txt").splitlines()
    assert [line for line, _ in hashed(automated.text("hashes.txt"))] == pins
    for name in ("hashes.txt", "deploy/tools.txt"):
        for line, digests in hashed(automated.text(name)):
            assert "==" in line
            assert digests, line
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests)
    (uv,) = [line for line, _ in hashed(automated.text("deploy/tools.txt")) if line[:4] == "uv=="]
    for name in PYPROJECTS:
        (backend,) = map(Requirement, automated.toml(name)["build-system"]["requires"])
        # What its own version suits uv builds by itself: nothing is fetched for it.
        assert backend.name == "uv_build"
        assert uv.removeprefix("uv==") in backend.specifier


def install_line(tree: Tree) -> str:
    """Give the command by which a service of CI installs the project."""
    found = [re.findall(r"uv pip install .*", tree.text(name)) for name in files_of(tree)]
    (line,) = {str(line) for lines in found for line in lines}
    return line


def hashed(text: str) -> list[tuple[str, list[str]]]:
    """Give the pins of a file with the digests of each."""
    entries = re.findall(r"(?m)^([^#\s].*?) \\\n((?: +--hash=.*\n)+)", text)
    return [(line, re.findall(r"--hash=(\S+)", digests)) for line, digests in entries]


def as_azure_reads(file: Path, folder: Path) -> str:
    """Write a file anew with all its values as texts, which to Azure they are; return its path."""
    values = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    written = folder / f"{file.stem}.json"
    written.write_text(json.dumps(with_switches(values)), encoding="utf-8")
    return str(written)


def with_switches(value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    """Turn the inputs of tasks that are switches back into them: the schema wants no text there."""
    if isinstance(value, list):
        return [with_switches(part) for part in value]
    if not isinstance(value, dict):
        return value
    switches = {"true": True, "false": False}
    inputs = {name: switches.get(text, text) for name, text in value.get("inputs", {}).items()}
    return {name: inputs if name == "inputs" else with_switches(at) for name, at in value.items()}


def files_of(tree: Tree) -> list[str]:
    """List the files that the chosen service reads."""
    patterns = FILES[tree.answers["ci"]][1].split()
    return sorted(tree.name(path) for pattern in patterns for path in tree.folder.glob(pattern))


def scripts(document: Any) -> Iterator[str]:  # noqa: ANN401 - whatever the file holds
    """Give every script of a file; GitLab runs the lines of a job in one shell."""
    if isinstance(document, list):
        for part in document:
            yield from scripts(part)
    elif isinstance(document, dict):
        for key, value in document.items():
            if key in {"run", "bash", "script", "after_script", "inlineScript"}:
                yield value if isinstance(value, str) else "\n".join(value)
            else:
                yield from scripts(value)


def test_renovate_knows_its_settings(default_tree: Tree) -> None:
    default_tree.accepted_by(
        "check-jsonschema", "--builtin-schema", "vendor.renovate", "renovate.json"
    )
    # Its schema lets unknown keys pass.
    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / "renovate.json"
    known = json.loads(vendored.read_text(encoding="utf-8"))["properties"]
    settings = json.loads(default_tree.text("renovate.json"))
    assert settings.keys() - {"$schema"} <= known.keys()
    assert set(settings["enabledManagers"]) <= known.keys()
