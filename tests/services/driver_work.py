"""What a project's own Python does by its warehouse's driver: one step after the other.

Called with the package and the driver's module; reads the steps from stdin and prints what came of
each, both as JSON. Rows go in and out as Parquet files.
"""

import json
import sys
from importlib import import_module
from typing import Any

import pyarrow.parquet as pq


def main() -> None:
    """Do the steps."""
    package, module = sys.argv[1:]
    project = import_module(f"{package}.project").project
    errors = import_module("fourhats_runtime.errors")
    told = []
    try:
        driver = import_module(f"fourhats_runtime.data.warehouse.{module}").connect(project)
    except errors.ProjectError as error:
        print(json.dumps([{"refused": str(error)}]))
        return
    for name, *words in json.load(sys.stdin):
        try:
            told.append(step(driver, name, words))
        except errors.ProjectError as error:
            told.append({"refused": str(error)})
    driver.close()
    print(json.dumps(told))


def step(driver: Any, name: str, words: list[str]) -> Any:  # noqa: ANN401 - it is a project's
    """Do one step; gives what can be told of it."""
    if name == "load":
        table, path = words
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            batches = file.iter_batches(1000)
            reader = import_module("pyarrow").RecordBatchReader.from_batches(schema, batches)
            return driver.load(table, reader)
    if name == "columns":
        return driver.columns(*words)
    rows = driver.run(words[0])
    if words[1:]:
        pq.write_table(rows, words[1])
    return rows.num_rows


if __name__ == "__main__":
    main()
