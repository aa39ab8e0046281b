"""Refresh the pins: the exact versions of everything that a rendered project may depend on.

Resolves all options together, for every supported Python and platform, and writes
`includes/constraints.jinja`: a package that only some options need stands under their condition, so
that a project pins what it uses and nothing else. Where one option holds a package back, the others
keep the newer version. Run by `make pins`, which then runs the tests.
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
    "broker": "redis",
    "warehouse": "duckdb",
    "engine": "local",
    "dataframe": "",
    "alerts": ["log"],
    "orchestrator": "none",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "'api' in serving": {"serving": ["api"]},
    "broker == 'redis' and 'stream' in serving": {"serving": ["stream"], "broker": "redis"},
    "broker == 'kafka' and 'stream' in serving": {"serving": ["stream"], "broker": "kafka"},
    "'bigquery' in data_sources or warehouse == 'bigquery'": {"data_sources": ["bigquery"]},
    "'excel' in data_sources": {"data_sources": ["excel"]},
    "'mysql' in data_sources": {"data_sources": ["mysql"]},
    "'postgres' in data_sources or warehouse == 'postgres'": {"data_sources": ["postgres"]},
    "'rest_api' in data_sources": {"data_sources": ["rest_api"]},
    "dataframe == 'pandas'": {"dataframe": "pandas"},
    "dataframe == 'polars'": {"dataframe": "polars"},
    "'snowflake' in data_sources or warehouse == 'snowflake'": {"data_sources": ["snowflake"]},
    "warehouse != 'duckdb'": {"warehouse": "postgres"},
    "engine == 'spark'": {"engine": "spark"},
    "storage == 'bucket'": {"storage": "bucket"},
    "model_family == 'lightgbm'": {"model_family": "lightgbm"},
    "alerts | select('in', ['email', 'slack', 'teams']) | list": {"alerts": ["email"]},
}
# Google's client asks for python-dateutil before 3.
HOLDS_BACK = "'bigquery' in data_sources or warehouse == 'bigquery'"


def main() -> None:
    """Resolve, and write the pins."""
    asked_for = {condition: requirements(BASE | change) for condition, change in OPTIONS.items()}
    free = [line for name, lines in asked_for.items() if name != HOLDS_BACK for line in lines]
    newest = resolve(free)
    pins = resolve([*free, *asked_for[HOLDS_BACK]], preferred=newest)
    base = names(resolve(requirements(BASE), newest))
    optional = {
        condition: names(resolve(lines, pins if condition == HOLDS_BACK else newest)) - base
        for condition, lines in asked_for.items()
    }
    lines = []
    for pin in sorted({*pins, *newest}, key=lambda pin: (name(pin), pin)):
        wanted_by = [condition for condition, found in optional.items() if name(pin) in found]
        conditions = [] if name(pin) in base else [" or ".join(wanted_by)]
        if name(pin) in names(newest) and pin not in newest:
            conditions.append(HOLDS_BACK)
        elif pin not in pins:
            conditions.append(f"not ({HOLDS_BACK})")
        if wanted_by or name(pin) in base:
            lines += [*("{% if " + each + " %}" for each in conditions), pin]
            lines += ["{% endif %}"] * len(conditions)
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


def resolve(
    wanted: Sequence[str], pins: Sequence[str] = (), preferred: Sequence[str] = ()
) -> list[str]:
    """Give the exact versions for every supported Python and platform, one line each."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, found = Path(folder) / "constraints.txt", Path(folder) / "found.txt"
        constraints.write_text("\n".join(pins), encoding="utf-8")
        # uv keeps what stands in the file that it writes, as far as it can.
        found.write_text("\n".join(preferred), encoding="utf-8")
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
        command += ["--no-header", "--no-annotate", "--constraint", str(constraints)]
        command += ["--output-file", str(found), "-"]
        text = "\n".join(wanted)
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"pins: {done.stderr}")
        lines = found.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "==" in line]


def name(pin: str) -> str:
    """Give the package of a pin."""
    return pin.partition("==")[0]


def names(pins: Sequence[str]) -> set[str]:
    """Give the packages of pins."""
    return {name(pin) for pin in pins}


if __name__ == "__main__":
    main()
