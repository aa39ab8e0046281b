"""Variants of a project are trained beside it, and compared on the same validation rows."""

from __future__ import annotations

import tomllib
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fourhats_runtime.contract.writing import as_text
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.reference import validated
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.variants import AS_IT_IS, Trained, compare_variants
from fourhats_runtime.model.parts import split
from fourhats_runtime.monitor.ledger_page import table_of_variants
from rich.console import Console

from tests.runtime.sample_project import INCLUDES

if TYPE_CHECKING:
    from pathlib import Path

    from fourhats_runtime import Project

STRONGEST = "tenure_months"
WITHOUT = f'[columns.{STRONGEST}]\nrole = "ignore"\n'
LINEAR = '[training]\ncandidates = ["linear"]\n'


def compared(project: Project, folder: Path, **variants: str) -> list[Trained]:
    """Write variants, and compare them."""
    files = []
    for name, text in variants.items():
        files.append(folder / f"{name}.toml")
        files[-1].write_text(text, encoding="utf-8")
    return compare_variants(project, files, lambda _name, _done, _all: None)


def test_each_variant_is_judged_by_the_same_rows(ran: Project, tmp_path: Path) -> None:
    before = sorted(ran.folder.rglob("*"))
    found = compared(ran, tmp_path, same="", without=WITHOUT, linear=LINEAR)
    assert [each.name for each in found] == [AS_IT_IS, "same", "without", "linear"]
    assert sorted(ran.folder.rglob("*")) == before
    base, same, without, linear = found
    assert base.difference is None
    assert linear.model == "linear"
    assert same.difference is not None
    assert (same.difference.loss, same.difference.off, same.difference.verdict) == (0, 0, "alike")
    assert (same.difference.money.low, same.difference.money.high) == (0, 0)
    assert same.figure == base.figure
    assert without.difference is not None
    assert without.difference.verdict == "worse"
    assert without.difference.loss > without.difference.off > 0
    with connect(ran, read_only=True) as connection:
        assert without.difference.rows == len(split(connection, ran).validation)
    console = Console(width=160, file=StringIO())
    console.print(table_of_variants(found, ran))
    said = " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]
    gain = without.difference.money.gain * ran.value.monthly_volume
    assert f"{without.difference.loss:+.4f}" in said
    assert f"{gain:+,.0f} EUR" in said
    assert f"On {without.difference.rows:,} validation rows" in said


def test_what_is_kept_of_the_validation_rows_is_what_chose_the_model(ran: Project) -> None:
    registry = Registry(ran.artifacts / "registry")
    (version,) = registry.versions()
    kept = validated(registry.folder(version))
    assert kept.earned.mean() == pytest.approx(registry.card(version)["validation_value"])
    with connect(ran, read_only=True) as connection:
        rows = split(connection, ran).validation.rows
    assert list(kept.row) == list(zip(rows["_source"], rows["_row"], strict=True))
    assert np.all(kept.lost >= 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[columns.nobody]\nrole = 'ignore'", "has no column 'nobody'"),
        ("[columns.tenure_months]\nrole = 'king'", "columns.2.role: Input should be"),
        ("[training]\ntrials = 0", "training.trials: Input should be greater than"),
        ("[training]\ncandidates = ['oracle']", "no candidate 'oracle' .it has: linear, trees"),
        ("[value]\nact_wrong = -1", "value: Extra inputs are not permitted .a variant has"),
        ("trials 5", "Expected '='"),
    ],
)
def test_what_a_variant_cannot_say_is_said(
    ran: Project, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ProjectError, match=f"^[^ ]*odd[^ ]*: .*{said}"):
        compared(ran, tmp_path, odd=text)


def test_variants_that_cannot_be_told_apart_or_read_are_refused(
    ran: Project, tmp_path: Path
) -> None:
    path = tmp_path / "one.toml"
    with pytest.raises(ProjectError, match=r"one\.toml: No such file"):
        compare_variants(ran, [path], lambda _name, _done, _all: None)
    path.write_text("", encoding="utf-8")
    with pytest.raises(ProjectError, match="two variants have the same name"):
        compare_variants(ran, [path, path], lambda _name, _done, _all: None)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_contract_that_is_written_reads_as_before(task: str) -> None:
    described = tomllib.loads((INCLUDES / task / "contract.toml").read_text(encoding="utf-8"))
    odd = {"spellings": {"y es": ["Yes", 'Y"'], "né": []}, "min": 1e-7, "nullable": True}
    described["columns"][0] |= odd
    described["joins"] = [{"source": "a", "on": ["x"], "make": [{"as": "n"}]}]
    assert tomllib.loads(as_text(described)) == described
