"""Run in a rendered project's own environment: monitoring tried on cases whose truth is known.

`make POOL HEAD` draws cases from the process behind the project's sample, and writes the first of
them as the client's data. `try POOL SEEDS` then has monitoring look at fresh cases of that process,
as they are and with one thing wrong, and prints the alerts as JSON.
"""

import importlib
import json
import sys
import time
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

HEAD_ROWS = 3000
POOL_ROWS = 60_000
SIZES = (100, 500, 5000)
WRONG_ROWS = 1000
DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - the warehouse's times have no zone


class Trials:
    """A project whose line has run on the head of the pool."""

    def __init__(self, package: str) -> None:
        """Read the project in this folder."""
        self.project = importlib.import_module(f"{package}.project").project
        self.contract = self.project.contract

    @staticmethod
    def module(name: str) -> ModuleType:
        """Import a module of the runtime."""
        return importlib.import_module(f"fourhats_runtime.{name}")

    def make(self, pool: Path, head: Path) -> None:
        """Draw cases; the first two numbers are correlated, which the sample does not have."""
        rows = self.module("data.sources.sample").make(self.contract, 3 * POOL_ROWS, seed=1)
        first, second = [c.source for c in self.contract.features if c.is_number][:2]
        ranks = [_ranks(rows[name].to_pylist()) for name in (first, second)]
        luck = np.random.default_rng(1).random(len(rows))
        together = (np.abs(ranks[0] - ranks[1]) < 0.25) | (luck < 0.1)
        rows = rows.filter(pa.array(together))
        csv.write_csv(rows.slice(0, HEAD_ROWS), head)
        parquet.write_table(rows.slice(HEAD_ROWS, POOL_ROWS), pool)

    def load(self, pool: Path) -> None:
        """Take the pool as the project itself would clean it, and what the champion says to it."""
        names = {column.source: column for column in self.contract.columns}
        rows = parquet.read_table(pool)
        valid = np.ones(len(rows), dtype=bool)
        columns: dict[str, list[Any]] = {}
        for source, column in names.items():
            values = [self.value(text, column) for text in rows[source].to_pylist()]
            valid &= np.array([value != "invalid" for value in values])
            columns[column.name] = values
        kept = np.flatnonzero(valid)
        self.columns = {
            name: np.array(values, dtype=object)[kept] for name, values in columns.items()
        }
        self.model = self.module("lifecycle.registered").Model.champion(self.project)

    @staticmethod
    def value(text: str, column: Any) -> object:  # noqa: ANN401 - the project's own type
        """Take a text for what its column holds."""
        if text == "":
            return None if column.nullable or column.role == "ignore" else "invalid"
        if column.type == "boolean":
            return float(text)
        if column.is_number:
            try:
                return float(text)
            except ValueError:
                return "invalid"
        return datetime.fromisoformat(text) if column.is_time else text

    def cases(self, seed: int, size: int) -> dict[str, np.ndarray]:
        """Draw cases from the pool."""
        rows = len(self.columns[self.contract.target.name])
        drawn = np.random.default_rng([seed, size]).choice(rows, size, replace=False)
        return {name: values[drawn] for name, values in self.columns.items()}

    def alerts(
        self, cases: dict[str, np.ndarray], outcomes: np.ndarray, day: datetime = DAY
    ) -> list[str]:
        """Put cases among the predictions of one day; gives what monitoring warns of."""
        outputs = self.model.predict(cases)
        answers, size = self.model.rule.answers(outputs), len(outputs)
        table = {
            "prediction_id": [f"p-{place}" for place in range(size)],
            "id": pa.nulls(size, pa.string()),
            "given_at": [day] * size,
            "model_version": [self.model.version] * size,
            "_entity": pa.nulls(size, pa.string()),
            "prediction": [str(one) for one in answers["prediction"].tolist()],
            "probability": pa.array(answers["probability"].tolist(), pa.float64()),
            "decision": answers["decision"].tolist(),
            **{column.name: cases[column.name].tolist() for column in self.contract.features},
            "actual": pa.array(
                [None if outcome is None else str(outcome) for outcome in outcomes], pa.string()
            ),
        }
        warehouse, watch = self.module("data.warehouse"), self.module("monitor.watch")
        with warehouse.scratch(self.project) as connection:
            rows = pa.table(table)
            warehouse.read_in(connection, "predictions", lambda duck: duck.from_arrow(rows))
            findings = [
                *self.module("monitor.service").check(connection, self.project),
                *watch.drift(connection, self.project),
                *self.module("monitor.performance").check(connection, self.project, self.contract),
            ]
        return sorted(finding.incident for finding in findings if finding.state == "alert")

    def clean(self, seeds: int) -> dict[str, list[list[str]]]:
        """Try fresh cases, of which the outcome is known, or not."""
        target = self.contract.target.name
        found: dict[str, list[list[str]]] = {}
        for size in SIZES:
            for seed in range(seeds):
                cases = self.cases(seed, size)
                known = cases[target] if seed % 2 else np.full(size, None)
                found.setdefault(str(size), []).append(self.alerts(cases, known))
        return found

    def wrong(self) -> dict[str, list[str]]:
        """Try cases with one thing wrong each."""
        target = self.contract.target.name
        numbers = [c.name for c in self.contract.features if c.is_number]
        cases = self.cases(0, WRONG_ROWS)
        unknown = np.full(WRONG_ROWS, None)
        random = np.random.default_rng(0)

        shifted = dict(cases)
        values = cases[numbers[0]].astype(np.float64)
        shifted[numbers[0]] = values + 0.3 * (np.nanmax(values) - np.nanmin(values))

        apart = dict(cases)
        apart[numbers[1]] = random.permutation(cases[numbers[1]])

        outputs = self.model.predict(cases)
        outcomes, rule = cases[target], self.model.rule
        if self.contract.classes:
            # Where nothing is done, what comes is worth nothing: only the figures are wrong.
            acted = rule.decide(outputs)
            biased = np.where(~acted & (random.random(WRONG_ROWS) < 0.2), "yes", outcomes)
            worse = np.where(acted & (random.random(WRONG_ROWS) < 0.5), "no", outcomes)
        else:
            tolerance = self.project.value.tolerance
            biased = outcomes + 0.2 * tolerance
            worse = outcomes + random.choice([-1, 1], WRONG_ROWS) * tolerance
        known = self.module("model.parts").actual(outcomes, self.contract)
        earned = rule.realised(outputs, known)
        poor = np.argsort(self.expected_of(outputs, earned))[:200]
        return {
            "nothing": self.alerts(cases, outcomes),
            "one column has moved": self.alerts(shifted, unknown),
            "two columns are no longer related": self.alerts(apart, unknown),
            "predictions are less true": self.alerts(cases, biased),
            "outcomes are worse": self.alerts(cases, worse),
            "other cases come": self.alerts(
                {name: values[poor] for name, values in cases.items()}, unknown[poor]
            ),
        }

    def expected_of(self, outputs: np.ndarray, earned: np.ndarray) -> np.ndarray:
        """Give what decisions at such figures earned, by neighbours."""
        order = np.argsort(self.model.rule.certainty(outputs))
        smooth = np.convolve(earned[order], np.ones(101) / 101, mode="same")
        expected = np.empty(len(order))
        expected[order] = smooth
        return expected


def _ranks(texts: list[str]) -> np.ndarray:
    numbers = np.array([float(text) if _is_number(text) else -1.0 for text in texts])
    return np.argsort(np.argsort(numbers)) / len(numbers)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).removeprefix("-").isdigit()


def main() -> None:
    command, package, pool, rest = sys.argv[1:]
    trials = Trials(package)
    if command == "make":
        trials.make(Path(pool), Path(rest))
        return
    trials.load(Path(pool))
    started = time.perf_counter()
    found = {"wrong": trials.wrong(), "clean": trials.clean(int(rest))}
    print(json.dumps(found | {"seconds": time.perf_counter() - started}))


main()
