"""Workers on a real Redis: none of the records is lost or answered twice, whatever is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.services.availability import unavailable
from tests.services.ports import free_port, wait_for
from tests.services.redis import RedisMissingError, RedisServer, redis_server
from tests.services.rendered import Project, champion, command, install, render
from tests.services.stream import known_answers, poison, predicted, workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.services.stream import Worker, Workers

INPUT = "customer-churn.records"
OUTPUT = "customer-churn.predictions"
DEAD = "customer-churn.dead-letters"
GROUP = "customer-churn"
KILLS = 12
A_ROUND = 170
"""Records that are sent before each kill."""

Answers = dict[str, dict[str, Any]]
Known = list[tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that answers a stream and nothing else, its line run once."""
    folder = tmp_path_factory.mktemp("stream") / "customer-churn"
    made = install(render(folder, serving=["stream"], orchestrator="none"))
    command(made, "run")
    return made


@pytest.fixture(scope="module")
def known(project: Project) -> Known:
    """Records with the champion's own answers."""
    return known_answers(project, 500)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """An empty server."""
    try:
        with redis_server() as running:
            yield running
    except RedisMissingError as error:
        unavailable(error)


@pytest.fixture
def crowd(project: Project, server: RedisServer) -> Iterator[Workers]:
    """Workers on that server, which take over soon."""
    with workers(project, {"REDIS_URL": server.url, "STREAM__IDLE_SECONDS": "1"}) as started:
        yield started


def send(server: RedisServer, records: Mapping[str, object]) -> None:
    with server.client.pipeline(transaction=False) as pipeline:
        for key, record in records.items():
            body = record if isinstance(record, bytes) else json.dumps(record)
            pipeline.xadd(INPUT, {"key": key, "record": body})
        pipeline.execute()


def answers(server: RedisServer) -> Answers:
    """Return the answers by their keys; none may have two."""
    entries: Any = server.client.xrange(OUTPUT)
    keys = Counter(fields[b"key"].decode() for _, fields in entries)
    assert not [key for key, count in keys.items() if count > 1]
    return {fields[b"key"].decode(): json.loads(fields[b"answer"]) for _, fields in entries}


def dead(server: RedisServer) -> list[dict[str, bytes]]:
    entries: Any = server.client.xrange(DEAD)
    return [{name.decode(): value for name, value in fields.items()} for _, fields in entries]


def behind(server: RedisServer) -> int:
    (group,) = server.client.xinfo_groups(INPUT)
    return int(group["pending"]) + int(group["lag"])


def pending(server: RedisServer) -> int:
    (group,) = server.client.xinfo_groups(INPUT)
    return int(group["pending"])


def test_nothing_is_lost_and_nothing_answered_twice_though_all_is_killed_in_turn(
    project: Project, server: RedisServer, crowd: Workers, known: Known
) -> None:
    chance = random.Random(7)
    bad = poison(known[0][0])
    sent: dict[str, object] = {}
    running = [crowd.start(batch_size=32), crowd.start(batch_size=32)]
    caught = 0
    for turn in range(KILLS):
        part: dict[str, object] = {
            f"key-{turn}-{number}": known[(turn * A_ROUND + number) % len(known)][0]
            for number in range(A_ROUND)
        }
        part[f"poison-{turn}"] = bad[turn % len(bad)]
        again = {key: sent[key] for key in chance.sample(sorted(sent), min(10, len(sent)))}
        send(server, part)
        send(server, {key: record for key, record in again.items() if key.startswith("key")})
        sent |= part
        time.sleep(chance.uniform(0, 0.03))
        victim = running.pop(chance.randrange(2))
        victim.kill()
        caught += pending(server) > 0
        if turn == KILLS // 2:
            server.kill()
            time.sleep(0.5)
            server.start()
        running.append(crowd.start(batch_size=32))
    wait_for(lambda: behind(server) == 0, timeout=60)
    assert caught, "no worker was killed with a batch in hand"
    good = {key for key in sent if key.startswith("key")}
    assert len(good) > 2000
    given = answers(server)
    assert set(given) == good
    letters = dead(server)
    assert Counter(letter["record"] for letter in letters) == Counter(
        record for key, record in sent.items() if key not in good
    )
    assert all(letter["reason"] for letter in letters)
    expected = {json.dumps(record): answer for record, answer in known}
    for key, answer in given.items():
        facts = {name: answer.pop(name) for name in ("key", "prediction_id", "model_version")}
        assert facts == {
            "key": key,
            "prediction_id": f"{key}-0",
            "model_version": champion(project),
        }
        assert answer.pop("given_at")
        assert answer == pytest.approx(expected[json.dumps(sent[key])])
    command(project, "monitor")
    seen = Counter(name for name in predicted(project) if name.startswith("key-"))
    assert seen == Counter(f"{key}-0" for key in good)


