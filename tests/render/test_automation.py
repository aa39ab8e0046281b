"""What runs on a code host's side is right: workflows, the scripts in them, Renovate's settings."""

import json
import subprocess
from importlib.resources import files

from tests.render.tree import BIN, Tree

WORKFLOWS = (".github/workflows/ci.yml", ".github/workflows/template-update.yml")


def test_the_workflows_are_as_github_wants_them(default_tree: Tree) -> None:
    schema = ("--builtin-schema", "vendor.github-workflows")
    default_tree.accepted_by("check-jsonschema", *schema, *WORKFLOWS)


def test_the_workflows_give_away_nothing(default_tree: Tree) -> None:
    default_tree.accepted_by("zizmor", "--offline", "--no-progress", ".github")


def test_the_scripts_in_the_workflows_are_right(default_tree: Tree) -> None:
    for workflow in WORKFLOWS:
        for job in default_tree.yaml(workflow)["jobs"].values():
            for script in filter(None, (step.get("run") for step in job["steps"])):
                done = subprocess.run(
                    [BIN / "shellcheck", "--shell=bash", "-"],
                    input=script,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, done.stdout


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
