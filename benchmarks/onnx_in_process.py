"""ONNX Runtime in process: rows a second from a list of records to a list of answers.

What anybody would write who has records and the graph: columns, arrays, features, the graph,
numbers. Runs in the rendered project's environment:
`python onnx_in_process.py PROJECT RECORDS SECONDS THREADS`.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np  # these come with the rendered project
import onnxruntime
from customer_churn.features import derived  # type: ignore[import-not-found]  # the rendered one


def main() -> None:
    """Print the rows a second."""
    registry = Path(sys.argv[1]) / "artifacts" / "registry"
    version = registry / "versions" / (registry / "champion").read_text().strip()
    records = [json.loads((version / "model.json").read_text())["example"]] * int(sys.argv[2])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(sys.argv[4])
    session = onnxruntime.InferenceSession(str(version / "model.onnx"), options)
    kinds = {
        each.name: object if each.type == "tensor(string)" else np.float32
        for each in session.get_inputs()
    }
    moments = {"signed_on": "datetime64[us]"}
    begun, rows = time.perf_counter(), 0
    while (passed := time.perf_counter() - begun) < float(sys.argv[3]):
        row = {
            name: np.array([record[name] for record in records], moments.get(name, kinds.get(name)))
            for name in records[0]
        }
        row |= derived(row)
        inputs = {name: row[name].astype(kind).reshape(-1, 1) for name, kind in kinds.items()}
        rows += len(session.run(None, inputs)[-1].tolist())
    print(rows / passed)


if __name__ == "__main__":
    main()
