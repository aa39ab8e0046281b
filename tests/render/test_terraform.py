"""The files for a cloud are what Terraform reads, know their provider, and fit the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.render import runtime
from tests.render.answer_sets import Answers, choices, named
from tests.render.tree import Tree, grow
from tests.services.availability import unavailable
from tests.services.checkov import checked
from tests.services.terraform.hcl import HclFile, NodeMissingError, hcl_files, node_modules
from tests.services.terraform.review import bodies, declared, review

if TYPE_CHECKING:
    from pathlib import Path

# Each cloud, and the provider whose recorded facts its files are held against.
PROVIDERS = {
    "aws": "aws",
    "gcp": "google",
    "azure": "azurerm",
}
SERVICES = [ci for ci in choices()["ci"] if ci != "none"]
# All that the files differ by; the CI takes turns.
PARTS: list[Answers] = [
    {"serving": serving, "orchestrator": orchestrator, "ci": choices()["ci"][number % 4]}
    for orchestrator, start in (("airflow", 0), ("none", 1))
    for number, serving in enumerate(choices()["serving"], start)
]
EVERYTHING: Answers = {
    "serving": choices()["serving"][-1],
    "orchestrator": "none",
    "ci": "github",
    "data_sources": choices()["data_sources"][-1],
    "warehouse": "postgres",
    "alerts": choices()["alerts"][-1],
}
ANSWER_SETS: list[Answers] = [
    *({"cloud": cloud, **parts} for cloud in PROVIDERS for parts in PARTS),
    *({"cloud": cloud, **EVERYTHING, "broker": "kafka"} for cloud in PROVIDERS),
    *(
        {"cloud": cloud, **EVERYTHING, "ci": ci}
        for cloud, ci in product(PROVIDERS, choices()["ci"])
        if ci != EVERYTHING["ci"]
    ),
]
ENVIRONMENTS = ("staging", "production")
ALWAYS = {
    "versions.tf",
    "variables.tf",
    "storage.tf",
    "registry.tf",
    "secrets.tf",
    "identity.tf",
    "line.tf",
    "alarms.tf",
    "budget.tf",
    "outputs.tf",
}
VARIABLES = {
    "project",
    "environment",
    "region",
    "image_tag",
    "monthly_budget",
    "alert_emails",
    "log_retention_days",
}
OF_CI = {"github": {"repository"}, "gitlab": {"gitlab_host", "gitlab_project_id"}}
OUTPUTS = {"registry", "bucket_url", "image_tag", "line"}
# Where an address may mean everybody: the ways out, whose other end nobody knows beforehand.
OUT = {
    "aws_route": "destination_cidr_block",
    "aws_vpc_security_group_egress_rule": "cidr_ipv4",
}
IDENTITIES = {  # names in .env.example in whose place a cloud has an identity of its own
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_CLIENT_ID",
    "AZURE_STORAGE_ACCOUNT",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
}
SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY|AIza[\w-]{35}|\bxox[abp]-|\b\d{12}\b"
    r"|(?i:(password|secret|token|api_key)\w*\s*=\s*\"[^\"$]+\")"
)
MOST_COMMANDS = 5


class Stack(NamedTuple):
    """A project for a cloud, and its Terraform files."""

    tree: Tree
    folder: Path
    files: dict[str, HclFile]

    @property
    def code(self) -> dict[str, dict[str, Any]]:
        """What the files of the configuration say."""
        return {name: file.parsed for name, file in self.files.items() if name.endswith(".tf")}

    @property
    def page(self) -> str:
        """The way there."""
        return (self.folder / "README.md").read_text(encoding="utf-8")

    @property
    def shown(self) -> list[str]:
        """The blocks of commands that the page shows."""
        return re.findall(r"(?s)```sh\n(.*?)```", self.page)


@pytest.fixture(scope="module", autouse=True)
def reader() -> None:
    """See that there is what reads HCL."""
    try:
        node_modules()
    except NodeMissingError as error:
        unavailable(error)


@pytest.fixture(
    scope="module",
    params=ANSWER_SETS,
    ids=["-".join([a["cloud"], *a["serving"], a["orchestrator"], a["ci"]]) for a in ANSWER_SETS],
)
def stack(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> Stack:
    print(named(request.param))
    return stack_of(grow(tmp_path_factory.mktemp("cloud") / "project", source, request.param))


def stack_of(tree: Tree) -> Stack:
    folder = tree.folder / "deploy" / "terraform" / tree.answers["cloud"]
    return Stack(tree, folder, hcl_files(folder))


def test_every_project_for_a_cloud_has_its_files_and_no_other_has_any(tree: Tree) -> None:
    folder = tree.folder / "deploy" / "terraform"
    cloud = tree.answers["cloud"]
    if cloud == "none":
        assert not folder.exists()
        return
    assert [path.name for path in folder.iterdir()] == [cloud]
    stack = stack_of(tree)
    assert review(stack.files, PROVIDERS[cloud]) == []
    assert misformatted(stack) == []


def test_every_file_is_formatted_as_terraform_would(stack: Stack) -> None:
    assert misformatted(stack) == []
    if terraform := shutil.which("terraform"):
        done = subprocess.run(
            [terraform, "fmt", "-check", "-diff", "-recursive", stack.folder],
            capture_output=True,
            text=True,
            check=False,
            env={name: value for name, value in os.environ.items() if name != "TF_CLI_CONFIG_FILE"},
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_type_argument_block_and_reference_is_known(stack: Stack) -> None:
    assert review(stack.files, PROVIDERS[stack.tree.answers["cloud"]]) == []


def test_there_is_a_file_for_each_part_that_was_chosen_and_for_no_other(stack: Stack) -> None:
    answers = stack.tree.answers
    asked = {
        "api.tf": "api" in answers["serving"],
        "stream.tf": "stream" in answers["serving"],
        "schedule.tf": answers["orchestrator"] == "none",
        "airflow.tf": answers["orchestrator"] == "airflow" and answers["cloud"] != "azure",
        "ci.tf": answers["ci"] != "none",
        **{f"ci_{ci}.tf": answers["ci"] == ci for ci in SERVICES},
    }
    files = stack.code.keys()
    assert files >= ALWAYS
    assert {name for name in asked if name in files} == {name for name in asked if asked[name]}
    outputs = OUTPUTS | ({"api_url"} if asked["api.tf"] else set())
    outputs |= {"ci_identity"} if asked["ci.tf"] else set()
    outputs |= {"airflow"} if asked["airflow.tf"] else set()
    assert set(declared(stack.code, "output")) >= outputs
    assert ("api_url" in declared(stack.code, "output")) == asked["api.tf"]
    assert ("ci_identity" in declared(stack.code, "output")) == asked["ci.tf"]


def test_variables_are_those_that_all_clouds_have(stack: Stack) -> None:
    variables = declared(stack.code, "variable")
    wanted = VARIABLES | OF_CI.get(stack.tree.answers["ci"], set())
    if "api" in stack.tree.answers["serving"]:
        wanted |= {"api_instances_min", "api_instances_max", "client_cidrs"}
        assert "default" not in variables["client_cidrs"]
    assert variables.keys() >= wanted
    assert "default" not in variables["image_tag"]
    assert "latest" in str(variables["image_tag"]["validation"])
    assert variables["project"]["default"] == stack.tree.answers["project_slug"]


def test_each_environment_has_its_values_and_its_state(stack: Stack) -> None:
    for environment in ENVIRONMENTS:
        assert (
            stack.files[f"environments/{environment}.tfvars"].parsed["environment"] == environment
        )
        assert stack.files[f"environments/{environment}.tfbackend"].parsed
    (settings,) = stack.code["versions.tf"]["terraform"]
    assert "backend" in settings
    assert re.fullmatch(r">= 1\.\d+(\.\d+)?", settings["required_version"])


def test_nothing_secret_nothing_open_and_no_moving_tag(stack: Stack) -> None:
    for name, file in stack.files.items():
        assert not SECRET.search(file.text), f"{name}: {SECRET.search(file.text)}"
        for line in file.text.splitlines():
            assert not re.search(r":latest\b|[^!]=\s*\"latest\"", line), f"{name}: {line}"
        if not name.endswith(".tf"):
            assert "0.0.0.0/0" not in file.text, name
    for place, of_type, name, body in bodies(stack.code, "resource"):
        for argument, value in body.items():
            if re.search(r"0\.0\.0\.0/0|::/0|\bInternet\b|allUsers", str(value)):
                assert OUT.get(of_type) == argument, f"{place}: {of_type}.{name} {argument}"


def test_wildcards_in_rights_are_argued(stack: Stack) -> None:
    """A line with a wildcard says why, in a comment on it or right above it."""
    for name, file in stack.files.items():
        lines = file.text.splitlines()
        for before, line in zip(["", *lines], lines, strict=False):
            if re.search(r'(actions|resources|identifiers|not_\w+|values)\s*=.*"\*"|:\*"', line):
                assert "#" in line or before.strip().startswith("#"), f"{name}: {line.strip()}"


def test_secrets_are_those_that_the_project_reads(stack: Stack) -> None:
    example = stack.tree.text(".env.example")
    named_there = set(re.findall(r"^([A-Z][A-Z0-9_]*)=", example, re.MULTILINE))
    in_no_container = IDENTITIES | {name for name in named_there if name.endswith("_FILE")}
    (names,) = (
        given["secrets"] for given in stack.code["secrets.tf"]["locals"] if "secrets" in given
    )
    assert set(re.findall(r"[A-Z][A-Z0-9_]{3,}", str(names))) == named_there - in_no_container


def test_every_setting_is_one_that_the_runtime_reads(stack: Stack) -> None:
    for name, file in stack.files.items():
        for setting in re.findall(r"\b[A-Z][A-Z0-9]*__[A-Z0-9_]+\b", file.text):
            assert setting in runtime.variables(), f"{name}: {setting}"
    assert "STORAGE__URL" in "".join(file.text for file in stack.files.values())


def test_the_page_names_only_what_there_is(stack: Stack) -> None:
    outputs, variables = (declared(stack.code, kind) for kind in ("output", "variable"))
    for name in re.findall(r"output -raw (\w+)", stack.page):
        assert name in outputs
    for name in re.findall(r"-var[ =]\"?(\w+)=", stack.page):
        assert name in variables
    for name in re.findall(r"\| `([\w/]+\.\w+)`", stack.page):
        assert (stack.folder / name).exists(), name
    for name in re.findall(r"`((?:deploy|config|docs)/[\w/.]+)`", stack.page):
        assert (stack.tree.folder / name).exists(), name
    for name in re.findall(r"(?:environments|-var-file=\S*environments)/\w+\.\w+", stack.page):
        assert name.rpartition("/")[2] in {file.rpartition("/")[2] for file in stack.files}, name


def test_from_an_empty_folder_to_apply_it_takes_five_commands_at_most(stack: Stack) -> None:
    first = stack.shown[0].replace("\\\n", " ")
    commands = [line for line in first.splitlines() if line and not line.startswith("#")]
    assert 1 < len(commands) <= MOST_COMMANDS, commands
    assert commands[0].startswith("fourhats new ")
    assert not [line for line in commands if re.search(r"&&|;", line)], "several commands in a line"


@pytest.mark.parametrize("cloud", PROVIDERS)
def test_checkov_finds_nothing_that_is_not_argued(cloud: str, source: Path, tmp_path: Path) -> None:
    asked = {ci: EVERYTHING | {"ci": ci} for ci in SERVICES}
    for name, answers in {**asked, "least": PARTS[1] | {"ci": "none"}}.items():
        tree = grow(tmp_path / "projects" / name, source, {"cloud": cloud, **answers})
        shutil.copytree(tree.folder / "deploy" / "terraform", tmp_path / "checked" / name)
    found = checked(tmp_path / "checked")
    assert found.failed == []
    assert found.passed
    for skipped in found.skipped:
        _, _, reason = skipped.partition(": ")
        assert len(reason.split()) > 3, f"{skipped} is skipped without a reason"


def misformatted(stack: Stack) -> list[str]:
    return [name for name, file in stack.files.items() if file.text != file.formatted]


# What a slip of the pen would be, and what is said of it: each in the files of the largest project.
SLIPS = [
    ("storage.tf", "bucket_key_enabled", "bucket_keys_enabled", "knows no bucket_keys_enabled"),
    ("storage.tf", 'sse_algorithm     = "aws:kms"', "", "lacks sse_algorithm"),
    ("storage.tf", "object_ownership", "#", "lacks object_ownership"),
    ("storage.tf", "noncurrent_version_expiration {", "old_versions {", "knows no old_versions"),
    ("storage.tf", "versioning_configuration {", "versioning_configuration = {", "is a block"),
    ("storage.tf", '"aws_s3_bucket_policy"', '"aws_s3_bucket_rules"', "no fact is recorded"),
    ("storage.tf", "aws_kms_key.data.arn", "aws_kms_key.data.urn", "has no attribute urn"),
    ("storage.tf", "aws_kms_key.data.arn", "aws_kms_key.date.arn", "is not declared"),
    ("storage.tf", "= data.aws_iam_policy_document.bucket.json", "=", "Invalid expression"),
    ("main.tf", "var.project}-$", "var.projects}-$", "var.projects is not declared"),
    ("main.tf", "local.bucket_url", "local.bucket_uri", "local.bucket_uri is not declared"),
    ("main.tf", "  account ", "  accounts = 1\n  account ", "local accounts is of no use"),
    ("main.tf", '"aws_partition" "current"', '"aws_partition" "it"', "current is not declared"),
    ("line.tf", '["${var.project}-line"].repository_url', "[0].repository_uri", "repository_uri"),
    ("line.tf", "aws_iam_role.start.arn", "aws_iam_role.begin.arn", "begin is not declared"),
    ("api.tf", "assign_public_ip =", "assign_public_ips =", "knows no assign_public_ips"),
    (
        "api.tf",
        'dynamic "metric_query" {',
        'dynamic "metric_queries" {',
        "knows no block metric_queries",
    ),
    ("variables.tf", 'variable "region" {', 'variable "place" {', "var.region is not declared"),
    ("variables.tf", "description = ", "summary = ", "lacks description"),
    ("outputs.tf", 'output "image_tag"', 'output "registry"', "is in outputs.tf already"),
    ("versions.tf", "~> 6.25", "~> 5.0", "whose facts are recorded"),
    ("versions.tf", "region = var.region", "zone = var.region", "knows no zone"),
    ("environments/staging.tfvars", "monthly_budget", "budget", "lacks monthly_budget"),
    ("environments/staging.tfvars", "monthly_budget", "budget", "there is no variable budget"),
]


@pytest.fixture(scope="module")
def largest(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    folder = tmp_path_factory.mktemp("largest") / "project"
    return grow(folder, source, {"cloud": "aws", **EVERYTHING})


@pytest.mark.parametrize("slip", SLIPS, ids=[slip[-1] for slip in SLIPS])
def test_a_slip_is_told(slip: tuple[str, str, str, str], largest: Tree, tmp_path: Path) -> None:
    file, right, wrong, said = slip
    folder = shutil.copytree(largest.folder / "deploy" / "terraform" / "aws", tmp_path / "aws")
    text = (folder / file).read_text(encoding="utf-8")
    assert right in text
    (folder / file).write_text(text.replace(right, wrong), encoding="utf-8")
    found = review(hcl_files(folder), "aws")
    assert any(said in line for line in found), found
