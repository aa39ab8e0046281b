"""Champions and challengers made by hand: what each looks at is known, and so is what it is worth.

A case has two signs of the truth, `first` and `second`, each with an error of its own. A model
weighs them; its probability of "yes" is the logistic function of the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from fourhats_runtime.lifecycle.reference import keep_holdout
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model.parts import Part
from fourhats_runtime.tasks.rule import Policy

from tests.runtime.handmade import payoff, weighed
from tests.runtime.sample_project import sample_project

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project
    from fourhats_runtime.model.features import Feed

Draw = Callable[[np.random.Generator, int], tuple[dict[str, list[float]], list[str]]]

CONTRACT = """
table = "cases"
positive = "yes"

[[columns]]
name = "first"
source = "First"
type = "number"

[[columns]]
name = "second"
source = "Second"
type = "number"

[[columns]]
name = "came"
source = "Came"
type = "category"
role = "target"
categories = ["no", "yes"]
"""
OF_CUSTOMERS = CONTRACT.replace(
    "[[columns]]",
    """[[columns]]
name = "customer"
source = "Customer"
type = "text"
role = "entity"

[[columns]]""",
    1,
)
NOTED = CONTRACT.replace('type = "number"\n', 'type = "number"\nnote = "of the new scale"\n', 1)
ONE, OTHER, BOTH, WRONG = (1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (-1.0, 0.0)
"""Weights. By symmetry the first two are worth the same; the third is worth more, the last less."""
POLICIES = [
    Policy(f"act on {whom}", acts=whom == "everybody", on=1.0) for whom in ("nobody", "everybody")
]
EVEN = 20 / (100 + 20)
"""The share of "yes" at which acting earns as much as not: +100 rightly, -20 in vain."""


def project_of(root: Path) -> Project:
    """Make a project without a model yet."""
    made = sample_project(root, payoff=payoff)
    made.contract_file.write_text(CONTRACT, encoding="utf-8")
    return made.at(root)


def cases(random: np.random.Generator, rows: int) -> tuple[dict[str, list[float]], list[str]]:
    """Draw cases: the two signs of each, and what came."""
    truth = random.normal(-1.0, 1.5, rows)
    signs = {name: (truth + random.normal(0, 1, rows)).tolist() for name in ("first", "second")}
    came = random.random(rows) < 1 / (1 + np.exp(-truth))
    return signs, np.where(came, "yes", "no").tolist()


def untold(random: np.random.Generator, rows: int) -> tuple[dict[str, list[float]], list[str]]:
    """Draw cases whose signs tell nothing, and of which acting on any earns nothing on average."""
    signs, _ = cases(random, rows)
    return signs, np.where(random.random(rows) < EVEN, "yes", "no").tolist()


def holdout_of(random: np.random.Generator, rows: int, draw: Draw = cases) -> Part:
    """Draw a holdout."""
    signs, came = draw(random, rows)
    inputs: Feed = {
        name: np.array(values, dtype=np.float32).reshape(-1, 1) for name, values in signs.items()
    }
    actual = np.array([name == "yes" for name in came], dtype=np.float64)
    return Part(inputs, actual, rows=signs)


def registered(
    project: Project, weights: tuple[float, float], *, number: int, contract: str = CONTRACT
) -> str:
    """Register a model as an evaluated challenger; gives its version."""
    registry = Registry(project.artifacts / "registry")
    card = {"rule": {}, "example": {"first": 0.0, "second": 0.0}, "number": number}
    graph = weighed(dict(zip(("first", "second"), weights, strict=True)))
    version = registry.add(graph, contract, card)
    evaluation = {"value": 20.0, "policies": {"act on nobody": 10.0}, "baselines": {}, "ahead": []}
    no_model = [policy._asdict() for policy in POLICIES]
    registry.note(version, "evaluation", evaluation | {"no_model": no_model})
    holdout = holdout_of(np.random.default_rng(number), 2000)
    outputs = Model.load(project, version).run(holdout.inputs)
    keep_holdout(registry.folder(version), outputs, holdout.actual)
    return version
