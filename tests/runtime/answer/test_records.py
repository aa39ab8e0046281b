"""Id and entity are raw input: asked for, kept, given to no model, and hidden where personal."""

import pytest
from fourhats_runtime.answer.records import RecordError, Records
from fourhats_runtime.contract import Column, Contract
from fourhats_runtime.data.privacy import Pseudonyms

COLUMNS = (
    Column(name="order", source="order", type="integer", role="id"),
    Column(name="person", source="person", type="text", role="entity", pii=True),
    Column(name="fee", source="fee", type="number"),
    Column(name="left", source="left", type="number", role="target"),
)


def test_a_record_may_name_its_id_and_its_entity_which_are_no_features() -> None:
    records = Records(Contract(columns=COLUMNS))
    named, nameless = records.decode(b'[{"order": 7, "person": "anna", "fee": 1}, {"fee": 2}]')
    assert (named.order, named.person) == (7, "anna")  # type: ignore[attr-defined]
    assert nameless.person is None  # type: ignore[attr-defined]
    assert records.columns([named, nameless]) == {"fee": (1.0, 2.0)}
    with pytest.raises(RecordError, match="left"):
        records.decode(b'[{"fee": 1, "left": 0}]')


def test_only_what_is_personal_becomes_a_pseudonym() -> None:
    records, pseudonyms = Records(Contract(columns=COLUMNS)), Pseudonyms(b"k" * 32)
    given = records.decode(b'[{"order": 7, "person": "anna", "fee": 1}, {"fee": 2}]')
    named, nameless = records.pseudonymous(given, pseudonyms)
    assert (named.order, named.person) == (7, pseudonyms.of("anna"))  # type: ignore[attr-defined]
    assert (nameless.order, nameless.person) == (None, None)  # type: ignore[attr-defined]
