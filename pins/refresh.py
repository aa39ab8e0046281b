"""Refresh the pins: the exact versions of everything that a rendered project may depend on.

Resolves all options together, for every supported Python and platform, and writes
`includes/constraints.jinja`: a package that only some options need stands under their condition, so
that a project pins what it uses and nothing else. Run by `make pins`, which then runs the tests.
"""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_ansible_filters import AnsibleCoreFiltersExtension

ROOT = Path(__file__).parents[1]
PINS = ROOT / "includes" / "constraints.jinja"

BASE: dict[str, Any] = {
    "project_slug": "pins",
    "package_name": "pins",
    "project_description": "",
    "license": "proprietary",
    "user_name": "",
    "user_email": "",
    "data_sources": ["files"],
    "model_family": "sklearn",
    "serving": ["batch"],
    "orchestrator": "none",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "'api' in serving": {"serving": ["api"]},
    "'excel' in data_sources": {"data_sources": ["excel"]},
    "'mysql' in data_sources": {"data_sources": ["mysql"]},
    "'postgres' in data_sources": {"data_sources": ["postgres"]},
    "'rest_api' in data_sources": {"data_sources": ["rest_api"]},
    "model_family == 'lightgbm'": {"model_family": "lightgbm"},
}


def main() -> None:
    """Resolve, and write the pins."""
    everything = [line for change in OPTIONS.values() for line in requirements(BASE | change)]
    pins = resolve(everything)
    base = names(resolve(requirements(BASE), pins))
    optional = {
        condition: names(resolve(requirements(BASE | change), pins)) - base
        for condition, change in OPTIONS.items()
    }
    lines = []
    for pin in pins:
        wanted_by = [condition for condition, found in optional.items() if name(pin) in found]
        if name(pin) in base:
            lines.append(pin)
        elif wanted_by:
            lines += ["{% if " + " or ".join(wanted_by) + " %}", pin, "{% endif %}"]
    PINS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{PINS.relative_to(ROOT)}: {len(pins)} pins")


def requirements(answers: dict[str, Any]) -> list[str]:
    """List what the pyproject of a project with these answers asks for, all groups together."""
    environment = Environment(
        loader=FileSystemLoader(ROOT),
        extensions=[AnsibleCoreFiltersExtension],
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (TOML, not HTML)
    )
    PINS.touch()
    project = tomllib.loads(
        environment.get_template("template/pyproject.toml.jinja").render(answers)
    )
    groups = project["dependency-groups"].values()
    return [*project["project"]["dependencies"], *(line for group in groups for line in group)]


def resolve(wanted: Sequence[str], pins: Sequence[str] = ()) -> list[str]:
    """Give the exact versions for every supported Python and platform, one line each."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as constraints:
        constraints.write("\n".join(pins))
        constraints.flush()
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
        command += ["--no-header", "--no-annotate", "--constraint", constraints.name, "-"]
        text = "\n".join(wanted)
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"pins: {done.stderr}")
    return [line for line in done.stdout.splitlines() if "==" in line]


def name(pin: str) -> str:
    """Give the package of a pin."""
    return pin.partition("==")[0]


def names(pins: Sequence[str]) -> set[str]:
    """Give the packages of pins."""
    return {name(pin) for pin in pins}


if __name__ == "__main__":
    main()
