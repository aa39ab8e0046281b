"""The contract is read strictly, and can be inferred from a file."""

from pathlib import Path

import pytest
from fourhats_runtime import contract as contract_file
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data.sources.sample import make
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.profile import profile_file, to_toml
from pyarrow import csv
from pydantic import ValidationError

TWO_COLUMNS = """
[[columns]]
name = "a"
source = "A"
type = "number"

[[columns]]
name = "{name}"
source = "B"
type = "{type}"
role = "{role}"
"""


def test_the_samples_contract_has_a_target_and_features(contract: Contract) -> None:
    assert contract.target not in contract.features
    assert contract.features


@pytest.mark.parametrize(
    ("name", "type_", "role", "reason"),
    [
        ("a", "number", "target", "two columns have the name 'a'"),
        ("b", "number", "feature", "0 columns have the role 'target'"),
        ("b", "colour", "target", "columns.1.type"),
        ("B!", "number", "target", "columns.1.name"),
        ("prediction", "number", "target", "a column of the project's own"),
    ],
)
def test_a_malformed_contract_is_refused_with_a_reason(
    tmp_path: Path, name: str, type_: str, role: str, reason: str
) -> None:
    path = tmp_path / "contract.toml"
    path.write_text(TWO_COLUMNS.format(name=name, type=type_, role=role))
    with pytest.raises(ProjectError, match=reason):
        contract_file.load(path)


ORDER = Column(name="order", source="order", type="text", role="id")
SHOP = Column(name="shop", source="shop", type="text", role="entity")
DAY = Column(name="day", source="day", type="datetime", role="time")
FEE = Column(name="fee", source="fee", type="number")
LEFT = Column(name="left", source="left", type="number", role="target")


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ((FEE, LEFT), ()),
        ((ORDER, SHOP, DAY, FEE, LEFT), (ORDER,)),
        ((SHOP, DAY, FEE, LEFT), (SHOP, DAY)),
        ((SHOP, FEE, LEFT), ()),
        ((DAY, FEE, LEFT), ()),
    ],
)
def test_a_row_is_named_by_its_id_or_by_its_entity_and_time(
    columns: tuple[Column, ...], key: tuple[Column, ...]
) -> None:
    contract = Contract(columns=columns)
    assert contract.key == key
    assert contract.features == (FEE,)
    assert contract.identifiers == tuple(c for c in columns if c in (ORDER, SHOP))


def test_the_parts_of_a_time_are_in_the_key() -> None:
    year = Column(name="year", source="year", type="integer")
    contract = Contract(columns=(SHOP, year, FEE, LEFT), time_parts=("year",))
    assert contract.key == (SHOP, year)


def test_there_is_one_entity_at_most_and_it_may_be_personal_data() -> None:
    with pytest.raises(ValidationError, match="2 columns have the role 'entity'"):
        Contract(columns=(SHOP, SHOP.model_copy(update={"name": "chain"}), FEE, LEFT))
    assert Column(name="shop", source="shop", type="text", role="entity", pii=True).is_identifier
    with pytest.raises(ValidationError, match="pseudonyms are of type 'text'"):
        Column(name="shop", source="shop", type="integer", role="entity", pii=True)
    with pytest.raises(ValidationError, match="personal data"):
        Column(name="shop", source="shop", type="text", role="time", pii=True)


def test_a_missing_contract_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="contract infer"):
        contract_file.load(tmp_path / "contract.toml")


def test_the_contract_of_a_file_can_be_inferred(contract: Contract, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    csv.write_csv(make(contract, rows=500), table)
    path = tmp_path / "contract.toml"
    path.write_text(to_toml(profile_file(str(table), contract.target.source)), encoding="utf-8")
    inferred = contract_file.load(path)
    assert inferred.target.source == contract.target.source
    assert set(inferred.classes) == set(contract.classes)
    assert {column.source for column in inferred.features} <= {c.source for c in contract.columns}
