"""Workers on a stand-in for Kafka: what the client does, not what a real broker would promise.

Whoever joins the stand-in's group begins with the first message, as it keeps no offsets of
transactions. So each start here is a takeover of everything, and the keys that are read back from
the output have to keep it from being answered twice.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.kafka import Cluster, headers, kafka_cluster
from tests.services.ports import free_port, wait_for
from tests.services.rendered import Project, champion, command, install, render
from tests.services.stream import known_answers, poison, workers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services.stream import Workers

INPUT = "customer-churn.records"
OUTPUT = "customer-churn.predictions"
DEAD = "customer-churn.dead-letters"
KILLS = 4

Known = list[tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that answers a stream on Kafka, its line run once."""
    folder = tmp_path_factory.mktemp("stream") / "customer-churn"
    made = install(render(folder, serving=["stream"], broker="kafka", orchestrator="none"))
    command(made, "run")
    return made


@pytest.fixture(scope="module")
def known(project: Project) -> Known:
    """Records with the champion's own answers."""
    return known_answers(project, 200)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A stand-in with the three topics."""
    with kafka_cluster(tmp_path / "kafka.log", [INPUT, OUTPUT, DEAD]) as running:
        yield running


@pytest.fixture
def crowd(project: Project, cluster: Cluster) -> Iterator[Workers]:
    """Workers on that stand-in, which take over soon."""
    env = {"KAFKA_BOOTSTRAP_SERVERS": cluster.address, "STREAM__IDLE_SECONDS": "6"}
    with workers(project, env) as started:
        yield started


def test_records_are_answered_where_they_came_from_and_poison_says_why(
    project: Project, cluster: Cluster, crowd: Workers, known: Known
) -> None:
    bad = poison(known[0][0])
    good = {f"key-{number}": record for number, (record, _) in enumerate(known)}
    sent = [(key, json.dumps(record).encode()) for key, record in good.items()]
    cluster.send(INPUT, [*sent, *((f"poison-{place}", body) for place, body in enumerate(bad))])
    cluster.send(INPUT, sent[:20])  # again
    worker = crowd.start()
    name = 'stream_messages_total{{outcome="{}"}}'
    wait_for(lambda: worker.figure(name.format("answered")) == len(good), timeout=40)
    wait_for(lambda: worker.figure(name.format("dead")) == len(bad), timeout=20)
    wait_for(lambda: worker.figure(name.format("duplicate")) == 20, timeout=20)
    came_from = {headers(one)["idempotency-key"]: one for one in cluster.messages(INPUT)}
    answers = cluster.messages(OUTPUT)
    assert Counter(headers(one)["idempotency-key"] for one in answers) == Counter(good.keys())
    for message in answers:
        key = headers(message)["idempotency-key"]
        assert message.partition() == came_from[key].partition()
        assert message.key() == came_from[key].key()
        answer = json.loads(message.value() or b"")
        assert (answer.pop("key"), answer.pop("prediction_id")) == (key, f"{key}-0")
        assert answer.pop("model_version") == champion(project)
        assert answer.pop("given_at")
        assert answer == pytest.approx(known[int(key.removeprefix("key-"))][1])
    letters = {headers(one)["idempotency-key"]: one for one in cluster.messages(DEAD)}
    assert len(letters) == len(bad)
    for place, body in enumerate(bad):
        letter = letters[f"poison-{place}"]
        assert (letter.value() or b"") == body
        assert headers(letter)["reason"]
        origin = came_from[f"poison-{place}"]
        source = f"{INPUT}-{origin.partition()}-{origin.offset()}"
        assert headers(letter)["source"] == source


def test_a_key_is_answered_once_whoever_is_killed(
    cluster: Cluster, crowd: Workers, known: Known
) -> None:
    chance = random.Random(3)
    running = [crowd.start(batch_size=16), crowd.start(batch_size=16)]
    keys: list[str] = []
    for turn in range(KILLS):
        part = [(f"key-{turn}-{number}", record) for number, (record, _) in enumerate(known)]
        cluster.send(INPUT, [(key, json.dumps(record).encode()) for key, record in part])
        keys += [key for key, _ in part]
        time.sleep(chance.uniform(0, 1))
        running.pop(chance.randrange(2)).kill()
        running.append(crowd.start(batch_size=16))

    def given() -> Counter[str]:
        return Counter(headers(one)["idempotency-key"] for one in cluster.messages(OUTPUT))

    wait_for(lambda: len(given()) == len(keys), timeout=60)
    for worker in running:
        assert worker.terminate() == 0
    assert given() == Counter(keys)


def test_a_group_that_is_behind_says_how_far(
    cluster: Cluster, crowd: Workers, known: Known
) -> None:
    cluster.send(INPUT, [(None, json.dumps(record).encode()) for record, _ in known])
    worker = crowd.start()
    # The stand-in keeps no offsets of transactions: the group stays behind for it.
    assert worker.figure("stream_messages_behind") == len(known)
    age = worker.figure("stream_oldest_seconds")
    assert age > 0
    wait_for(lambda: worker.figure("stream_oldest_seconds") > age + 1, timeout=20)


def test_on_sigterm_it_ends_within_seconds(cluster: Cluster, crowd: Workers, known: Known) -> None:
    cluster.send(INPUT, [(None, json.dumps(record).encode()) for record, _ in known])
    worker = crowd.start()
    started = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - started < 5
    assert worker.lines()[-1]["message"] == "ended"


def test_a_broker_that_is_away_is_waited_for_and_said(
    cluster: Cluster, crowd: Workers, known: Known
) -> None:
    worker = crowd.start()
    name = 'stream_messages_total{outcome="answered"}'
    cluster.send(INPUT, [("mine", json.dumps(known[0][0]).encode())])
    wait_for(lambda: worker.figure(name) == 1, timeout=40)
    cluster.process.popen.kill()
    wait_for(lambda: not worker.ready(), timeout=30, still_there=worker.process.running)
    assert f"Kafka at {cluster.address}" in worker.asked("/ready")[1]
    assert worker.terminate() == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:{free}"}, "Kafka at 127.0.0.1"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "no-such-host.invalid:9092"}, "no-such-host.invalid"),
        (
            {
                "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
                "KAFKA_USERNAME": "me",
                "KAFKA_PASSWORD": "not to be shown",
            },
            "Kafka at",
        ),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CA_FILE": "no-such-file"}, "ssl.ca.location"),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "kafka_security_protocol"),
        ({"STREAM__DEAD_LETTERS": "nowhere"}, "there is no topic nowhere"),
    ],
)
def test_what_is_set_wrongly_is_one_line_without_the_password(
    project: Project, cluster: Cluster, settings: dict[str, str], said: str
) -> None:
    env = {"KAFKA_BOOTSTRAP_SERVERS": cluster.address} | settings
    env = {name: value.format(free=free_port()) for name, value in env.items()}
    done = command(project, "stream", env=env, check=False, timeout=60)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert said in done.stderr
    assert "not to be shown" not in done.stderr
