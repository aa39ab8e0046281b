"""Alerts, from what goes wrong to what arrives: in Slack, in Teams, by e-mail, at a webhook.

Each way to go wrong is seen to arrive once, within the time that the runbook says, and to be told
as over once it is mended; on clean data nothing arrives.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.services.chat import SLACK, TEAMS, Chat, certificate, chat_services
from tests.services.mailbox import Mailbox, mailbox
from tests.services.ports import free_port, wait_for
from tests.services.processes import Started, started
from tests.services.rendered import (
    Project,
    command,
    example_record,
    install,
    pid_of,
    project_env,
    render,
    serve,
)
from tests.services.webhook import Receiver, webhook_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CLEAN_RUNS = int(os.environ.get("CLEAN_RUNS", "20"))
ROWS = 3000
EVERY = 1.0  # seconds between two looks at the API
WINDOW = 8.0  # seconds whose requests are judged
RUNBOOK = "https://wiki.example.com/churn/runbook.md"

# In the project's own environment: a population to draw from, the first rows of it to train on.
POPULATION = """
import sys
import pyarrow.csv
from customer_churn.project import project
from fourhats_runtime.data.sources import sample
table = sample.make(project.contract, int(sys.argv[1]))
pyarrow.csv.write_csv(table, sys.argv[2])
"""
# Records as the API takes them, of the rows that the model learns from.
RECORDS = """
import json, sys
from customer_churn.project import project
from fourhats_runtime.data.warehouse import connect, values
here = project
terms = here.contract
with connect(here) as connection:
    clean = values(connection, f"SELECT * FROM clean ORDER BY _row LIMIT {sys.argv[1]}")
names = [column.name for column in terms.features]
values = zip(*(list(clean[name]) for name in names))
plain = lambda value: value.isoformat() if hasattr(value, "isoformat") else float(value)
print(json.dumps([dict(zip(names, row)) for row in values], default=plain))
"""
# A champion that gives the same answers, after some multiplying of matrices in each.
SLOW_CHAMPION = """
import sys
import onnx
from onnx import TensorProto, helper, numpy_helper
import numpy as np
from customer_churn.project import project
from fourhats_runtime.lifecycle.registry import Registry
registry = Registry(project.artifacts / "registry")
champion = registry.version("champion")
folder = registry.root / "versions" / champion
model = onnx.load(folder / "model.onnx")
graph, output = model.graph, model.graph.output[-1].name
number = next(i.name for i in graph.input if i.type.tensor_type.elem_type == TensorProto.FLOAT)
for node in graph.node:
    node.output[:] = ["fast" if name == output else name for name in node.output]
graph.initializer.extend([
    numpy_helper.from_array(np.array([2000, 2000], dtype=np.int64), "slow_shape"),
    numpy_helper.from_array(np.array(0, dtype=np.float32), "slow_nought"),
])
graph.node.extend([
    helper.make_node("ReduceMax", [number], ["slow_one"], keepdims=0),
    helper.make_node("Expand", ["slow_one", "slow_shape"], ["slow_0"]),
    *(helper.make_node("MatMul", [f"slow_{n}", "slow_0"], [f"slow_{n + 1}"]) for n in range(4)),
    helper.make_node("ReduceMax", ["slow_4"], ["slow_most"], keepdims=0),
    helper.make_node("Min", ["slow_most", "slow_nought"], ["slow_least"]),
    helper.make_node("Max", ["slow_least", "slow_nought"], ["slow_zero"]),
    helper.make_node("Add", ["fast", "slow_zero"], [output]),
])
slow = registry.add(
    model.SerializeToString(), (folder / "contract.toml").read_text(), registry.card(champion)
)
registry.point("champion", slow)
print(champion)
"""
# A month of clean data a seed: new rows come in, the API answers about them, outcomes follow.
CLEAN_MONTHS = """
import json, shutil, sys
from datetime import UTC, datetime
import numpy as np, pyarrow.csv
from customer_churn.project import project
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.pipeline import Asked, run_step
from fourhats_runtime.data.warehouse import connect, values
rows, months, population = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
here = project
terms = here.contract
table = pyarrow.csv.read_csv(population, convert_options=pyarrow.csv.ConvertOptions(
    column_types={c.source: "string" for c in terms.columns}, strings_can_be_null=False))
