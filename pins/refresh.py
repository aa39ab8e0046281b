"""Refresh the pins: the exact versions of everything that a rendered project may depend on.

Resolves all options together, for every supported Python and platform, and writes
`includes/constraints.jinja`: a package that only some options need stands under their condition, so
that a project pins what it uses and nothing else. Where one option holds a package back, the others
keep the newer version. What a project asks for it mostly asks the runtime for, by its extras. Run
by `make pins`; `python pins/refresh.py --keep` leaves the versions as they are, and takes in only
what came or went.

The digests of their files are written too: `includes/hashes.jinja`, and, for what installs them in
an image and in CI, `template/deploy/tools.txt`.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_ansible_filters import AnsibleCoreFiltersExtension

ROOT = Path(__file__).parents[1]
PINS = ROOT / "includes" / "constraints.jinja"
HASHES = ROOT / "includes" / "hashes.jinja"
RUNTIME = ROOT / "template" / "runtime" / "pyproject.toml"
TOOLS = ROOT / "template" / "deploy" / "tools.txt"
TOOLS_HEAD = """\
# What installs a project in an image and in CI, and lists what is in the image, with the digests of
# its files. The template writes this file.
"""

BASE: dict[str, Any] = {
    "project_slug": "pins",
    "package_name": "pins",
    "project_description": "",
    "license": "proprietary",
    "user_name": "",
    "user_email": "",
    "data_sources": ["files"],
    "files_path": "",
    "task": "classification",
    "model_family": ["sklearn"],
    "serving": ["batch"],
    "broker": "redis",
    "warehouse": "duckdb",
    "engine": "local",
    "dataframe": "",
    "storage": "local",
    "ci": "none",
    "cloud": "none",
    "alerts": ["log"],
    "orchestrator": "none",
}
STATISTICS = (
    "'files' in data_sources and "
    "files_path | lower | regex_search('[.](dta|sav|zsav|por|sas7bdat|xpt)([.](gz|bz2|zst|zip))?$')"
)
OPTIONS: dict[str, dict[str, Any]] = {
    "task == 'search'": {"task": "search"},
    "'api' in serving": {"serving": ["api"]},
    "broker == 'redis' and 'stream' in serving": {"serving": ["stream"], "broker": "redis"},
    "broker == 'kafka' and 'stream' in serving": {"serving": ["stream"], "broker": "kafka"},
    "'bigquery' in data_sources or warehouse == 'bigquery'": {"data_sources": ["bigquery"]},
    "'excel' in data_sources": {"data_sources": ["excel"]},
    "'mysql' in data_sources": {"data_sources": ["mysql"]},
    "'postgres' in data_sources or warehouse == 'postgres'": {"data_sources": ["postgres"]},
    "'rest_api' in data_sources": {"data_sources": ["rest_api"]},
    STATISTICS: {"files_path": "panel.dta"},
    "dataframe == 'pandas' and task != 'search'": {"dataframe": "pandas"},
    "dataframe == 'polars' and task != 'search'": {"dataframe": "polars"},
    "'snowflake' in data_sources or warehouse == 'snowflake'": {"data_sources": ["snowflake"]},
    "warehouse != 'duckdb'": {"warehouse": ""},
    "engine == 'spark'": {"engine": "spark"},
    "storage == 'bucket'": {"storage": "bucket"},
    "'lightgbm' in model_family": {"model_family": ["lightgbm"]},
    "'pytorch' in model_family": {"model_family": ["pytorch"]},
    "'tensorflow' in model_family": {"model_family": ["tensorflow"]},
    "alerts | select('in', ['email', 'slack', 'teams']) | list": {"alerts": ["email"]},
}
# What PyTorch's builds for the package index ask for on Linux, and those for processors do not.
CUDA = re.compile(r"cuda-|nvidia-|triton")
# Google's client asks for python-dateutil before 3.
HOLDS_BACK = "'bigquery' in data_sources or warehouse == 'bigquery'"
ORDER = [*OPTIONS, f"not ({HOLDS_BACK})"]


def main() -> None:
    """Resolve, and write the pins."""
    asked_for = {condition: requirements(BASE | change) for condition, change in OPTIONS.items()}
    held = asked_for.pop(HOLDS_BACK)
    wanted = [line for lines in asked_for.values() for line in lines]
    newest = resolve(wanted, preferred=present() if "--keep" in sys.argv else ())
    older = resolve([*wanted, *held], preferred=newest)
    free = conditions(newest, asked_for)
    kept = conditions(older, asked_for | {HOLDS_BACK: held})
    lines = []
    for pin in sorted(free.keys() | kept.keys(), key=lambda pin: (name(pin), pin)):
        here, there = free.get(pin), kept.get(pin)
        if here is not None and there is not None and there - {HOLDS_BACK} == here:
            lines += under([there if here else set()], pin)
            continue
        if here is not None:
            lines += under([here, {f"not ({HOLDS_BACK})"}], pin)
        if there is not None:
            lines += under([{HOLDS_BACK}, set() if HOLDS_BACK in there else there], pin)
    PINS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    digests = hashed(newest) | hashed(older)
    entries = [f'  "{pin}": "{" ".join(digests[pin])}",' for pin in sorted(digests)]
    HASHES.write_text("\n".join(["{% set hashes = {", *entries, "} %}"]) + "\n", encoding="utf-8")
    TOOLS.write_text(TOOLS_HEAD + tools(), encoding="utf-8")
    print(f"{PINS.relative_to(ROOT)}: {len(older)} pins, {HASHES.name}: {len(digests)}")


def hashed(pins: Sequence[str]) -> dict[str, list[str]]:
    """Give the digests (SHA-256) of the files of each pin, without its marker."""
    of_the_index = [pin for pin in pins if name(pin) != "torch"]  # which has an index of its own
    text = compiled(["--no-deps", "--generate-hashes"], "\n".join(of_the_index))
    found = re.findall(r"^(\S+==\S+).*((?:\\\n.*--hash=\S+ *)+)", text, re.MULTILINE)
    return {pin: re.findall(r"--hash=(\S+)", hashes) for pin, hashes in found}


def tools() -> str:
    """Pin uv, of this repository's own version, and what writes down what is in an image."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    version = re.search(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)
    if version is None:
        sys.exit("pins: the Makefile names no version of uv")
    return compiled(["--generate-hashes"], f"uv=={version[1]}\ncyclonedx-bom==7.5.0")


