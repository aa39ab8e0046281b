"""Whatever is answered, the project is clean: it parses, is well formed, and lints."""

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from fourhats_runtime.settings import NOT_SETTINGS

from tests.render import runtime
from tests.render.tree import Tree
from tests.services.rendered import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.quick

# What Prometheus fills in, when a rule fires.
PROMETHEUS_OWN = re.compile(r"\{\{ \$value \| [^}]+ \}\}")
# What Airflow fills in, when a task runs.
AIRFLOWS_OWN = re.compile(
    r"\{\{ (failed_step\(ti\)|data_interval_(start|end) \| ds) \}\}|\{% (if dag_run|endif)[^%]*%\}"
)
# Where an image is named: by a key, in a Dockerfile, and wherever the name of one of ours stands.
IMAGE_KEYS = re.compile(r'(?m)^[ -]*image: +"?([^\s"]+)')
IN_A_DOCKERFILE = re.compile(r"(?m)^(?:FROM (\S+)|ARG \w+=(\S+:\S+)|.*--from=(\S+))")
HOME = (ROOT / "includes" / "images.jinja").read_text(encoding="utf-8")
OURS = "|".join(sorted({re.escape(name) for name in re.findall(r'"([\w./-]+):\S+@', HOME)}))
BY_NAME = re.compile(rf"(?<![\w./:-])(?:{OURS}):\w[^\s\"')]*")
PINNED = r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}"
ONE_BLANK_LINE_AT_MOST = (".yml", ".yaml", ".toml", ".md", ".txt", ".example", "Dockerfile")


def test_no_jinja_is_left(tree: Tree) -> None:
    for path in tree.files():
        text = path.read_text(encoding="utf-8")
        if {".github", ".azure-pipelines"} & set(path.parts):
            text = text.replace("${{", "")  # the services' own
        if "grafana" in path.parts:
            text = re.sub(r"\{\{\w+\}\}", "", text)  # what Grafana fills in
        if path.name.endswith("_rules.yaml"):
            text = PROMETHEUS_OWN.sub("", text)
        if path.parent.name == "dags":
            text = AIRFLOWS_OWN.sub("", text)
        assert not re.search(r"\{\{|\{%|\{#", _without_f_strings(path, text)), tree.name(path)


def test_every_file_parses(tree: Tree) -> None:
    parsers: dict[str, Callable[[str], object]] = {
        ".toml": tomllib.loads,
        ".yml": yaml.safe_load,
        ".yaml": lambda text: list(yaml.safe_load_all(text)),
        ".ipynb": json.loads,
        ".json": json.loads,
        ".py": ast.parse,
    }
    found = tree.files(*parsers)
    notebooks = set() if tree.answers["task"] == "search" else {".ipynb"}
    assert {path.suffix for path in found} >= {".toml", ".yaml", ".json", ".py"} | notebooks
    for path in found:
        parsers[path.suffix](path.read_text(encoding="utf-8"))


def test_there_is_no_blank_line_debris(tree: Tree) -> None:
    for path in tree.files():
        text, name = path.read_text(encoding="utf-8"), tree.name(path)
        assert text, f"{name} is empty"
        assert text.endswith("\n"), f"{name} lacks its last line break"
        assert not text.endswith("\n\n"), f"{name} ends in a blank line"
        assert not text.startswith("\n"), f"{name} begins with a blank line"
        assert "\n\n\n\n" not in text, f"{name} has three blank lines in a row"
        if path.name.endswith(ONE_BLANK_LINE_AT_MOST):
            assert "\n\n\n" not in text, f"{name} has two blank lines in a row"
        trailing = [line for line in text.splitlines() if line != line.rstrip()]
        assert not trailing, f"{name} has blanks at the end of {trailing}"


def test_the_projects_own_formatter_and_linter_are_content(tree: Tree) -> None:
    tree.accepted_by("ruff", "format", "--check", "--diff", "--no-cache", ".")
    tree.accepted_by("ruff", "check", "--output-format", "concise", "--no-cache", ".")


def test_hadolint_is_content(tree: Tree) -> None:
    tree.accepted_by("hadolint", "deploy/Dockerfile")


def test_the_image_copies_what_is_there(tree: Tree) -> None:
    lines = tree.text("deploy/Dockerfile").splitlines()
    copied = [
        name
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    ]
    assert copied
    for name in copied:
        assert (tree.folder / name).exists(), name
    groups = tree.toml("pyproject.toml")["dependency-groups"]
    for line in lines:
        if "uv pip install" in line:
            installed = re.findall(r"--group (\S+)", line)
            assert installed
            assert set(installed) <= set(groups)


def test_every_image_is_known_by_its_digest(tree: Tree) -> None:
    built = str(tree.answers["project_slug"])
    stages = {"${PYTHON}", *re.findall(r"(?m)^FROM .* AS (\S+)", tree.text("deploy/Dockerfile"))}
    found = set()
    for name, text in tree.texts.items():
        named = set(BY_NAME.findall(text))
        if name.endswith((".yml", ".yaml")):
            named |= set(IMAGE_KEYS.findall(text)) - {built, f"{built}-line"}
        if name.endswith("Dockerfile"):
            named |= {"".join(each) for each in IN_A_DOCKERFILE.findall(text)} - stages
        for image in named:
            assert re.fullmatch(PINNED, image), f"{name}: {image}"
        found |= named
    assert {image.partition(":")[0] for image in found} >= {"python"}


