"""The registry keeps a model once, and a pointer is never half-written."""

import json
from pathlib import Path

import pytest
from fourhats_runtime import Project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Pointer, Registry


def test_the_same_model_is_registered_once(fresh: Project) -> None:
    registry = Registry(fresh.artifacts / "registry")
    first = registry.add(b"graph", "contract", {"a": 1})
    assert registry.add(b"graph", "contract", {"a": 1}) == first
    assert registry.add(b"other graph", "contract", {"a": 1}) != first
    assert (registry.folder(first) / "model.onnx").read_bytes() == b"graph"
    assert json.loads((registry.folder(first) / "model.json").read_text()) == {"a": 1}


@pytest.mark.parametrize(("pointer", "step"), [("champion", "promote"), ("challenger", "train")])
def test_a_pointer_that_is_not_set_names_the_step_that_sets_it(
    tmp_path: Path, pointer: Pointer, step: str
) -> None:
    with pytest.raises(ProjectError, match=f"no {pointer} in .* run the step `{step}` first"):
        Registry(tmp_path).require(pointer)
