"""The ledger in MLflow: each experiment a run of the same name, with its trials and files."""

import json
import logging
import os
import re
import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fourhats_runtime.files import written_whole
from fourhats_runtime.lifecycle.ledger import Experiment, experiments
from fourhats_runtime.lifecycle.origin import NOTE
from fourhats_runtime.lifecycle.registry import CARD_FILE, CONTRACT_FILE, Card, Registry
from fourhats_runtime.project import Project

RUNS, FILES = "mlflow.sqlite", "mlflow"
"""The file of runs in `artifacts/`, and the folder of what they keep."""
OF_ORIGIN = ("value", "target", "models", "versions")
"""What a run says as JSON of what its version came of."""
WHOLE = "FINISHED"
"""How MLflow calls a run of which everything is logged."""
MOST_LOGGED = 1000
"""MLflow takes no more metrics at once."""

logger = logging.getLogger(__name__)


def track(project: Project) -> None:
    """Bring MLflow to what the ledger says, where `mlflow ui` finds it.

    What cannot be logged is a warning: the registry has all of it.
    """
    path = project.artifacts / RUNS
    try:
        if path.exists():
            with closing(sqlite3.connect(path)) as found:  # MLflow would say it in many lines
                found.execute("PRAGMA quick_check(1)").fetchall()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what MLflow asks of SQLAlchemy, which finds it old
            _track(project)
    except Exception as error:  # noqa: BLE001 (of any of MLflow's libraries: the model is registered)
        logger.warning(
            "%s takes no experiment (%s): they stand in the registry alone. Move the file away, "
            "and the next training begins another",
            path,
            str(error).partition("\n")[0],
        )


def _track(project: Project) -> None:
    # A client's machine reports to nobody.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow  # noqa: PLC0415 (it takes a second)

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    path = project.artifacts / RUNS
    if not path.exists():  # made whole: tables that a kill leaves half-made MLflow never gets over
        with written_whole(path) as scratch:
            mlflow.MlflowClient(f"sqlite:///{scratch}").search_experiments()
    client = mlflow.MlflowClient(f"sqlite:///{path}")
    place = _experiment(client, project)
    known = {run.info.run_name: run for run in _whole(client, place, project.artifacts / FILES)}
    registry = Registry(project.artifacts / "registry")
    for each in experiments(project):
        run = known.get(each.version)
        if run is None:
            run = client.create_run(place, run_name=each.version)
            _log_origin(client, run.info.run_id, registry, each.version)
        _log_changing(client, run, each)


def _experiment(client: Any, project: Project) -> str:  # noqa: ANN401 (MLflow is imported late)
    """Give the number of the project's experiment in MLflow."""
    place = (project.artifacts / FILES).absolute().as_uri()
    found = client.get_experiment_by_name(project.name)
    if found is not None and found.artifact_location != place:  # the project was moved
        until = f"{project.name} until {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        client.rename_experiment(found.experiment_id, until)
        found = None
    number = client.create_experiment(project.name, place) if found is None else found.experiment_id
    return str(number)


def _whole(client: Any, place: str, files: Path) -> Iterator[Any]:  # noqa: ANN401
    """Give the runs of the experiment; what a kill left half-made is taken away."""
    token, broken = None, []
    while True:
        page = client.search_runs([place], page_token=token)
        broken += [run.info.run_id for run in page if run.info.status != WHOLE]
        yield from (run for run in page if run.info.status == WHOLE)
        token = page.token
        if not token:
            break
    for run in broken:
        client.delete_run(run)
        shutil.rmtree(files / run, ignore_errors=True)


def _log_origin(client: Any, run: str, registry: Registry, version: str) -> None:  # noqa: ANN401
    """Log what a version was made of: it stays as it is."""
    from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415

    card, origin = registry.card(version), registry.noted(version, NOTE) or {}
    now = int(datetime.now(UTC).timestamp() * 1000)
    figures = _as_metrics(origin.get("validation", {}))
    figures |= {name: card[name] for name in ("validation_value", "parity") if name in card}
    tried = [
        Metric("trial_loss", attempt["loss"], now, place)
        for place, attempt in enumerate(origin.get("attempts", [])[:MOST_LOGGED])
    ]
    parameters = {"model": card["model"], **card.get("parameters", {})}
    client.log_batch(
        run,
        metrics=[Metric(name, value, now, 0) for name, value in figures.items()],
        params=[Param(name, str(value)) for name, value in parameters.items()],
        tags=[RunTag(name, value) for name, value in _as_tags(origin).items()],
    )
    client.log_batch(run, metrics=tried)
    folder = registry.folder(version)
    for name in (CARD_FILE, CONTRACT_FILE):
        client.log_artifact(run, str(folder / name))
    client.log_dict(run, origin, f"{NOTE}.json")
    client.set_terminated(run)


def _log_changing(client: Any, run: Any, experiment: Experiment) -> None:  # noqa: ANN401
    """Log what may change of an experiment after it was made, where it has changed."""
    tags = {
        "mlflow.note.content": experiment.note,
        "changed": "; ".join(experiment.changed),
        "verdict": experiment.verdict,
        "reason": experiment.reason,
    }
    for name, text in tags.items():
        if run.data.tags.get(name, "") != text:
            client.set_tag(run.info.run_id, name, text)
    found = {"seconds": experiment.seconds}
    if (gain := experiment.gain) is not None:
        found |= {"gain": gain.gain, "gain_low": gain.low, "gain_high": gain.high}
    for name, value in found.items():
        if value is not None and run.data.metrics.get(name) != value:
            client.log_metric(run.info.run_id, name, value)


def _as_metrics(figures: Card) -> dict[str, float]:
    """Name figures and the ends of their intervals as MLflow allows: without signs such as ²."""
    found: dict[str, float] = {}
    for name, figure in figures.items():
        plain = re.sub(r"[^\w -]", "", name.replace("²", "2")).replace(" ", "_")
        for end, value in (
            ("", figure["figure"]),
            ("_low", figure["low"]),
            ("_high", figure["high"]),
        ):
            if value is not None:
                found[f"validation_{plain}{end}"] = value
    return found


def _as_tags(origin: Card) -> dict[str, str]:
    """Say where a model comes from in a few texts; the whole is a file beside."""
    git, data = origin.get("git"), origin.get("data", {})
    tags = {
        "seed": str(origin.get("training", {}).get("seed", "")),
        "git": "not in git" if git is None else git["commit"],
    }
    tags |= {name: json.dumps(origin[name]) for name in OF_ORIGIN if name in origin}
    if git is not None:
        tags["git_clean"] = str(git["clean"]).lower()
    return tags | {f"data_{name}": str(value) for name, value in data.items()}
