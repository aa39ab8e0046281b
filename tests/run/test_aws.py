"""The page of AWS, typed into a shell: each of its commands that a stand-in can answer.

moto takes the calls as AWS's API describes them, and keeps what they make. It asks for no rights,
runs no container, and there is neither Terraform's provider nor a registry to push to: what
`terraform` would say and what `docker` is told is a script's word here.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.availability import unavailable
from tests.services.aws import Aws, aws
from tests.services.generator import fourhats
from tests.services.rendered import Project, install, render
from tests.services.terraform.hcl import NodeMissingError, hcl_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "eu-central-1"
SLUG = "customer-churn"
ARN = f"arn:aws:it:{REGION}:123456789012"


@dataclass(frozen=True)
class Shell:
    """A person's shell in a folder of a project, signed in at AWS."""

    folder: Path
    project: Project
    cloud: Aws

    @property
    def blocks(self) -> list[str]:
        """The blocks of commands that the page shows."""
        page = (self.project.folder / "deploy/terraform/aws/README.md").read_text(encoding="utf-8")
        return re.findall(r"(?s)```sh\n(.*?)```", page)

    def block(self, word: str) -> str:
        """Give the one block with a word in it."""
        (found,) = (block for block in self.blocks if word in block)
        return found

    def run(self, script: str) -> str:
        """Type something, and see it work."""
        bin_folder = self.project.folder.parent / "bin"
        path = f"{bin_folder}:{self.cloud.env['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**self.cloud.env, "PATH": path, "HOME": str(self.folder)},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, words: str) -> Any:  # noqa: ANN401 - whatever AWS answers
        """Ask AWS something."""
        return json.loads(self.run(f"aws {words} --region {REGION} --output json"))


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("aws")
    answers: dict[str, Any] = {"cloud": "aws", "orchestrator": "none", "alerts": ["webhook"]}
    project = install(render(folder / SLUG, **answers))
    with aws() as cloud:
        yield Shell(project.folder / "deploy" / "terraform" / "aws", project, cloud)


def script(shell: Shell, name: str, text: str) -> None:
    """Put a command where the shell finds it first."""
    path = shell.project.folder.parent / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def test_the_first_command_makes_a_project_for_aws(shell: Shell, tmp_path: Path) -> None:
    first, *_ = shell.blocks[0].splitlines()
    words = first.removeprefix("fourhats ").split()
    done = fourhats(tmp_path, *words, "--defaults", "--no-git", env={})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / SLUG / "deploy/terraform/aws/versions.tf").exists()


def test_the_bucket_of_the_state_is_the_one_that_the_files_name(shell: Shell) -> None:
    (command,) = (line for line in shell.blocks[0].splitlines() if line.startswith("aws s3 mb"))
    shell.run(command)
    made = {bucket["Name"] for bucket in shell.ask("s3api list-buckets")["Buckets"]}
    files = hcl(shell)
    assert files["environments/staging.tfbackend"].parsed["bucket"] in made
    assert files["environments/staging.tfvars"].parsed["state_bucket"] in made


def test_what_env_has_is_what_the_containers_ask_for(shell: Shell) -> None:
    shell.ask(f"secretsmanager create-secret --name {SLUG}-staging-env")
    example = (shell.project.folder / ".env.example").read_text(encoding="utf-8")
    filled = example.replace("PSEUDONYM_KEY=", "PSEUDONYM_KEY='a \"quoted\" key'")
    (shell.project.folder / ".env").write_text(filled, encoding="utf-8")
    shell.run(shell.block("put-secret-value"))
    told = shell.ask(f"secretsmanager get-secret-value --secret-id {SLUG}-staging-env")
    secret = json.loads(told["SecretString"])
    (names,) = (given["secrets"] for given in hcl(shell)["secrets.tf"].parsed["locals"])
    assert set(names) <= secret.keys()
    assert secret["PSEUDONYM_KEY"] == 'a "quoted" key'
    assert all(isinstance(value, str) for value in secret.values())


