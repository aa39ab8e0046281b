"""What batch scoring is measured against: a bare loop over ONNX Runtime.

It takes the same rows in the same batches from a Parquet file, makes the graph's inputs of them,
runs it, calibrates, and keeps nothing but a sum. Runs in the rendered project's environment:
`python onnx_by_hand.py FILE GRAPH ROWS`.
"""

import json
import sys
from pathlib import Path

import numpy as np  # these come with the rendered project
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq


def main() -> None:
    """Score all rows."""
    file, graph, rows = sys.argv[1:]
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    texts = {each.name for each in session.get_inputs() if each.type == "tensor(string)"}
    numbers = {each.name for each in session.get_inputs()} - texts
    card = json.loads(Path(graph).with_name("model.json").read_text(encoding="utf-8"))
    power, weights = card["calibration"]["power"], np.array(card["calibration"]["weights"])
    total, count = 0.0, 0
    for batch in pq.ParquetFile(file).iter_batches(int(rows)):
        columns = {name: batch[name].fill_null("__NA__") for name in texts}
        columns |= {name: batch[name].cast(pa.float32(), safe=False) for name in numbers}
        inputs = {
            name: values.to_numpy(zero_copy_only=False).reshape(-1, 1)
            for name, values in columns.items()
        }
        said = np.asarray(session.run(None, inputs)[-1], dtype=np.float64) ** power * weights
        probabilities = said / said.sum(axis=1, keepdims=True)
        total, count = total + float(probabilities[:, -1].sum()), count + len(batch)
    print(f"{count} {total / count:.6f}")


if __name__ == "__main__":
    main()
