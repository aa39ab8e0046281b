"""POST one record, against `mlflow models serve` and BentoML with the same scikit-learn model.

Each is served by one worker, and asked in its own words for what the champion was made of.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import big_table
from benchmarks.figure import ROUNDS, Figure, show
from benchmarks.load import bear
from benchmarks.process import printed
from tests.services.object_stores import environment
from tests.services.ports import free_port, wait_for
from tests.services.processes import started
from tests.services.rendered import (
    Project,
    command,
    example_record,
    install,
    project_env,
    render,
    serve,
)

PINS = Path(__file__).with_name("peers-constraints.txt")
ROWS = 20_000
CONNECTIONS = 16
SECONDS = 3
LEAST_RATE = 40
BENTO = """
import bentoml
import joblib
import pandas as pd


@bentoml.service(workers=1)
class Model:
    def __init__(self):
        self.model = joblib.load("model.joblib")

    @bentoml.api
    def predict(self, records: list[dict]) -> list[list[float]]:
        return self.model.predict_proba(pd.DataFrame(records)).tolist()
"""
TO_MLFLOW = """
import joblib
import mlflow.sklearn

mlflow.sklearn.save_model(
    joblib.load("model.joblib"), "mlflow-model", pip_requirements=[],
    serialization_format="cloudpickle", pyfunc_predict_fn="predict_proba",
)
"""


def figures() -> list[Figure]:
    """Load all three in turns."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        project = prepared(folder / "customer-churn", folder / "table.parquet")
        record = example_record(project)
        tools = environment("peers", "bentoml", "mlflow", "pandas", "scikit-learn", pins=PINS)
        hand_over(project, tools, folder)
        asked = {
            "ours": (f"{stack.enter_context(serve(project))}/predict", [record]),
            "mlflow": (
                f"{stack.enter_context(mlflow(tools, folder))}/invocations",
                {"dataframe_records": [record]},
            ),
            "bentoml": (
                f"{stack.enter_context(bentoml(tools, folder))}/predict",
                {"records": [record]},
            ),
        }
        rates = {
            name: max(
                bear(url, json.dumps(body).encode(), connections=CONNECTIONS, seconds=SECONDS).rate
                for _ in range(ROUNDS)
            )
            for name, (url, body) in asked.items()
        }
    best = max(rates["mlflow"], rates["bentoml"])
    return [
        Figure(
            "POST one record, requests/s against the better of MLflow and BentoML",
            rates["ours"] / best,
            LEAST_RATE,
            side="at least",
            detail=", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items()),
        )
    ]


def prepared(folder: Path, table: Path) -> Project:
    """Render, install and run a project on a table of 19 features, some with gaps."""
    big_table.write(table, ROWS)
    project = install(render(folder, files_path=str(table), dataframe="pandas"))
    command(project, "contract", "infer", str(table), "--target", "outcome", "--force")
    command(project, "run")
    return project


def hand_over(project: Project, tools: Path, folder: Path) -> None:
    """Fit the champion's scikit-learn model once more, and leave it where both find it."""
    python, script = project.program.with_name("python"), Path(__file__).with_name("refit.py")
    printed([python, script, folder / "model.joblib"], env=project_env({}), cwd=project.folder)
    (folder / "service.py").write_text(BENTO)
    printed([tools / "bin" / "python", "-c", TO_MLFLOW], env=project_env({}), cwd=folder)


@contextmanager
def mlflow(tools: Path, folder: Path) -> Iterator[str]:
    """Start `mlflow models serve` and yield its base URL."""
    port = free_port()
    words = [
        *("models", "serve", "--model-uri", "mlflow-model", "--env-manager", "local"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    ]
    with _running(
        [tools / "bin" / "mlflow", *words], tools, folder, f"127.0.0.1:{port}/ping"
    ) as up:
        yield up.removesuffix("/ping")


@contextmanager
def bentoml(tools: Path, folder: Path) -> Iterator[str]:
    """Start BentoML and yield its base URL."""
    port = free_port()
    words = ["serve", "service:Model", "--host", "127.0.0.1", "--port", str(port)]
    with _running(
        [tools / "bin" / "bentoml", *words], tools, folder, f"127.0.0.1:{port}/readyz"
    ) as up:
        yield up.removesuffix("/readyz")


@contextmanager
def _running(words: list[str | Path], tools: Path, folder: Path, ready: str) -> Iterator[str]:
    path = f"{tools / 'bin'}:{project_env({})['PATH']}"
    env = project_env({"PATH": path, "BENTOML_DO_NOT_TRACK": "true", "BENTOML_HOME": str(folder)})
    log = folder / f"{words[0]}.log".rpartition("/")[2]
    with started(words, log=log, cwd=folder, env=env, grace=20) as server:
        wait_for(f"http://{ready}", timeout=120, still_there=server.running)
        yield f"http://{ready}"


if __name__ == "__main__":
    show(figures)