def test_both_images_are_pushed_as_one_version_to_where_tasks_fetch_them(shell: Shell) -> None:
    repositories = [
        shell.ask(f"ecr create-repository --repository-name staging/{name}")["repository"]
        for name in (SLUG, f"{SLUG}-line")
    ]
    uris = [repository["repositoryUri"] for repository in repositories]
    script(shell, "terraform", f"echo {uris[0].removesuffix(f'/{SLUG}')}")
    log = shell.project.folder.parent / "docker.log"
    script(shell, "docker", f'echo "$PWD $@" >> {log}\n[ "$1" != login ] || cat >> {log}')
    shell.run(shell.blocks[0].splitlines()[-1].replace(f"{SLUG}/deploy/terraform/aws/", ""))
    login, password, *builds = log.read_text(encoding="utf-8").splitlines()
    assert login.endswith(f"login --username AWS --password-stdin {uris[0].partition('/')[0]}")
    assert password
    for build, uri in zip(builds, uris, strict=True):
        assert build.startswith(f"{shell.project.folder} build --platform linux/amd64")
        assert f"--tag {uri}:0.1.0 --push" in build
    assert ["--target line" in build for build in builds] == [False, True]


def test_the_line_is_started_by_what_terraform_says(shell: Shell) -> None:
    """Its words stand in outputs.tf; here they are filled in as Terraform would."""
    vpc = shell.ask("ec2 create-vpc --cidr-block 10.42.0.0/16")["Vpc"]["VpcId"]
    shell.run(
        f"aws ec2 modify-vpc-attribute --vpc-id {vpc} --enable-dns-hostnames --region {REGION}"
    )
    subnets = [
        shell.ask(f"ec2 create-subnet --vpc-id {vpc} --cidr-block 10.42.{number}.0/24")["Subnet"]
        for number in (10, 11)
    ]
    group = shell.ask(f"ec2 create-security-group --vpc-id {vpc} --group-name a --description b")
    shell.ask("ecs create-cluster --cluster-name it")
    shell.ask(
        "ecs register-task-definition --family it-line --network-mode awsvpc --cpu 2048 "
        "--memory 4096 --requires-compatibilities FARGATE "
        # moto, other than AWS, wants to know of the container's share of it.
        """--container-definitions '[{"name": "line", "image": "it", "memory": 4096}]'"""
    )
    words = hcl(shell)["outputs.tf"].parsed["output"]["line"][0]["value"]
    known = {
        "var.region": REGION,
        "aws_ecs_cluster.main.name": "it",
        "aws_ecs_task_definition.line.family": "it-line",
        'join(",", aws_subnet.private[*].id)': ",".join(one["SubnetId"] for one in subnets),
        'aws_security_group.containers["line"].id': group["GroupId"],
    }
    for name, value in known.items():
        assert f"${{{name}}}" in words
        words = words.replace(f"${{{name}}}", value)
    between, *parts = re.findall(r'"([^"]*)"', words)
    said = shell.project.folder.parent / "said"
    said.write_text(between.join(parts), encoding="utf-8")
    script(shell, "terraform", f"cat {said}")
    begun, *_ = shell.block("terraform output -raw line").splitlines()
    (task,) = json.loads(shell.run(begun))["tasks"]
    assert task["taskDefinitionArn"].endswith("task-definition/it-line:1")
    assert task["launchType"] == "FARGATE"