def asleep(server: RedisServer, worker: Worker, known: Known) -> list[str]:
    """Stop a worker that has a batch in hand; returns the keys that were sent."""
    sent: list[str] = []
    while True:
        part = {f"key-{len(sent) + number}": record for number, (record, _) in enumerate(known)}
        send(server, part)
        sent += part
        time.sleep(0.002)
        os.kill(worker.pid, signal.SIGSTOP)
        if pending(server):
            return sent
        os.kill(worker.pid, signal.SIGCONT)
        wait_for(lambda: behind(server) == 0, timeout=20)
        assert len(sent) < 100 * len(known), "it was never caught with a batch in hand"


def test_a_worker_that_slept_through_a_takeover_answers_nothing_twice(
    server: RedisServer, crowd: Workers, known: Known
) -> None:
    sleeper = crowd.start()
    sent = asleep(server, sleeper, known)
    crowd.start()
    wait_for(lambda: behind(server) == 0, timeout=20)
    os.kill(sleeper.pid, signal.SIGCONT)
    name = 'stream_messages_total{outcome="taken over"}'
    wait_for(lambda: sleeper.figure(name) > 0, timeout=20, still_there=sleeper.process.running)
    assert set(answers(server)) == set(sent)


def test_a_key_that_two_workers_have_in_hand_is_answered_once(
    server: RedisServer, crowd: Workers, known: Known
) -> None:
    sleeper = crowd.start(idle_seconds=600)
    sent = asleep(server, sleeper, known)
    crowd.start(idle_seconds=600)
    send(server, dict.fromkeys(sent, known[0][0]))  # again, while the first are not settled
    wait_for(lambda: set(answers(server)) == set(sent), timeout=20)
    os.kill(sleeper.pid, signal.SIGCONT)
    wait_for(lambda: behind(server) == 0, timeout=20)
    name = 'stream_messages_total{outcome="duplicate"}'
    wait_for(lambda: sleeper.figure(name) > 0, timeout=10)
    assert set(answers(server)) == set(sent)


def test_on_sigterm_the_batch_in_hand_is_settled_and_the_group_is_left(
    server: RedisServer, crowd: Workers, known: Known
) -> None:
    worker = crowd.start()
    for turn in range(10):
        send(server, {f"{turn}-{number}": record for number, (record, _) in enumerate(known)})
    started = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - started < 5
    assert pending(server) == 0
    assert server.client.xinfo_consumers(INPUT, GROUP) == []
    assert worker.lines()[-1]["message"] == "ended"


def test_a_key_is_answered_once_within_what_is_remembered(
    server: RedisServer, crowd: Workers, known: Known
) -> None:
    record = known[0][0]
    worker = crowd.start(remember_seconds=2)
    for _ in range(3):
        send(server, {"mine": record})
    server.client.xadd(INPUT, {"record": json.dumps(record)})
    wait_for(lambda: worker.figure('stream_messages_total{outcome="duplicate"}') == 2, timeout=20)
    assert len(answers(server)) == 2
    wait_for(lambda: not server.client.exists(f"{OUTPUT}:answered:mine"), timeout=20)
    send(server, {"mine": record})
    wait_for(lambda: server.client.xlen(OUTPUT) == 3, timeout=20)


def test_what_has_no_record_or_a_strange_key_is_a_dead_letter(
    server: RedisServer, crowd: Workers, known: Known
) -> None:
    record = json.dumps(known[0][0])
    server.client.xadd(INPUT, {"row": record})
    server.client.xadd(INPUT, {"record": record, "key": b"\xff"})
    server.client.xadd(INPUT, {"record": record, "key": "x" * 201})
    crowd.start()
    wait_for(lambda: len(dead(server)) == 3, timeout=20)
    reasons = [letter["reason"].decode() for letter in dead(server)]
    assert "no field `record`, but row" in reasons[0]
    assert "UTF-8" in reasons[1]
    assert "200 characters" in reasons[2]
    assert record.encode() in dead(server)[0]["record"]


def test_a_full_disk_is_waited_out_while_the_figures_say_how_far_behind(
    server: RedisServer, crowd: Workers, known: Known, project: Project
) -> None:
    send(server, {"first": known[0][0]})
    worker = crowd.start()
    wait_for(lambda: len(answers(server)) == 1, timeout=20)
    log = max((project.folder / "artifacts" / "predictions").glob("*.jsonl"))
    process = psutil.Process(worker.pid)
    # The kernel lets the log grow no further.
    process.rlimit(psutil.RLIMIT_FSIZE, (log.stat().st_size, psutil.RLIM_INFINITY))
    send(server, {f"later-{number}": record for number, (record, _) in enumerate(known)})
    wait_for(lambda: not worker.ready(), timeout=20)
    assert "cannot" in worker.asked("/ready")[1] or "large" in worker.asked("/ready")[1]
    assert worker.figure("stream_waiting") == 1
    assert worker.figure("stream_messages_behind") == len(known)
    age = worker.figure("stream_oldest_seconds")
    wait_for(lambda: worker.figure("stream_oldest_seconds") >= age + 2, timeout=20)
    assert len(answers(server)) == 1
    process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
    wait_for(lambda: len(answers(server)) == 1 + len(known), timeout=30)
    wait_for(worker.ready, timeout=20)
    assert worker.figure("stream_messages_behind") == 0
    assert worker.figure("stream_oldest_seconds") == 0


