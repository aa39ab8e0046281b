"""The page of Google Cloud, typed into a shell: each of its commands that scripts can answer.

There is neither an emulator of what it calls, nor Terraform's provider: what `gcloud`, `terraform`
and `docker` are told is written down here, and held against the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.services.cloud_page import Shell
from tests.services.generator import fourhats
from tests.services.rendered import install, render

if TYPE_CHECKING:
    from pathlib import Path

SLUG = "customer-churn"
REGISTRY = f"europe-west1-docker.pkg.dev/{SLUG}-staging/{SLUG}-staging"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("gcp")
    answers: dict[str, Any] = {"cloud": "gcp", "orchestrator": "none", "alerts": ["webhook"]}
    return Shell(folder, install(render(folder / SLUG, **answers)).folder, "gcp")


def test_the_first_command_makes_a_project_for_google_cloud(shell: Shell, tmp_path: Path) -> None:
    first, *_ = shell.blocks[0].splitlines()
    words = first.removeprefix("fourhats ").split()
    done = fourhats(tmp_path, *words, "--defaults", "--no-git", env={})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / SLUG / "deploy/terraform/gcp/versions.tf").exists()


def test_the_bucket_of_the_state_is_the_one_that_the_files_name(shell: Shell) -> None:
    shell.has("gcloud", 'echo "$@" >> "$LOG"')
    (command,) = (line for line in shell.blocks[0].splitlines() if line.startswith("gcloud"))
    (told,) = shell.types(command)
    values = shell.files["environments/staging.tfvars"]
    bucket = shell.files["environments/staging.tfbackend"]["bucket"]
    assert f"buckets create gs://{bucket} --project {values['project_id']} " in told
    assert f"--location {values['region']} " in told
    granted = shell.files["ci.tf"]["resource"]["google_storage_bucket_iam_member"]
    name = granted["ci_state"][0]["bucket"]
    assert name.replace("${var.project_id}", values["project_id"]) == bucket


def test_terraform_is_told_of_folders_files_and_resources_that_there_are(shell: Shell) -> None:
    shell.told_terraform()


def test_each_value_of_env_becomes_a_version_of_the_secret_that_has_its_name(shell: Shell) -> None:
    shell.has("gcloud", 'echo "$4 $(cat)" >> "$LOG"')
    shell.has("uv", 'shift 2\nexec .venv/bin/python "$@"')
    lines = ["API_KEY_HASHES=ab,cd", "ALERT_WEBHOOK_URL=https://x/?a=b&c=d", "EMPTY=", "# A=1"]
    lines.append("PSEUDONYM_KEY='a \"quoted\" key'")
    (shell.project / ".env").write_text("\n".join(lines), encoding="utf-8")
    (block,) = (block for block in shell.blocks if "secrets versions add" in block)
    told = dict(line.split(" ", 1) for line in shell.types(block, inside=True))
    assert told == {
        f"{SLUG}-staging-API_KEY_HASHES": "ab,cd",
        f"{SLUG}-staging-ALERT_WEBHOOK_URL": "https://x/?a=b&c=d",
        f"{SLUG}-staging-PSEUDONYM_KEY": 'a "quoted" key',
    }
    (names,) = (given["secrets"] for given in shell.files["secrets.tf"]["locals"])
    known = {name for of_one in names.values() for name in of_one}
    assert {name.removeprefix(f"{SLUG}-staging-") for name in told} <= known
    assert shell.files["environments/staging.tfvars"]["secrets"].keys() <= known


def test_both_images_are_pushed_as_one_version_to_where_they_run_from(shell: Shell) -> None:
    shell.has("terraform", f"echo {REGISTRY}")
    shell.has("gcloud", "echo a-token")
    shell.has("docker", 'echo "$PWD $@" >> "$LOG"\n[ "$1" != login ] || cat >> "$LOG"')
    login, token, *builds = shell.types(shell.blocks[0].splitlines()[-1])
    assert login.endswith("--password-stdin https://europe-west1-docker.pkg.dev")
    assert token == "a-token"  # noqa: S105 - a stand-in
    tags = [f"{REGISTRY}/{name}:0.1.0" for name in (SLUG, f"{SLUG}-line")]
    for build, tag in zip(builds, tags, strict=True):
        assert build.startswith(f"{shell.project} build --platform linux/amd64")
        assert f"--tag {tag} --push" in build
    assert ["--target line" in build for build in builds] == [False, True]
    code = str([shell.files[name]["resource"] for name in ("api.tf", "line.tf")])
    for name in (SLUG, f"{SLUG}-line"):
        assert f"${{local.registry}}/{name}:${{var.image_tag}}" in code
