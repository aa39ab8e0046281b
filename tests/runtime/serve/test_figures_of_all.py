"""Processes add up their figures in a folder that is there for them alone."""

import os
from pathlib import Path

import pytest
from fourhats_runtime.serve.metrics import SHARED, figures_of_all


@pytest.mark.parametrize("before", [None, "another/folder"])
def test_the_folder_goes_and_what_was_set_before_comes_back(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    if before is None:
        monkeypatch.delenv(SHARED, raising=False)
    else:
        monkeypatch.setenv(SHARED, before)
    with figures_of_all():
        folder = Path(os.environ[SHARED])
        assert folder.is_dir()
    assert not folder.exists()
    assert os.environ.get(SHARED) == before