said = {}
for seed in range(months):
    drawn = np.random.default_rng(seed).choice(len(table) - rows, rows, replace=False) + rows
    pyarrow.csv.write_csv(table.take(np.sort(drawn)), here.folder / "data" / "customers.csv")
    for step in ("extract", "validate", "transform"):
        run_step(step, here, asked=Asked(whole=True))
    champion = Model.champion(here)
    target = f'"{terms.target.name}"'
    with connect(here) as connection:
        clean = values(connection, f"SELECT * FROM clean WHERE {target} IS NOT NULL")
    inputs = {c.name: list(clean[c.name]) for c in terms.features}
    records = [dict(zip(inputs, values)) for values in zip(*inputs.values())]
    columns = {n: v.tolist() for n, v in champion.rule.answers(champion.predict(inputs)).items()}
    answers = [dict(zip(columns, row)) for row in zip(*columns.values())]
    entry = {"given_at": datetime.now(UTC).isoformat(), "request_id": f"month-{seed}",
        "model_version": champion.version, "predictions": answers, "records": records}
    for kind in ("predictions", "outcomes"):
        shutil.rmtree(here.artifacts / kind, ignore_errors=True)
        (here.artifacts / kind).mkdir()
    outcomes = [{"prediction_id": f"month-{seed}-{n}", "actual": str(value)}
        for n, value in enumerate(clean[terms.target.name])]
    line = json.dumps(entry, default=str) + "\\n"
    (here.artifacts / "predictions" / "2026-01.jsonl").write_text(line)
    lines = "".join(json.dumps(line) + "\\n" for line in outcomes)
    (here.artifacts / "outcomes" / "2026-01.jsonl").write_text(lines)
    facts = run_step("monitor", here).facts
    judged = [f for f in facts["findings"] if f["incident"].startswith("drift:")]
    earned = [f for f in facts["findings"] if f["incident"] == "performance:value"]
    assert judged and "too few" not in earned[0]["message"], facts
    said[seed] = [f["message"] for f in facts["findings"] if f["state"] == "alert"]