def test_aws_takes_the_task_and_its_schedule_as_the_files_have_them(
    shell: Shell, tmp_path: Path
) -> None:
    """Their own words, filled in as Terraform would: AWS's command knows each name and its type."""
    files = hcl(shell)
    (line,) = files["line.tf"].parsed["resource"]["aws_ecs_task_definition"]["line"]
    (secrets,) = (given["secrets"] for given in files["secrets.tf"].parsed["locals"])
    (settings,) = (given["settings"] for given in files["main.tf"].parsed["locals"])
    lists = {
        "for name, value in local.settings": [{"name": n, "value": v} for n, v in settings.items()],
        "for name in local.secrets": [
            {"name": n, "valueFrom": f"{ARN}:secretsmanager:it:{n}::"} for n in secrets
        ],
    }
    containers = line["container_definitions"].removeprefix("${jsonencode(").removesuffix(")}")
    for made_by, things in lists.items():
        pattern = rf"\[\s*{made_by} : \{{.*\}}\s*\]"
        before, after = re.split(pattern, containers)
        containers = before + json.dumps(things) + after
    (tmp_path / "containers.tf").write_text(f"locals {{\n  it = {containers}\n}}\n")
    (written,) = hcl_files(tmp_path)["containers.tf"].parsed["locals"]
    (platform,) = line["runtime_platform"]
    definition = {
        "family": line["family"],
        "networkMode": line["network_mode"],
        "requiresCompatibilities": line["requires_compatibilities"],
        "cpu": str(line["cpu"]),
        "memory": str(line["memory"]),
        "executionRoleArn": line["execution_role_arn"],
        "taskRoleArn": line["task_role_arn"],
        "runtimePlatform": {
            "cpuArchitecture": platform["cpu_architecture"],
            "operatingSystemFamily": platform["operating_system_family"],
        },
        "volumes": line["volume"],
        "containerDefinitions": written["it"],
    }
    (tmp_path / "task.json").write_text(filled(definition))
    made = shell.ask(f"ecs register-task-definition --cli-input-json file://{tmp_path}/task.json")
    (container,) = made["taskDefinition"]["containerDefinitions"]
    assert container["command"] == [SLUG, "run"]
    assert {secret["name"] for secret in container["secrets"]} == set(secrets)

    (plan,) = files["schedule.tf"].parsed["resource"]["aws_scheduler_schedule"]["line"]
    ((target,), (window,)) = plan["target"], plan["flexible_time_window"]
    ((task,), (retry,)) = target["ecs_parameters"], target["retry_policy"]
    (network,) = task["network_configuration"]
    schedule = {
        "Name": plan["name"],
        "GroupName": plan["group_name"],
        "ScheduleExpression": plan["schedule_expression"],
        "ScheduleExpressionTimezone": plan["schedule_expression_timezone"],
        "KmsKeyArn": plan["kms_key_arn"],
        "FlexibleTimeWindow": {"Mode": window["mode"]},
        "Target": {
            "Arn": target["arn"],
            "RoleArn": target["role_arn"],
            "EcsParameters": {
                "TaskDefinitionArn": made["taskDefinition"]["taskDefinitionArn"],
                "LaunchType": task["launch_type"],
                "NetworkConfiguration": {
                    "awsvpcConfiguration": {
                        "Subnets": [network["subnets"]],
                        "SecurityGroups": network["security_groups"],
                        "AssignPublicIp": "ENABLED" if network["assign_public_ip"] else "DISABLED",
                    }
                },
            },
            "RetryPolicy": {
                "MaximumRetryAttempts": retry["maximum_retry_attempts"],
                "MaximumEventAgeInSeconds": retry["maximum_event_age_in_seconds"],
            },
        },
    }
    (tmp_path / "schedule.json").write_text(filled(schedule))
    shell.ask(f"scheduler create-schedule-group --name {SLUG}-staging")
    shell.ask(f"scheduler create-schedule --cli-input-json file://{tmp_path}/schedule.json")
    name = f"--group-name {SLUG}-staging --name {SLUG}-staging-line"
    kept = shell.ask(f"scheduler get-schedule {name}")
    assert kept["State"] == "ENABLED"
    assert kept["Target"] == json.loads(filled(schedule))["Target"]


def filled(value: object) -> str:
    """Write it as JSON, with each reference as what Terraform would put there."""
    names = {
        "local.name": f"{SLUG}-staging",
        "aws_scheduler_schedule_group.line.name": f"{SLUG}-staging",
        "local.bucket_url": f"s3://{SLUG}-staging/{SLUG}",
        "var.region": REGION,
        "var.image_tag": "0.1.0",
        f'aws_ecr_repository.images["{SLUG}-line"].repository_url': "registry/line",
        "aws_cloudwatch_log_group.line.name": f"/{SLUG}-staging/line",
    }
    text = json.dumps(value).replace("${var.project}", SLUG)
    for name, known in names.items():
        text = text.replace(json.dumps(f"${{{name}}}")[1:-1], known)
    text = re.sub(r"\$\{(aws_\w+)[^}]*\.(arn|id)\}", rf"{ARN}:\1:it/line", text)
    assert "${" not in text
    return text


def hcl(shell: Shell) -> Any:  # noqa: ANN401 - the files, by name
    try:
        return hcl_files(shell.folder)
    except NodeMissingError as error:
        unavailable(error)
