"""What only some options need is imported when it is used, and named where it is missing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime import data
from fourhats_runtime.data import Excel, sources
from fourhats_runtime.data.extras import needs
from fourhats_runtime.data.frames import from_arrays
from fourhats_runtime.errors import ProjectError

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from fourhats_runtime import Project

HEAVY = ("adbc_driver_postgresql", "duckdb", "google", "obstore", "pandas", "polars", "pyarrow")
NAMED = [name for name in data.__all__ if name != "Connection"]


def test_a_project_that_names_its_sources_imports_no_library_for_reading() -> None:
    script = (
        "import sys\n"
        f"from fourhats_runtime.data import {', '.join(NAMED)}\n"
        f"print(*sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(data, name) for name in data.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        data.Nothing  # noqa: B018 (it is asked for)


def test_a_library_that_is_missing_is_named_with_its_extra(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    # A test before this one may have imported it: as a module, and as a name of its package.
    monkeypatch.delitem(sys.modules, "fourhats_runtime.data.sources.excel", raising=False)
    monkeypatch.delattr(sources, "excel", raising=False)
    project = with_table(fresh, "excel", path="x.xlsx")
    with pytest.raises(ProjectError, match="python_calamine is not installed: name the extra 'ex"):
        Excel().load(None, project, "rows", None)  # type: ignore[arg-type]


def test_a_mistake_of_our_own_is_not_taken_for_one() -> None:
    with pytest.raises(ModuleNotFoundError), needs("data"):
        raise ModuleNotFoundError(name="fourhats_runtime.nothing")
    with pytest.raises(ProjectError, match="the library None"), needs("data"):
        raise ModuleNotFoundError


@pytest.mark.parametrize("dataframe", ["polars", "pandas"])
def test_frames_are_of_the_library_that_was_answered(dataframe: str) -> None:
    made = from_arrays({"x": np.array([1.5, 2.5]), "y": np.array(["a", None], object)}, dataframe)
    assert type(made).__module__.startswith(dataframe)
    assert list(made.columns) == ["x", "y"]
    assert list(made["x"]) == [1.5, 2.5]
