"""A project on the sample, put together from the files that a rendered one gets as they are."""

import shutil
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
from fourhats_runtime import Project
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
TEMPLATE, INCLUDES = ROOT / "template", ROOT / "includes"
VALUES = {
    "classification": "act_right = 100.0\nact_wrong = -20.0\nmissed = 0.0\nleft_alone = 0.0\n",
    "regression": "right = 10.0\nwrong = -10.0\ntolerance = 20.0\n",
}
BUSINESS = """
[business]
problem = "Customers leave before anyone notices that they are unhappy."
decision = "Offer a better contract to customers who are likely to leave"
owner = "Head of customer service"

[value]
currency = "EUR"
monthly_volume = 1000
"""
SOURCES = '[outcomes]\npath = ""\n'


def sample_project(root: Path, task: str = "classification", **changed: Any) -> Project:  # noqa: ANN401
    """Write the configuration into a new folder; gives the project, with some fields changed."""
    config = root / "config"
    config.mkdir(parents=True)
    shutil.copy(INCLUDES / task / "contract.toml", config)
    shutil.copy(TEMPLATE / "config" / "monitoring.toml", config)
    (config / "business.toml").write_text(BUSINESS + VALUES[task], encoding="utf-8")
    (config / "sources.toml").write_text(SOURCES, encoding="utf-8")
    return existing(root, task, **changed)


def existing(root: Path, task: str = "classification", **changed: Any) -> Project:  # noqa: ANN401
    """Give the project in a folder that has its configuration."""
    package = _package(task)
    given: dict[str, Any] = {
        "name": "sample",
        "task": task,
        "train": f"{package}.train:train",
        "baselines": f"{package}.estimator:baselines",
        "metrics": f"{package}.metrics:metrics",
        "payoff": payoff(task),
        "root": root,
    }
    return Project(**(given | changed))


def payoff(task: str) -> Callable[..., NDArray[np.float64]]:
    """Give what a decision of the task is worth, as a new project says it."""
    function: Callable[..., NDArray[np.float64]] = sys.modules[f"{_package(task)}.value"].payoff
    return function


def _package(task: str, family: str = "sklearn") -> str:
    """Make an importable package of what src/ holds; gives its name."""
    name = f"sample_{task}_{family}"
    if name not in sys.modules:
        src = TEMPLATE / "src" / "{{ package_name }}"
        _load(name, src / "__init__.py", is_package=True)
        _load(f"{name}.estimator", INCLUDES / task / f"{family}.py")
        _load(f"{name}.metrics", INCLUDES / task / "metrics.py")
        _load(f"{name}.value", INCLUDES / task / "value.py")
        _load(f"{name}.train", src / "train.py")  # which imports the estimator
    return name


def _load(name: str, file: Path, *, is_package: bool = False) -> None:
    places: list[str] | None = [] if is_package else None
    spec = spec_from_file_location(name, file, submodule_search_locations=places)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