def test_a_broker_that_is_away_is_waited_for_and_said(
    server: RedisServer, crowd: Workers, known: Known
) -> None:
    worker = crowd.start()
    server.kill()
    wait_for(lambda: not worker.ready(), timeout=20)
    assert f"Redis at 127.0.0.1:{server.port}" in worker.asked("/ready")[1]
    assert server.password not in worker.process.output()
    server.start()
    send(server, {"mine": known[0][0]})
    wait_for(lambda: len(answers(server)) == 1, timeout=30, still_there=worker.process.running)
    # It is answered first, and said after that.
    wait_for(lambda: "going on" in [line["message"] for line in worker.lines()], timeout=10)


def test_a_stream_that_was_deleted_is_made_again(
    server: RedisServer, crowd: Workers, known: Known
) -> None:
    worker = crowd.start()
    server.client.flushall()
    send(server, {"mine": known[0][0]})
    wait_for(lambda: len(answers(server)) == 1, timeout=30, still_there=worker.process.running)


def test_what_every_group_has_settled_is_removed_and_nothing_else(
    server: RedisServer, crowd: Workers, known: Known
) -> None:
    server.client.xgroup_create(INPUT, "audit", "0", mkstream=True)
    many = {f"{number}": known[number % len(known)][0] for number in range(1000)}
    send(server, many)
    first = crowd.start()
    wait_for(lambda: len(answers(server)) == len(many), timeout=30)
    first.terminate()
    crowd.start().terminate()
    assert server.client.xlen(INPUT) == len(many)
    server.client.xreadgroup("audit", "me", {INPUT: ">"}, count=len(many), noack=True)
    crowd.start().terminate()
    assert server.client.xlen(INPUT) < 200


def test_workers_that_died_long_ago_are_taken_off_the_list(
    server: RedisServer, crowd: Workers
) -> None:
    server.client.xgroup_create(INPUT, GROUP, "0", mkstream=True)
    server.client.xgroup_createconsumer(INPUT, GROUP, "dead")
    server.client.xgroup_createconsumer(INPUT, GROUP, "dead-with-work")
    id_ = server.client.xadd(INPUT, {"record": "{"})
    server.client.xreadgroup(GROUP, "dead-with-work", {INPUT: ">"})
    two_hours = 2 * 3600 * 1000
    server.client.xclaim(INPUT, GROUP, "dead-with-work", 0, [id_], idle=two_hours)
    worker = crowd.start()
    wait_for(lambda: len(dead(server)) == 1, timeout=20)
    names = {each["name"] for each in server.client.xinfo_consumers(INPUT, GROUP)}
    assert len(names) == 3
    assert worker.terminate() == 0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://:wrong@127.0.0.1:{port}/0", "invalid username-password"),
        ("redis://127.0.0.1:{port}/0", "uthentication required"),
        ("redis://:{password}@127.0.0.1:{free}/0", "Connection refused"),
        ("redis://:{password}@no-such-host.invalid:6379/0", "no-such-host.invalid"),
        ("http://:{password}@127.0.0.1:{port}/0", "redis://user:password@host"),
        ("redis://:se/{password}@127.0.0.1:{port}/0", "%2F"),
        ("rediss://:{password}@127.0.0.1:{port}/0", "Redis at 127.0.0.1"),
    ],
)
def test_a_wrong_address_is_one_line_without_the_password(
    project: Project, server: RedisServer, url: str, said: str
) -> None:
    filled = url.format(port=server.port, password=server.password, free=free_port())
    done = command(project, "stream", env={"REDIS_URL": filled}, check=False, timeout=60)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr
    assert server.password not in done.stderr


def test_a_name_that_holds_something_else_is_one_line(
    project: Project, server: RedisServer
) -> None:
    server.client.set(OUTPUT, "mine")
    done = command(project, "stream", env={"REDIS_URL": server.url}, check=False, timeout=60)
    assert done.returncode == 2
    assert f"{OUTPUT} is no stream but a string" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_name_that_is_taken_later_loses_nothing_and_settles_no_half_of_a_batch(
    server: RedisServer, crowd: Workers, known: Known
) -> None:
    worker: Worker = crowd.start()
    server.client.set(DEAD, "mine")
    with server.client.pipeline(transaction=True) as both:
        both.xadd(INPUT, {"key": "mine", "record": json.dumps(known[0][0])})
        both.xadd(INPUT, {"key": "poison", "record": "{"})
        both.execute()
    wait_for(lambda: not worker.ready(), timeout=20)
    assert pending(server) == 2
    assert not answers(server)
    server.client.delete(DEAD)
    wait_for(lambda: len(answers(server)) == len(dead(server)) == 1, timeout=30)
