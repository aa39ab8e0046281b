"""A project on the sample, put together from the files that a rendered one gets as they are."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from fourhats_runtime import Project
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
TEMPLATE, INCLUDES = ROOT / "template", ROOT / "includes"
VALUES = {
    "classification": "act_right = 100.0\nact_wrong = -20.0\nmissed = 0.0\nleft_alone = 0.0\n",
    "regression": "right = 10.0\nwrong = -10.0\ntolerance = 20.0\n",
}
SEVERAL = "classes"
"""The name of the task here: a classification whose target has more than two classes."""
CLASSES = ["stays", "leaves", "pauses"]
BUSINESS = """
[business]
problem = "Customers leave before anyone notices that they are unhappy."
decision = "Offer a better contract to customers who are likely to leave"
owner = "Head of customer service"

[value]
currency = "EUR"
monthly_volume = 1000
"""
# As copier renders.
JINJA = Environment(
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 (Python, not HTML)
)
NETWORKS = {"pytorch": "torch_layers", "tensorflow": "keras_layers"}
SOURCES = '[outcomes]\npath = ""\n'


def sample_project(root: Path, task: str = "classification", **changed: Any) -> Project:  # noqa: ANN401
    """Write the configuration into a new folder; gives the project, with some fields changed."""
    config = root / "config"
    config.mkdir(parents=True)
    several, task = task == SEVERAL, "classification" if task == SEVERAL else task
    contract = (INCLUDES / task / "contract.toml").read_text(encoding="utf-8")
    if several:
        for before, after in (
            ('categories = ["no", "yes"]', f"categories = {CLASSES}"),
            ('positive = "yes"', "#"),
        ):
            assert before in contract
            contract = contract.replace(before, after)
    (config / "contract.toml").write_text(contract, encoding="utf-8")
    shutil.copy(INCLUDES / "prediction" / "monitoring.toml", config)
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


def estimator(task: str, *families: str) -> ModuleType:
    """Give the module of a new project that chose these families of models."""
    return sys.modules[f"{_package(task, *families)}.estimator"]


def _package(task: str, *families: str) -> str:
    """Make an importable package of what src/ holds; gives its name."""
    families = families or ("sklearn",)
    name = "_".join(["sample", task, *families])
    if name not in sys.modules:
        src = TEMPLATE / "src" / "{{ package_name }}"
        _load(name, src / "__init__.py", is_package=True)
        answers = {"task": task, "model_family": families}
        for family, layers in NETWORKS.items():
            if family in families:
                _load(f"{name}.{layers}", src / f"{layers}.py")
        _load(f"{name}.estimator", src / "estimator.py.jinja", answers)
        _load(f"{name}.metrics", INCLUDES / task / "metrics.py")
        _load(f"{name}.value", INCLUDES / task / "value.py")
        _load(f"{name}.train", src / "train.py")  # which imports the estimator
    return name


def _load(
    name: str, file: Path, answers: dict[str, Any] | None = None, *, is_package: bool = False
) -> None:
    """Import a module of the template; one that answers make, as they do."""
    text = file.read_text(encoding="utf-8")
    if answers is not None:
        text = JINJA.from_string(text).render(answers)
    module = sys.modules[name] = ModuleType(name)
    module.__package__ = name if is_package else name.rpartition(".")[0]
    if is_package:
        module.__path__ = []
    exec(compile(text, file, "exec"), vars(module))  # noqa: S102 (what the template holds)