def test_compose_names_only_what_is_there(tree: Tree) -> None:
    if not {"api", "stream"} & set(tree.answers["serving"]):
        assert not (tree.folder / "deploy" / "compose.yaml").exists()
        return
    compose = tree.yaml("deploy/compose.yaml")
    services, volumes = compose["services"], compose["volumes"]
    assert set(compose) == {"services", "volumes"}
    for service in services.values():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), "open to the network"
        for volume in service.get("volumes", []):
            place = volume.split(":")[0]
            made_by_a_run = place.startswith("../artifacts/")
            is_there = (tree.folder / "deploy" / place).exists()
            assert made_by_a_run or is_there or place in volumes, volume
        assert set(service.get("depends_on", [])) <= set(services)
        if "build" in service:
            context = tree.folder / "deploy" / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).is_file()


def test_prometheus_asks_for_what_the_services_report(tree: Tree) -> None:
    rooms = {"api": "serve", "stream": "stream"}
    served = [name for name in rooms if name in tree.answers["serving"]]
    if not served:
        assert not (tree.folder / "deploy" / "prometheus.yaml").exists()
        return
    mounted = "".join(tree.yaml("deploy/compose.yaml")["services"]["prometheus"]["volumes"])
    for file in tree.yaml("deploy/prometheus.yaml")["rule_files"]:
        assert f"/{file}:" in mounted
    jobs = [job["job_name"] for job in tree.yaml("deploy/prometheus.yaml")["scrape_configs"]]
    assert jobs == served
    for job, file in {"api": "alert_rules.yaml", "stream": "stream_alerts.yaml"}.items():
        if job not in served:
            assert not (tree.folder / "deploy" / file).exists()
            continue
        code = runtime.code(rooms[job], "answer")
        rules = [rule for group in tree.yaml(f"deploy/{file}")["groups"] for rule in group["rules"]]
        assert rules
        for rule in rules:
            assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
            assert rule["labels"]["severity"] in {"critical", "warning"}
            assert set(rule["annotations"]) == {"summary", "runbook_url"}
            assert f'job="{job}"' in rule["expr"] or "_" in rule["expr"]
            for metric in re.findall(r"\b(?:predict|stream)_\w+", rule["expr"]):
                assert re.sub(r"_(bucket|total)$", "", metric) in code, metric


def test_every_setting_is_one_that_the_runtime_reads(tree: Tree) -> None:
    for path in (tree.folder / "config").glob("*.toml"):
        if path.name in NOT_SETTINGS:
            continue
        for table, keys in tree.toml(tree.name(path)).items():
            if isinstance(keys, dict):
                unknown = keys.keys() - runtime.tables().get(table, set())
                assert not unknown, f"{path.name}: [{table}] {unknown}"
            else:
                assert table in runtime.tables()[""], f"{path.name}: {table}"


def test_every_variable_that_is_to_be_set_is_read(tree: Tree) -> None:
    example = tree.folder / ".env.example"
    named = re.findall(
        r"^#? ?([A-Z][A-Z0-9_]+)=", example.read_text() if example.exists() else "", re.MULTILINE
    )
    assert [name for name in named if not runtime.reads(name)] == []


def test_ci_runs_every_check_on_the_chosen_python(tree: Tree) -> None:
    version, ci = tree.answers["python_version"], tree.answers["ci"]
    assert f"python:{version}-" in tree.text("deploy/Dockerfile")
    hooks = tree.yaml(".pre-commit-config.yaml")["repos"][0]["hooks"]
    for tool in ("ruff format", "ruff check", "mypy"):
        assert any(tool in hook["entry"] for hook in hooks), tool
    if ci == "none":
        return
    if ci == "github":
        workflow = tree.yaml(".github/workflows/ci.yml")
        # YAML 1.1 reads the key `on` as true.
        assert set(workflow) == {"name", True, "permissions", "jobs"}
        steps = workflow["jobs"]["test"]["steps"]
        assert all(("run" in step) != ("uses" in step) for step in steps)
        commands = [step.get("run", "") for step in steps]
        versions = [step["with"]["python-version"] for step in steps if "python" in str(step)]
        assert versions == [version]
    elif ci == "gitlab":
        image = tree.yaml(".gitlab-ci.yml")["default"]["image"]
        assert image.startswith(f"python:{version}-bookworm@")
        commands = tree.yaml(".gitlab/ci/checks.yml")["test"]["script"]
        needs_java = tree.answers["engine"] == "spark"
        assert any("openjdk" in command for command in commands) == needs_java
    else:
        steps = tree.yaml(".azure-pipelines/ci.yml")["stages"][0]["jobs"][0]["steps"]
        commands = [step.get("script", "") for step in steps]
        versions = [step["inputs"]["versionSpec"] for step in steps if "Python" in str(step)]
        assert versions == [version]
    for tool in ("pre-commit run --all-files", "pytest"):
        assert any(tool in command for command in commands), tool


def test_every_link_of_the_documents_leads_somewhere(tree: Tree) -> None:
    for path in [tree.folder / "README.md", *(tree.folder / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), f"{tree.name(path)}: {target}"


def test_every_file_that_a_document_names_is_there(tree: Tree) -> None:
    reports = ("docs/acceptance.md", "docs/status.md", "docs/estimate/")
    made_by_a_run = ("artifacts/", "docs/model_card.md", "docs/lineage.md", *reports)
    for path in [tree.folder / "README.md", *(tree.folder / "docs").glob("*.md")]:
        named = re.findall(r"`((?:[\w.-]+/)+(?:[\w.-]+)?)`", path.read_text(encoding="utf-8"))
        for name in named:
            if not name.startswith(made_by_a_run):
                assert (tree.folder / name).exists(), f"{tree.name(path)} names {name}"


def _without_f_strings(path: Path, text: str) -> str:
    """Leave out doubled braces, where Python means single ones by them."""
    if path.suffix != ".py":
        return text
    return "\n".join(line for line in text.splitlines() if not re.search(r"\bf['\"]", line))
