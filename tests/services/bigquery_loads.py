"""BigQuery's load jobs: a Parquet file that comes in parts, and becomes a table whole or not."""

import tempfile
from typing import Any

import duckdb

from tests.services.bigquery_sql import (
    DATABASE,
    PROJECT,
    RefusedError,
    check_names,
    dataset_exists,
    reference,
)

Answer = dict[str, Any]
LOADS: dict[str, Answer] = {}
CAME: dict[str, bytearray] = {}
TYPES = {
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "STRING": "VARCHAR",
    "BOOL": "BOOLEAN",
    "DATETIME": "TIMESTAMP",
    "DATE": "DATE",
}


def job_of(asked: Answer) -> str:
    """Note a job down, whose file is still to come; gives its name."""
    job = {**asked, "jobReference": reference(), "status": {"state": "RUNNING"}}
    name = str(job["jobReference"]["jobId"])
    LOADS[name], CAME[name] = job, bytearray()
    return name


def take(name: str, part: bytes, *, whole: bool) -> Answer | None:
    """Take a part of a job's file; gives the job once it is whole, as it was when that came."""
    CAME[name] += part
    if not whole:
        return None
    job = LOADS[name]
    LOADS[name] = {**job, "status": {"state": "DONE"}}
    try:
        rows = _load(job["configuration"]["load"], bytes(CAME.pop(name)))
        LOADS[name]["statistics"] = {"load": {"outputRows": str(rows)}}
    except RefusedError as error:
        LOADS[name]["status"] |= {"errorResult": error.told, "errors": [error.told]}
    return job


def _load(asked: Answer, file: bytes) -> int:
    assert asked["sourceFormat"] == "PARQUET"
    assert asked["writeDisposition"] == "WRITE_TRUNCATE"
    place, fields = asked["destinationTable"], asked["schema"]["fields"]
    if not dataset_exists(place["datasetId"]):
        message = f"Not found: Dataset {PROJECT}:{place['datasetId']}"
        raise RefusedError(404, "notFound", message)
    check_names([field["name"] for field in fields])
    table = f'"{place["datasetId"]}"."{place["tableId"]}"'
    with tempfile.NamedTemporaryFile(suffix=".parquet") as parquet:
        parquet.write(file)
        parquet.flush()
        rows = f"FROM read_parquet('{parquet.name}')"
        in_file = {row[0]: row[1] for row in DATABASE.execute(f"DESCRIBE {rows}").fetchall()}
        for field in fields:
            name, kind = field["name"], TYPES[field["type"]]
            if in_file.get(name, kind) != kind:
                message = (
                    f"Error while reading data, error message: Parquet column '{name}' has type "
                    f"{in_file[name]} which does not match the target type {field['type']}"
                )
                raise RefusedError(400, "invalid", message)
        try:
            DATABASE.execute(f"CREATE OR REPLACE TABLE {table} AS {rows}")
        except duckdb.CatalogException:
            message = f"{PROJECT}:{place['datasetId']}.{place['tableId']} is not allowed for this"
            raise RefusedError(400, "invalid", f"{message} operation: it is a VIEW.") from None
        (made,) = DATABASE.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)  # noqa: S608 - a test's own
    return int(made)
