"""The contract describes documents that the checks let pass."""

from fourhats_runtime import Project
from fourhats_runtime.limits import Quality
from fourhats_runtime.pipeline import Result


def test_it_has_an_id_and_fields(project: Project) -> None:
    assert project.contract.id
    assert project.contract.fields


def test_rows_of_the_contract_pass_the_checks(project: Project, line: dict[str, Result]) -> None:
    validated = line["validate"]
    failing = 1 - validated.rows_out / validated.rows_in
    assert failing <= project.settings(Quality).warn_invalid_share
