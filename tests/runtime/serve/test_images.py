"""What serves needs no library for data, training, monitoring, or a broker that is not there."""

import json
import os
import subprocess
import sys
from pathlib import Path

from fourhats_runtime import Project

from tests.runtime.handmade import EXAMPLE

ROOT = Path(__file__).parents[3]
FOREIGN = (
    "apprise",
    "confluent_kafka",
    "duckdb",
    "fpdf",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "obstore",
    "optuna",
    "pandas",
    "polars",
    "pyarrow",
    "pyspark",
    "redis",
    "skl2onnx",
    "sklearn",
    "sqlglot",
)
WITHOUT = f"""
import sys
from importlib.abc import MetaPathFinder


class Without(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {FOREIGN}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Without())
from fourhats_runtime import Project
from tests.runtime.handmade import derived, payoff

project = Project(
    name="sample",
    task="classification",
    train="shop.train:train",
    baselines="shop.train:baselines",
    metrics="shop.train:metrics",
    payoff=payoff,
    features=derived,
)
"""
API = """
import json
from fastapi.testclient import TestClient
from fourhats_runtime.serve import create_app, keys, server, watch

record = json.loads(sys.argv[1])
with TestClient(create_app(project)) as client:
    for path in ("/predict", "/explain"):
        assert client.post(path, json=[record]).status_code == 200
    for path in ("/", "/monitor", "/ready", "/metrics", "/openapi.json"):
        assert client.get(path).status_code == 200
"""
WORKER = """
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.stream.worker import run

assert not {"fastapi", "uvicorn"} & set(sys.modules)
try:
    run(project)
except ProjectError as error:
    assert "redis is not installed" in str(error), error
else:
    raise AssertionError
"""


def run(project: Project, code: str) -> None:
    subprocess.run(
        [sys.executable, "-c", WITHOUT + code, json.dumps(EXAMPLE)],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )


def test_the_api_answers_without_them(made: Project) -> None:
    run(made, API)


def test_the_worker_names_the_library_of_its_broker(made: Project) -> None:
    run(made, WORKER)
