"""Public holidays are listed once, in the contract, and tell the same everywhere."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from fourhats_runtime.contract import Contract
from fourhats_runtime.contract.columns import load
from fourhats_runtime.contract.holidays import listed, public
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.model.dates import made_of
from pydantic import ValidationError

TEXT = """\
# Mine.
table = "orders"
{holidays}
[[columns]]
name = "day"
source = "Day"
type = "datetime"
role = "feature"
parts = [{parts}]

[[columns]]
name = "late"
source = "Late"
type = "category"
role = "target"
categories = ["no", "yes"]
"""


def test_a_regions_holidays_are_known() -> None:
    germany, bavaria = public("DE", [2026]), public("DE-BY", [2026])
    assert date(2026, 10, 3) in germany
    assert set(bavaria) - set(germany) >= {date(2026, 1, 6), date(2026, 11, 1)}


@pytest.mark.parametrize("place", ["Atlantis", "DE-XX", ""])
def test_a_place_of_which_nothing_is_known_is_refused(place: str) -> None:
    with pytest.raises(ProjectError, match="no holidays are known"):
        public(place, [2026])


@pytest.mark.parametrize(
    "before", ["", "holidays = [2020-01-01]\n", "holidays = [ # own\n  2020-01-01,\n]\n"]
)
def test_they_are_listed_once_and_what_stands_around_them_stays(
    before: str, tmp_path: Path
) -> None:
    path = tmp_path / "contract.toml"
    text = TEXT.format(holidays=before, parts='"month", "holiday"')
    path.write_text(listed(text, "DE", public("DE", [2025, 2026])))
    contract = load(path)
    assert contract.holidays == tuple(public("DE", [2025, 2026]))
    assert listed(path.read_text(), "DE", contract.holidays) == path.read_text()
    rest = path.read_text()
    assert rest.startswith('# Mine.\ntable = "orders"\n')
    assert rest.endswith(text[text.index("[[columns]]") :])


def test_a_contract_that_they_would_break_is_not_written() -> None:
    text = TEXT.format(holidays="holidays = [2020-01-01, # [my own]\n]\n", parts="")
    with pytest.raises(ProjectError, match="remove its holidays"):
        listed(text, "DE", public("DE", [2026]))


def test_the_part_tells_a_holiday_from_a_day_and_from_a_year_that_is_not_listed() -> None:
    column = {"name": "day", "source": "D", "type": "datetime", "parts": ["holiday"]}
    target = {"name": "y", "source": "y", "type": "number", "role": "target"}
    contract = Contract.model_validate(
        {"holidays": ["2026-01-01", "2026-12-25"], "columns": [column, target]}
    )
    days = ["2026-01-01T18:30", "2026-01-02", "NaT", "2025-01-01"]
    told = made_of({"day": np.array(days, dtype="datetime64[us]")}, contract)["day_holiday"]
    assert told.tolist() == pytest.approx([1, 0, np.nan, np.nan], nan_ok=True)
    same = Contract.model_validate_json(contract.model_dump_json())
    assert same == contract


def test_the_part_takes_a_list_of_them() -> None:
    column = {"name": "day", "source": "D", "type": "datetime", "parts": ["holiday"]}
    target = {"name": "y", "source": "y", "type": "number", "role": "target"}
    with pytest.raises(ValidationError, match="contract holidays DE"):
        Contract.model_validate({"columns": [column, target]})
