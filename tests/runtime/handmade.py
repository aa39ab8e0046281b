"""A project whose champion is made by hand: no data, no training, figures known beforehand.

Its probability of "yes" is the logistic function of `fee / 10 + weekday`, of which features.py
derives the weekday.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from fourhats_runtime import Project
from fourhats_runtime.business import ActionValue
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model import Columns, weekday
from numpy.typing import NDArray
from onnx import TensorProto, helper

CONTRACT = """
table = "customers"
positive = "yes"

[[columns]]
name = "signed_on"
source = "Signed on"
type = "datetime"
nullable = true

[[columns]]
name = "fee"
source = "Fee"
type = "number"

[[columns]]
name = "left"
source = "Left"
type = "category"
role = "target"
categories = ["no", "yes"]
"""
EXAMPLE: dict[str, str | float] = {"signed_on": "2026-01-05T00:00:00", "fee": 0.0}  # a Monday

OF_EVERY_KIND = """
table = "customers"
positive = "yes"

[[columns]]
name = "customer"
source = "Customer"
type = "text"
role = "id"
pii = true

[[columns]]
name = "household"
source = "Household"
type = "integer"
role = "entity"

[[columns]]
name = "signed_on"
source = "Signed on"
type = "datetime"
written = "DD.MM.YYYY"
parts = ["weekday"]
nullable = true

[[columns]]
name = "fee"
source = "Fee"
type = "number"
written = "1.234,50 €"

[[columns]]
name = "seats"
source = "Seats"
type = "integer"
nullable = true
min = 0

[[columns]]
name = "active"
source = "Active?"
type = "boolean"

[[columns]]
name = "plan"
source = "Plan"
type = "category"
nullable = true
categories = ["NA", "=basic", "flat rate, large"]

[[columns]]
name = "comment"
source = "Comment"
type = "text"
words = true
nullable = true

[[columns]]
name = "left"
source = "Left"
type = "category"
role = "target"
categories = ["no", "yes"]
"""
EXAMPLE_OF_EVERY_KIND: dict[str, str | float] = {
    "signed_on": "2026-01-05T00:00:00",
    "fee": 12.5,
    "seats": 3.0,
    "active": 1,
    "plan": "NA",
    "comment": "all is well",
}


def payoff(
    acted: NDArray[np.bool_], right: NDArray[np.bool_], value: ActionValue
) -> NDArray[np.float64]:
    """Give what decisions earn where those that are left alone earn nothing."""
    return np.where(acted, np.where(right, value.act_right, value.act_wrong), 0.0)


def derived(row: Columns) -> Columns:
    """Derive the weekday: 0 is Monday, and where it is missing."""
    return {"weekday": np.nan_to_num(weekday(row["signed_on"]))}


def handmade(project: Project, *, scale: float = 1.0) -> Project:
    """Put a champion by hand in place of the project's contract; gives the project with it."""
    card: dict[str, object] = {
        "rule": {},
        "example": EXAMPLE,
        "derived": {
            "rows": {name: [value] for name, value in EXAMPLE.items()},
            "features": {"weekday": [0.0]},
        },
    }
    graph = weighed({"fee": 0.1 * scale, "weekday": 1.0})
    return with_champion(replace(project, features=derived, payoff=payoff), CONTRACT, graph, card)


def of_every_kind(project: Project) -> Project:
    """Put a champion by hand that takes every kind of column: its "yes" is of `fee / 10` alone."""
    numbers = dict.fromkeys(("seats", "active", "signed_on_weekday"), 0.0)
    graph = weighed({"fee": 0.1} | numbers, texts=("plan", "comment"))
    card: dict[str, object] = {"rule": {}, "example": EXAMPLE_OF_EVERY_KIND}
    return with_champion(replace(project, payoff=payoff), OF_EVERY_KIND, graph, card)


def with_champion(
    project: Project, contract: str, graph: bytes, card: dict[str, object]
) -> Project:
    """Register a model and make it the champion, in place of the project's contract."""
    project.contract_file.write_text(contract, encoding="utf-8")
    registry = Registry(project.artifacts / "registry")
    registry.point("champion", registry.add(graph, contract, card))
    return project.at(project.folder)


def probability(fee: float, day: int) -> float:
    """Give the probability that the champion answers."""
    return float(1 / (1 + np.exp(-(fee / 10 + day))))


def weighed(weights: dict[str, float], texts: Sequence[str] = ()) -> bytes:
    """Make a graph: the logistic function of the weighed sum of its numbers is a "yes".

    It takes `texts` as well, and makes nothing of them.
    """
    kinds = dict.fromkeys(weights, TensorProto.FLOAT) | dict.fromkeys(texts, TensorProto.STRING)
    inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in kinds.items()]
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])
    constants = [
        helper.make_tensor(name, TensorProto.FLOAT, [1], [value])
        for name, value in (
            *((f"{name}_weight", value) for name, value in weights.items()),
            ("one", 1.0),
        )
    ]
    nodes = [
        *(helper.make_node("Mul", [name, f"{name}_weight"], [f"{name}_share"]) for name in weights),
        helper.make_node("Sum", [f"{name}_share" for name in weights], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["yes"]),
        helper.make_node("Sub", ["one", "yes"], ["no"]),
        helper.make_node("Concat", ["no", "yes"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(nodes, "weighed", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)])
    model.ir_version = 9
    made: bytes = model.SerializeToString()
    return made
