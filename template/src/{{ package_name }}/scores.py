"""The table `scores`: which rows are scored, and what a scored row holds."""

from datetime import datetime

import pyarrow as pa

from .contract import MISSING, Contract
from .features import Feed
from .model import Model
from .sql import quote


def open_rows(model: Model) -> str:
    """Give the SQL of the rows of `clean` without an outcome yet, or of all where each has one."""
    kept = [column.name for column in model.contract.used if column.role != "target"]
    names, target = ", ".join(map(quote, kept)), quote(model.contract.target.name)
    is_open = f"{target} IS NULL OR NOT EXISTS (SELECT 1 FROM clean WHERE {target} IS NULL)"
    return f"SELECT _source, _row, {names} FROM clean WHERE {is_open} ORDER BY _source, _row"


def answered(model: Model, rows: pa.RecordBatch, now: datetime) -> pa.RecordBatch:
    """Give the rows with the model's answers, its version, and the moment (in UTC) beside them."""
    answers = model.rule.answers(model.run(feed(rows, model.contract)))
    scored = {name: rows[name] for name in rows.schema.names}
    for name, values in answers.items():
        scored[name] = pa.array(values, pa.float64() if name == "probability" else None)
    scored["model_version"] = pa.repeat(model.version, len(rows))
    scored["scored_at"] = pa.repeat(pa.scalar(now, pa.timestamp("us")), len(rows))
    return pa.record_batch(scored)


def feed(rows: pa.RecordBatch, contract: Contract) -> Feed:
    """Turn rows into the model's inputs, as `features.feed` does, without a Python object each."""
    inputs: Feed = {}
    for column in contract.features:
        values = rows[column.name]
        if column.is_number:
            numbers = values.cast(pa.float32(), safe=False)
            inputs[column.name] = numbers.to_numpy(zero_copy_only=False).reshape(-1, 1)
        else:
            texts = values.fill_null(MISSING).to_numpy(zero_copy_only=False)
            inputs[column.name] = texts.reshape(-1, 1)
    return inputs
