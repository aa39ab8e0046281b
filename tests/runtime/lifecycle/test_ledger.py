"""What was trained, what was changed for it, and what came of it, is read from the registry."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from fourhats_runtime.lifecycle.ledger import experiments, note_training
from fourhats_runtime.lifecycle.origin import code
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.monitor.ledger_page import table, write
from rich.console import Console

if TYPE_CHECKING:
    from fourhats_runtime import Project


def added(ran: Project, name: str, contract: str = "", **origin: Any) -> str:  # noqa: ANN401
    """Register a version that comes from elsewhere than the first in what `origin` says."""
    registry = Registry(ran.artifacts / "registry")
    first = registry.versions()[0]
    folder, card = registry.folder(first), registry.card(first) | {"model": name}
    contract = contract or (folder / "contract.toml").read_text(encoding="utf-8")
    version = registry.add((folder / "model.onnx").read_bytes(), contract, card)
    registry.note(version, "provenance", (registry.noted(first, "provenance") or {}) | origin)
    return version


def test_the_first_experiment_has_its_figures_and_its_verdict(ran: Project) -> None:
    (first,) = experiments(ran)
    registry = Registry(ran.artifacts / "registry")
    evaluation = registry.noted(first.version, "evaluation") or {}
    assert first.version == registry.version("champion")
    assert (first.verdict, first.changed, first.note) == ("champion", (), "")
    assert first.reason.startswith(first.version)
    assert first.measure in ("AUC", "MAE")
    assert first.figure is not None
    assert first.gain is not None
    assert first.gain.gain == evaluation["gain"]["gain"] * evaluation["monthly_volume"]
    assert first.gain.low < first.gain.gain < first.gain.high
    assert first.gain.over in evaluation["policies"]
    assert first.currency == "EUR"
    assert first.seconds is not None
    assert first.at[:2] == "20"


def test_each_change_is_named(ran: Project) -> None:
    registry = Registry(ran.artifacts / "registry")
    origin = registry.noted(registry.versions()[0], "provenance") or {}
    data, training, value = origin["data"], origin["training"], origin["value"]
    same, moved = {"src/it/features.py": "a", "src/it/train.py": "a"}, {"src/it/features.py": "b"}
    more, other = data | {"sha256": "x", "rows": data["rows"] + 1200}, data | {"sha256": "y"}
    versions = origin["versions"] | {"numpy": "0", "onnx": "0", "optuna": "0", "new": "1"}
    added(ran, "as it was", code=same)
    added(ran, "code", code=moved)
    added(ran, "settings", code=moved, training=training | {"trials": 99})
    added(ran, "value", code=moved, value=value | {"currency": "CHF"})
    added(ran, "libraries", code=moved, versions=versions)
    added(ran, "more rows", code=moved, data=more)
    added(ran, "fewer rows", code=moved, data=data)
    added(ran, "other rows", code=moved, data=other)
    changed = {each.model: each.changed for each in experiments(ran)[2:]}
    assert changed == {
        "code": ("code: src/it/features.py, src/it/train.py",),
        "settings": ("settings: trials",),
        "value": ("settings: trials", "value: currency"),
        "libraries": ("value: currency", "libraries: new, numpy, onnx and 1 more"),
        "more rows": ("libraries: new, numpy, onnx and 1 more", "data: 1,200 rows more"),
        "fewer rows": ("data: 1,200 rows fewer",),
        "other rows": ("data: other rows",),
    }


def test_a_changed_contract_is_told_by_its_columns_not_by_its_notes(ran: Project) -> None:
    folder = Registry(ran.artifacts / "registry").folder(experiments(ran)[0].version)
    text = (folder / "contract.toml").read_text(encoding="utf-8")
    number = re.search(r'name = "(\w+)"\n.*\ntype = "(?:integer|number)"\n(?=min)', text)
    nullable = re.search(r'name = "(\w+)"\n.*\ntype = "\w+"\nnullable = true\n', text)
    assert number is not None
    assert nullable is not None
    known = text.replace(nullable[0], nullable[0].replace("nullable = true\n", ""))
    left_out = known.replace(number[0], f'{number[0]}role = "ignore"\n')
    added(ran, "a note", f"# looked at once more\n{text}")
    added(ran, "never missing", known)
    added(ran, "left out", left_out)
    added(ran, "taken in", known)
    assert [each.changed for each in experiments(ran)[1:]] == [
        (),
        (f"contract: other {nullable[1]}",),
        (f"contract: without {number[1]}",),
        (f"contract: with {number[1]}",),
    ]


def test_what_became_of_a_version_is_told(ran: Project) -> None:
    registry = Registry(ran.artifacts / "registry")
    champion = registry.require("champion")
    told = dict[str, str]()
    for name in ("trained", "evaluated", "refused", "promoted", "rolled back"):
        told[added(ran, name)] = name
    trained, evaluated, refused, promoted, rolled_back = told
    evaluation = registry.noted(champion, "evaluation") or {}
    for version in (evaluated, refused, promoted, rolled_back):
        registry.note(version, "evaluation", evaluation)
    registry.note(refused, "promotion", {"promoted": False, "reason": "it earns less"})
    for version in (promoted, rolled_back):
        registry.note(version, "promotion", {"promoted": True, "reason": "it earns more"})
    registry.note(rolled_back, "rollback", {"reason": "it came to earn less"})
    found = {each.version: each for each in experiments(ran)}
    assert {version: found[version].verdict for version in told} == told
    assert found[trained].gain is None
    assert found[refused].reason == "it earns less"
    assert found[rolled_back].reason == "it came to earn less"
    assert found[champion].verdict == "champion"


def test_a_note_says_why_and_stays_until_there_is_another(ran: Project) -> None:
    version = experiments(ran)[0].version
    note_training(ran, version, "without the ratio", 12.34)
    assert [(each.note, each.seconds) for each in experiments(ran)] == [("without the ratio", 12.3)]
    note_training(ran, version, "", 7.0)
    assert [(each.note, each.seconds) for each in experiments(ran)] == [("without the ratio", 7.0)]


def test_table_and_page_show_them_all_and_take_no_note_for_their_own_signs(ran: Project) -> None:
    first = experiments(ran)[0].version
    note_training(ran, first, "[red]<b>why</b>", 3.0)
    console = Console(width=250, record=True, file=None, quiet=False)
    with console.capture() as shown:
        console.print(table(experiments(ran)))
    assert "[red]<b>why</b>" in shown.get()
    page = write(ran, experiments(ran)).read_text(encoding="utf-8")
    assert "[red]&lt;b&gt;why&lt;/b&gt;" in page
    assert "<img" not in page  # of one point there is no picture
    second = added(ran, "another")
    registry = Registry(ran.artifacts / "registry")
    registry.note(second, "evaluation", registry.noted(first, "evaluation") or {})
    page = write(ran, experiments(ran)).read_text(encoding="utf-8")
    assert page.count("<img") == 1
    for each in experiments(ran):
        assert each.version in page


def test_the_code_of_a_project_is_known_by_its_files(ran: Project) -> None:
    source = ran.folder / "src" / "it"
    source.mkdir(parents=True)
    (source / "features.py").write_text("A = 1\n", encoding="utf-8")
    (source / "notes.txt").write_text("mine", encoding="utf-8")
    before = code(ran.folder)
    assert list(before) == ["src/it/features.py"]
    (source / "features.py").write_text("A = 2\n", encoding="utf-8")
    assert code(ran.folder)["src/it/features.py"] != before["src/it/features.py"]
    assert json.loads(json.dumps(before)) == before
