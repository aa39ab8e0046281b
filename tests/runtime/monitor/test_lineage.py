"""The lineage names what really feeds the model."""

import re

from fourhats_runtime import Project
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor.lineage import Lineage


def features_of(page: str) -> list[str]:
    table = page.partition("| Feature |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_the_line_writes_where_each_feature_comes_from(ran: Project, contract: Contract) -> None:
    page = (ran.folder / "docs" / "lineage.md").read_text(encoding="utf-8")
    registry = Registry(ran.artifacts / "registry")
    derived = registry.card(registry.require("champion"))["derived"].get("features", {})
    assert features_of(page) == [*(column.name for column in contract.features), *derived]
    assert page.count("of `raw_sample`") == len(contract.features)
    assert page.count(" --> model") == len(contract.model_inputs) + len(derived) + 1
    assert page.count("    sample_") >= len(contract.used)


def test_rows_of_several_sources_and_joined_columns_are_told(contract: Contract) -> None:
    here, there = contract.features[0], Column(name="visits", source="a <b> | c", type="integer")
    columns = (*contract.columns, there)
    lineage = Lineage(
        contract.model_copy(update={"columns": columns}),
        {here.source: ["shop", "till"], there.source: ["crm"]},
    )
    assert lineage.origin(here) == f"`{here.source}` of `raw_shop` and `raw_till`"
    assert lineage.origin(there) == r"`a <b> \| c` of `raw_crm`"
    place = lineage.contract.used.index(there)
    assert f'crm_{place}["a #lt;b#gt; | c"]' in lineage.picture
    assert f"crm_{place} --> clean_{place}" in lineage.picture


def test_derived_features_feed_the_model_and_moments_only_by_them(contract: Contract) -> None:
    moment = Column(name="signed_at", source="signed_at", type="datetime")
    columns = (*contract.columns, moment)
    wider = contract.model_copy(update={"columns": columns})
    picture = Lineage(wider, {}, {"fee_share": "number"}).picture
    place = wider.used.index(moment)
    assert f'clean_{place}["signed_at: feature"]' in picture
    assert f"clean_{place} --> model" not in picture
    assert 'features_py_0["fee_share"]' in picture
    assert "clean --> features_py" in picture
    assert "features_py_0 --> model" in picture
    assert "features_py" not in Lineage(wider, {}).picture