def compiled(options: Sequence[str], wanted: str) -> str:
    """Have uv resolve requirements for every supported Python and platform."""
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--no-header", "--no-annotate", *options, "-"]
    done = subprocess.run(command, input=wanted, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"pins: {done.stderr}")
    return done.stdout


def conditions(pins: Sequence[str], asked_for: dict[str, list[str]]) -> dict[str, set[str]]:
    """Say of each pin under which conditions it is wanted; always, if there are none."""
    always = names(resolve(requirements(BASE), pins))
    found = {condition: names(resolve(lines, pins)) for condition, lines in asked_for.items()}
    every = {
        pin: set() if name(pin) in always else {each for each in found if name(pin) in found[each]}
        for pin in pins
    }
    return {pin: wanted for pin, wanted in every.items() if wanted or name(pin) in always}


def under(conditions: Iterable[set[str]], pin: str) -> list[str]:
    """Write a pin that counts where one of each set of conditions holds."""
    wanted = [" or ".join(each for each in ORDER if each in some) for some in conditions if some]
    return [*("{% if " + each + " %}" for each in wanted), pin, *["{% endif %}"] * len(wanted)]


def requirements(answers: dict[str, Any]) -> list[str]:
    """List what the pyproject of a project with these answers asks for, all groups together."""
    PINS.touch()
    project = tomllib.loads(rendered("template/pyproject.toml.jinja", answers))
    groups = project["dependency-groups"].values()
    lines = [*project["project"]["dependencies"], *(line for group in groups for line in group)]
    return list(expanded(lines))


def expanded(lines: Iterable[str]) -> Iterator[str]:
    """Put in the runtime's place what it asks for with the extras that are named."""
    runtime = tomllib.loads(RUNTIME.read_text(encoding="utf-8"))["project"]
    for line in lines:
        named = re.fullmatch(rf"{runtime['name']}(?:\[(.*)\])?", line)
        if named is None:
            yield line
            continue
        yield from runtime["dependencies"]
        # Where no library of frames is chosen, its extra has no name.
        for extra in filter(None, (named[1] or "").split(",")):
            asked_for = expanded(runtime["optional-dependencies"][extra])
            # What has nothing for the newest Python yet is kept from it by the project itself.
            yield from (re.sub(r"; python_version < '[\d.]+'$", "", line) for line in asked_for)


def present() -> list[str]:
    """List the pins as they are, where nothing is held back."""
    every = [BASE | change for condition, change in OPTIONS.items() if condition != HOLDS_BACK]
    texts = [rendered("includes/constraints.jinja", answers) for answers in every]
    return sorted({line for text in texts for line in text.splitlines()})


def rendered(name: str, answers: dict[str, Any]) -> str:
    """Render a file of the template as copier does."""
    environment = Environment(
        loader=FileSystemLoader(ROOT),
        extensions=[AnsibleCoreFiltersExtension],
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (TOML, not HTML)
    )
    return environment.get_template(name).render(answers)


def resolve(
    wanted: Sequence[str], pins: Sequence[str] = (), preferred: Sequence[str] = ()
) -> list[str]:
    """Give the exact versions for every supported Python and platform, one line each."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, found = Path(folder) / "constraints.txt", Path(folder) / "found.txt"
        constraints.write_text("\n".join(pins), encoding="utf-8")
        # uv keeps what stands in the file that it writes, as far as it can.
        found.write_text("\n".join(preferred), encoding="utf-8")
        options = ["--constraint", str(constraints), "--output-file", str(found)]
        compiled(options, "\n".join(wanted))
        lines = found.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "==" in line and not CUDA.match(line)]


def name(pin: str) -> str:
    """Give the package of a pin."""
    return pin.partition("==")[0]


def names(pins: Sequence[str]) -> set[str]:
    """Give the packages of pins."""
    return {name(pin) for pin in pins}


if __name__ == "__main__":
    main()
