"""What comes due: the end of support of Python, the next trainings, what is deleted by its age."""

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.handover.accounts import accounts
from fourhats_runtime.limits import Data
from fourhats_runtime.project import Project

END_OF_SUPPORT = {
    "3.11": ("2027-10", "PEP 664"),
    "3.12": ("2028-10", "PEP 693"),
    "3.13": ("2029-10", "PEP 719"),
    "3.14": ("2030-10", "PEP 745"),
}
"""The month in which security fixes end, and where Python's developers say so; read 2026-11-30."""
SUPPORT = {
    "duckdb": (
        "the newest version and the one of long-term support get fixes, the latter for a year",
        "https://duckdb.org/docs/stable/dev/release_cycle",
    ),
    "numpy": (
        "others drop a version two years after it came out",
        "https://scientific-python.org/specs/spec-0000/",
    ),
    "pandas": (
        "others drop a version two years after it came out",
        "https://scientific-python.org/specs/spec-0000/",
    ),
    "pydantic": (
        "the newest minor version gets fixes, the last of a major one for six months more",
        "https://docs.pydantic.dev/latest/version-policy/",
    ),
    "scikit-learn": (
        "others drop a version two years after it came out",
        "https://scientific-python.org/specs/spec-0000/",
    ),
}
"""How long libraries are looked after whose makers say it, and where: none names a day."""
SCHEDULES = {
    "config/airflow.toml": r'^schedule = "(.+?)"',
    "deploy/systemd/*.timer": r"^OnCalendar=(.+)$",
    "deploy/kubernetes/base/line.yaml": r'^  schedule: "(.+?)"',
    ".github/workflows/line.yml": r'cron: "(.+?)"',
    ".azure-pipelines/line.yml": r'cron: "(.+?)"',
}
"""Where a project says how often its line runs, and how."""


@dataclass(frozen=True)
class Due:
    """Something that comes due, and where that is said."""

    when: str
    what: str
    source: str


def calendar(project: Project) -> list[Due]:
    """List what comes due."""
    return [
        *_python(),
        *_trainings(project),
        *_ages(project),
        *_certificates(project),
        *_libraries(),
    ]


def python_version() -> str:
    """Give the minor version of Python, such as 3.13."""
    return ".".join(platform.python_version_tuple()[:2])


def _python() -> Iterator[Due]:
    minor = python_version()
    when, source = END_OF_SUPPORT.get(
        minor, ("not known", "look it up: it is newer than this list")
    )
    yield Due(when, f"Python {minor} gets no more fixes: move to a later one before", source)


def _libraries() -> Iterator[Due]:
    for name, (rule, source) in SUPPORT.items():
        try:
            there = version(name)
        except PackageNotFoundError:
            continue
        yield Due("no day is named", f"{name} {there}: {rule}", source)
    yield Due(
        "with each newer version",
        "other libraries: the newest gets fixes; `fourhats update` brings those that were tested",
        "constraints.txt",
    )


def _trainings(project: Project) -> Iterator[Due]:
    found = False
    for pattern, form in SCHEDULES.items():
        for path in sorted(project.folder.glob(pattern)):
            for when in re.findall(form, path.read_text(encoding="utf-8"), re.MULTILINE):
                found = True
                name = path.relative_to(project.folder).as_posix()
                yield Due(f"`{when}`", "the line runs: it trains, judges, promotes", name)
    if not found:
        yield Due("by hand", "train anew: no schedule of the line was found", "nowhere")


def _ages(project: Project) -> Iterator[Due]:
    days = project.settings(Data).max_age_days
    yield Due(f"{days:g} days after the last rows", "data too old: an alert", "data.max_age_days")
    if "api" in project.serving or "stream" in project.serving:
        days = project.settings(Serve).log_days
        yield Due(f"{days:g} days after an answer", "it is deleted from the log", "serve.log_days")


def _certificates(project: Project) -> Iterator[Due]:
    for name, places in accounts(project).items():
        if name.endswith("_CA_FILE"):
            yield Due("to be filled in", f"the certificate that {name} names ends", places[0])
