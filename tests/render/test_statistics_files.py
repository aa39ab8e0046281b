"""A path to a file of Stata, SPSS or SAS names the extra that reads it, packed or not."""

import re

import pytest
from fourhats.client.sources import PACKED, TABLES
from fourhats_runtime.data.files.packing import ENDS
from fourhats_runtime.data.files.statistics import PROGRAMS

from tests.services.rendered import ROOT

pytestmark = pytest.mark.quick

PLACES = ("template/pyproject.toml.jinja", "includes/constraints.jinja", "pins/refresh.py")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("packed", ["", *sorted(ENDS)])
@pytest.mark.parametrize("end", PROGRAMS)
def test_every_end_that_is_read_names_it(place: str, packed: str, end: str) -> None:
    assert re.search(_condition(place), f"data/panel{end}{packed}")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "path", ["", "data/panel.csv", "data/panel.dta.csv", "dta", "panel.csv.gz"]
)
def test_no_other_does(place: str, path: str) -> None:
    assert not re.search(_condition(place), path)


def test_they_are_found_as_a_clients_files() -> None:
    assert PROGRAMS.keys() <= TABLES
    assert PACKED == ENDS


def _condition(place: str) -> str:
    text = (ROOT / place).read_text(encoding="utf-8")
    (found,) = re.findall(r"files_path \| lower \| regex_search\('(.*?)'\)", text)
    return str(found)
