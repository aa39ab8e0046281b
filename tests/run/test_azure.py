"""The page of Azure, typed into a shell: each of its commands that scripts can answer.

There is neither an emulator of what it calls, nor Terraform's provider: what `az`, `terraform` and
`docker` are told is written down here, and held against the files.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.cloud_page import Shell
from tests.services.generator import fourhats
from tests.services.rendered import install, render

if TYPE_CHECKING:
    from pathlib import Path

SLUG = "customer-churn"
REGISTRY = "customerchurnstaging.azurecr.io"
SUBSCRIPTION = "01234567-89ab-cdef-0123-456789abcdef"
ME = "76543210-89ab-cdef-0123-456789abcdef"
AZ = f"""\
case "$1 $2" in
  "account show") echo {SUBSCRIPTION} ;;
  "ad signed-in-user") echo {ME} ;;
  *) echo "$@" >> "$LOG" ;;
esac"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("azure")
    answers: dict[str, Any] = {"cloud": "azure", "orchestrator": "none", "alerts": ["webhook"]}
    return Shell(folder, install(render(folder / SLUG, **answers)).folder, "azure")


def command(shell: Shell, script: str) -> str:
    """Give the one command of the first block that runs a script."""
    (found,) = (line for line in shell.blocks[0].splitlines() if f"/{script}" in line)
    return found


def test_the_first_command_makes_a_project_for_azure(shell: Shell, tmp_path: Path) -> None:
    assert len(shell.blocks[0].splitlines()) <= 5
    first, *_ = shell.blocks[0].splitlines()
    words = first.removeprefix("fourhats ").split()
    done = fourhats(tmp_path, *words, "--defaults", "--no-git", env={})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / SLUG / "deploy/terraform/azure/versions.tf").exists()


def test_the_account_of_the_state_is_made_once_and_filled_in(shell: Shell) -> None:
    shell.has("az", AZ)
    told = shell.types(command(shell, "state.sh"), inside=True)
    backend = shell.files["environments/staging.tfbackend"]
    values = shell.files["environments/staging.tfvars"]
    group, account = backend["resource_group_name"], backend["storage_account_name"]
    assert f"group create --name {group} --location {values['region']} --output none" in told
    (made,) = (line for line in told if line.startswith("storage account create"))
    assert f"--name {account} --resource-group {group} " in made
    assert "--allow-blob-public-access false --allow-shared-key-access false" in made
    (container,) = (line for line in told if line.startswith("storage container-rm create"))
    assert f"--name {backend['container_name']} --storage-account {account} " in container
    (granted,) = (line for line in told if line.startswith("role assignment create"))
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
    assert f"--assignee-object-id {ME} " in granted
    assert f"--scope {scope} " in granted
    assert values["subscription_id"] == SUBSCRIPTION
    assert values["operators"] == [ME]
    (of_ci,) = shell.files["ci.tf"]["resource"]["azurerm_role_assignment"]["ci_state"]
    names = {"${var.subscription_id}": SUBSCRIPTION, "${local.name}": f"{SLUG}-staging"}
    for name, value in names.items():
        of_ci["scope"] = of_ci["scope"].replace(name, value)
    assert of_ci["scope"] == scope
    assert shell.types(command(shell, "state.sh"), inside=True) == told
    assert shell.files["environments/staging.tfvars"] == values


def test_terraform_is_told_of_folders_files_and_resources_that_there_are(shell: Shell) -> None:
    shell.told_terraform(inside=True)


def test_what_is_promised_goes_from_env_into_the_vault(shell: Shell) -> None:
    (output,) = shell.files["outputs.tf"]["output"]["secrets"]
    assert output["value"] == "${{ for name in var.secrets : name => local.secret_ids[name] }}"
    vault = "https://the-vault.vault.azure.net/secrets"
    promised = {
        "API_KEY_HASHES": f"{vault}/api-key-hashes",
        "ALERT_WEBHOOK_URL": f"{vault}/alert-webhook-url",
    }
    answer = f"case $2 in -raw) echo the-vault ;; -json) echo '{json.dumps(promised)}' ;; esac"
    shell.has("terraform", answer)
    shell.has("az", 'echo "$5 $7 $(cat)" >> "$LOG"')
    lines = ["API_KEY_HASHES=ab,cd", "ALERT_WEBHOOK_URL='https://x/?a=b&c=d'", "OTHER=1"]
    (shell.project / ".env").write_text("\n".join(lines), encoding="utf-8")
    (block,) = (block for block in shell.blocks if "secrets.sh" in block)
    assert shell.types(block, inside=True) == [
        "the-vault api-key-hashes ab,cd",
        "the-vault alert-webhook-url https://x/?a=b&c=d",
    ]


def test_both_images_are_pushed_as_one_version_to_where_they_run_from(shell: Shell) -> None:
    shell.has("terraform", f"echo {REGISTRY}")
    shell.has("az", 'echo "$@" >> "$LOG"')
    shell.has("docker", 'echo "$PWD $@" >> "$LOG"')
    login, *builds = shell.types(command(shell, "push.sh"), inside=True)
    assert login == f"acr login --name {REGISTRY.partition('.')[0]}"
    tags = [f"{REGISTRY}/{name}:0.1.0" for name in (f"{SLUG}-line", SLUG)]
    for build, tag in zip(builds, tags, strict=True):
        assert build.startswith(f"{shell.project} build --file deploy/Dockerfile --platform linux")
        assert f"--tag {tag} --push" in build
    assert ["--target line" in build for build in builds] == [True, False]