print(json.dumps(said))
"""


@dataclass(frozen=True)
class Desk:
    """The project, and everywhere that its alerts arrive."""

    project: Project
    chat: Chat
    mail: Mailbox
    webhook: Receiver
    population: Path

    @property
    def env(self) -> dict[str, str]:
        """What the project finds in its environment."""
        sender = "from=alerts%40example.com&to=ann@example.com,bob@example.com"
        return self.chat.environment | {
            "SLACK_WEBHOOK_URL": SLACK,
            "TEAMS_WEBHOOK_URL": TEAMS,
            "ALERT_EMAIL_URL": f"mailtos://localhost:{self.mail.port}?{sender}",
            "ALERT_WEBHOOK_URL": self.webhook.url,
            "RUNBOOK_URL": RUNBOOK,
            "FILES__PATH": "data/customers.csv",
            "TRAINING__TRIALS": "2",
            "WATCH__EVERY": str(EVERY),
            "WATCH__WINDOW": str(WINDOW),
        }

    def run(self, *words: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the project's command."""
        return command(self.project, *words, env=self.env | env, check=check)

    def script(self, code: str, *arguments: object) -> str:
        """Run code in the project's own environment."""
        python = self.project.program.with_name("python")
        done = subprocess.run(
            [python, "-W", "ignore", "-c", code, *map(str, arguments)],
            cwd=self.project.folder,
            env=project_env(self.env),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    def deliver(self, *, without: str = "") -> None:
        """Put the training rows where the source reads them."""
        with self.population.open(encoding="utf-8", newline="") as file:
            lines = [row for row, _ in zip(csv.DictReader(file), range(ROWS), strict=False)]
        kept = [name for name in lines[0] if name != without]
        data = self.project.folder / "data" / "customers.csv"
        data.parent.mkdir(exist_ok=True)
        with data.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, kept, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(lines)

    def records(self, count: int) -> list[dict[str, Any]]:
        """Return records as the API takes them."""
        return list(json.loads(self.script(RECORDS, count)))

    def answer(self, records: list[dict[str, Any]]) -> None:
        """Have the API answer, and keep nothing but that in its log."""
        for path in (self.project.folder / "artifacts" / "predictions").glob("*.jsonl"):
            path.unlink()
        with serve(self.project, self.env) as url:
            httpx.post(f"{url}/predict", json=records, timeout=30).raise_for_status()

    def arrived(self) -> list[int]:
        """Count the messages that arrived in Slack, in Teams, by e-mail and at the webhook."""
        places: Sequence[Sequence[object]] = (
            self.chat.slack,
            self.chat.teams,
            self.mail.of("ann@example.com"),
            self.webhook.messages,
        )
        return [len(place) for place in places]

    def told_once(self, before: list[int]) -> list[dict[str, str]]:
        """Hold that one message arrived everywhere; give the incidents that it tells of."""
        assert self.arrived() == [count + 1 for count in before]
        incidents = self.webhook.incidents
        latest = len(self.webhook.messages[-1]["alerts"])
        return incidents[-latest:]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("alerts")
    channels = ["log", "slack", "teams", "email", "webhook"]
    project = install(
        render(folder / "churn", project_name="Customer churn", serving=["api"], alerts=channels)
    )
    signed = certificate(folder)
    with ExitStack() as stack:
        desk = Desk(
            project,
            stack.enter_context(chat_services(signed)),
            stack.enter_context(mailbox(folder, signed)),
            stack.enter_context(webhook_receiver()),
            folder / "population.csv",
        )
        desk.script(POPULATION, 20 * ROWS, desk.population)
        desk.deliver()
        desk.run("run")
        yield desk


def texts(desk: Desk) -> list[str]:
    """Return what people read of the latest alert: in Slack, in Teams, in the e-mail."""
    body = desk.mail.of("ann@example.com")[-1].get_body(("plain", "html"))
    assert body is not None
    return [
        json.dumps(desk.chat.slack[-1], ensure_ascii=False),
        json.dumps(desk.chat.teams[-1], ensure_ascii=False),
        body.get_content(),
    ]


@contextmanager
def looked_after(desk: Desk, url: str, **env: str) -> Iterator[Started]:
    """Run `watch` beside the API."""
    with started(
        [desk.project.program, "watch", "--url", url],
        log=desk.project.folder.with_name("watch.log"),
        cwd=desk.project.folder,
        env=project_env(desk.env | env),
    ) as process:
        wait_for(lambda: "looking at" in process.output(), still_there=process.running)
        yield process


def test_a_run_on_clean_data_tells_of_nothing_but_its_new_champion(desk: Desk) -> None:
    assert desk.arrived() == [1, 1, 1, 1]
    assert desk.webhook.incidents == []
    (notice,) = desk.webhook.notices
    assert "promoted" in notice["message"]
    assert all(notice["incident"] in text for text in texts(desk))


def test_drift_arrives_everywhere_once_with_its_figure_and_what_to_do(desk: Desk) -> None:
    before, records = desk.arrived(), desk.records(500)
    name = next(name for name, value in records[0].items() if isinstance(value, float))
    most = max(record[name] for record in records if record[name] is not None)
    desk.answer([record | {name: most} for record in records])
    desk.run("monitor")
    incidents = desk.told_once(before)
    drifted = [one for one in incidents if one["incident"] == f"drift:{name}"]
    assert [one["status"] for one in drifted] == ["firing"]
    for text in texts(desk):
        assert drifted[0]["message"].partition(" (")[0].split()[-1] in text  # the figure
        assert f"{RUNBOOK}#drift" in text
    assert "began" in desk.mail.of("bob@example.com")[-1]["subject"]
    desk.run("monitor")
    desk.told_once(before)


def test_drift_that_is_over_is_told_once_with_how_long_it_lasted(desk: Desk) -> None:
    before = desk.arrived()
    desk.answer(desk.records(500))
    desk.run("monitor")
    desk.run("monitor")
    incidents = desk.told_once(before)
    assert {one["status"] for one in incidents} == {"resolved"}
    assert any(one["incident"].startswith("drift:") for one in incidents)
    assert all("is over after" in text for text in texts(desk))
    assert desk.webhook.messages[-1]["status"] == "resolved"


def test_a_source_that_lost_a_column_is_told_by_the_columns_name(desk: Desk) -> None:
    before = desk.arrived()
    lost = next(iter(example_record(desk.project)))
    desk.deliver(without=lost)
    for _ in range(2):
        assert desk.run("extract", check=False).returncode == 2
    (incident,) = desk.told_once(before)
    assert (incident["incident"], incident["status"]) == ("step:extract", "firing")
    assert f"{lost} is gone" in incident["message"]
    desk.deliver()
    desk.run("extract")
    (incident,) = desk.told_once([count + 1 for count in before])
    assert (incident["incident"], incident["status"]) == ("step:extract", "resolved")


def test_a_source_that_stopped_is_told_once_and_when_it_is_back(desk: Desk) -> None:
    before, data = desk.arrived(), desk.project.folder / "data" / "customers.csv"
    data.unlink()
    for _ in range(2):
        done = desk.run("run", check=False)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
    (incident,) = desk.told_once(before)
    assert (incident["incident"], incident["status"]) == ("step:extract", "firing")
    assert "customers.csv" in incident["message"]
    desk.deliver()
    desk.run("extract")
    (incident,) = desk.told_once([count + 1 for count in before])
    assert (incident["incident"], incident["status"]) == ("step:extract", "resolved")


def test_while_slack_is_out_the_others_are_told_and_slack_is_later(desk: Desk) -> None:
    slack, *others = desk.arrived()
    desk.chat.answers["hooks.slack.com"] = 503
    done = desk.run("alert", "it <b>is</b> *dry*", "--incident", "step:well", check=False)
    assert done.returncode == 2
    assert "what SLACK_WEBHOOK_URL names answers 503" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert desk.arrived() == [slack, *(count + 1 for count in others)]
    del desk.chat.answers["hooks.slack.com"]
    desk.run("alert", "it is dry", "--incident", "step:well")
    assert desk.arrived() == [slack + 1, *(count + 1 for count in others)]
    html = desk.mail.of("ann@example.com")[-1].get_body(("html",))
    assert html is not None
    assert "it &lt;b&gt;is&lt;/b&gt; *dry*" in html.get_content()
    desk.run("monitor")
    assert desk.webhook.incidents[-1]["status"] == "resolved"


def test_an_address_that_is_not_set_is_named_and_the_others_are_told(desk: Desk) -> None:
    before = desk.arrived()
    done = desk.run("alert", "dry", "--incident", "step:well", check=False, TEAMS_WEBHOOK_URL="")
    assert done.returncode == 2
    assert "TEAMS_WEBHOOK_URL is not set" in done.stderr
    assert [now - then for now, then in zip(desk.arrived(), before, strict=True)] == [1, 0, 1, 1]
    desk.run("monitor")
    assert [now - then for now, then in zip(desk.arrived(), before, strict=True)] == [2, 1, 2, 2]


def test_a_killed_api_is_told_within_three_looks_and_once_it_is_back(desk: Desk) -> None:
    port, before = free_port(), desk.arrived()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        stack.enter_context(api(desk, port))
        with looked_after(desk, url):
            wait_for(lambda: looks(desk) >= 2)
            os.kill(pid_of(url), signal.SIGKILL)
            killed = time.monotonic()
            desk.webhook.wait(before[3] + 1)
            assert time.monotonic() - killed < 3 * EVERY + 4  # to start looking, and to send
            wait_for(lambda: desk.arrived() == [count + 1 for count in before])
        # Whoever looks on from here is another process, which knows that it was told.
        with looked_after(desk, url):
            seen = looks(desk)
            wait_for(lambda: looks(desk) >= seen + 4)
            (incident,) = desk.told_once(before)
            assert (incident["incident"], incident["status"]) == ("api:down", "firing")
            stack.enter_context(api(desk, port))
            wait_for(lambda: desk.arrived() == [count + 2 for count in before])
    assert desk.webhook.incidents[-1]["status"] == "resolved"
    assert all(f"{RUNBOOK}#api" not in text for text in texts(desk))


def test_a_slow_model_is_told_and_once_it_is_fast_again(desk: Desk) -> None:
    port, before = free_port(), desk.arrived()
    url, record = f"http://127.0.0.1:{port}", example_record(desk.project)
    limits = {
        "WATCH__EVERY": "3",
        "WATCH__MIN_REQUESTS": "4",
        "WATCH__MAX_MEDIAN_SECONDS": "0.1",
    }
    champion = desk.project.folder / "artifacts" / "registry" / "champion"
    with api(desk, port), looked_after(desk, url, **limits), asked_all_the_time(url, record):
        seen = looks(desk)
        wait_for(lambda: looks(desk) >= seen + 8)  # seconds, by EVERY
        assert desk.arrived() == before
        fast = desk.script(SLOW_CHAMPION).strip()
        try:
            began = time.monotonic()
            desk.webhook.wait(before[3] + 1, timeout=30)
            # As the runbook says, and some seconds to take the model over, and to send.
            assert time.monotonic() - began < WINDOW + 2 * 3 + 4
        finally:
            champion.write_text(fast)
        wait_for(lambda: desk.arrived() == [count + 2 for count in before], timeout=40)
    told = desk.webhook.incidents[-2:]
    assert [(one["incident"], one["status"]) for one in told] == [
        ("api:slow", "firing"),
        ("api:slow", "resolved"),
    ]


def test_who_looks_once_is_told_the_figures(desk: Desk) -> None:
    with serve(desk.project, desk.env) as url:
        lines = desk.run("watch", "--url", url, "--once").stdout.splitlines()
    # Whether it answers and can log; nobody has asked yet for what else is judged.
    states = [line.removeprefix("  ").partition("  ")[0] for line in lines]
    assert states == ["fine"] * 2 + ["not judged yet"] * 3


def test_no_alert_arrives_in_months_of_clean_data(desk: Desk) -> None:
    before = desk.arrived()
    said = json.loads(desk.script(CLEAN_MONTHS, ROWS, CLEAN_RUNS, desk.population))
    assert len(said) == CLEAN_RUNS
    assert {seed: messages for seed, messages in said.items() if messages} == {}
    assert desk.arrived() == before


@contextmanager
def api(desk: Desk, port: int) -> Iterator[None]:
    """Serve the project at a port of our choice."""
    with started(
        [desk.project.program, "serve", "--port", str(port)],
        log=desk.project.folder.with_name(f"serve-{port}.log"),
        cwd=desk.project.folder,
        env=project_env(desk.env),
    ) as process:
        wait_for(f"http://127.0.0.1:{port}/ready", still_there=process.running)
        yield


@contextmanager
def asked_all_the_time(url: str, record: dict[str, Any]) -> Iterator[None]:
    """Ask for predictions, one after the other, twenty a second at most."""
    ended = threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            while not ended.wait(0.05):
                client.post(f"{url}/predict", json=[record])

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def looks(desk: Desk) -> float:
    """Count the looks since the first one that is kept, by their times."""
    path = desk.project.folder / "artifacts" / "incidents" / "looks.json"
    if not path.exists():
        return 0
    return float((json.loads(path.read_text())["looks"][-1]["at"] - START) / EVERY)


START = time.time()
