"""A stand-in for Kafka: librdkafka's mock cluster, in a process of its own, over TCP.

It speaks the protocol of topics, partitions, groups and transactions, but keeps no offsets that a
transaction commits, hides no answers of one that is open, and takes none back: whoever joins a
group begins anew. No real broker can be had from PyPI, npm or Debian.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.services.ports import wait_for
from tests.services.processes import Started, started

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from confluent_kafka import Message

CLUSTER = """
import sys
from confluent_kafka import Producer

host = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none", "log_level": 2})
brokers = host.list_topics(timeout=10).brokers.values()
for topic in sys.argv[1:]:
    host.list_topics(topic, timeout=10)
print(*(f"{broker.host}:{broker.port}" for broker in brokers), flush=True)
while True:
    host.poll(1)
"""
QUIET_SECONDS = 2.0


@dataclass(frozen=True)
class Cluster:
    """The stand-in's process and where it listens."""

    process: Started
    address: str

    def send(self, topic: str, messages: Sequence[tuple[str | None, bytes]]) -> None:
        """Send messages, each with its idempotency key, to the partition that the key gives."""
        producer = Producer({"bootstrap.servers": self.address})
        for key, body in messages:
            headers: list[tuple[str, str | bytes | None]] = []
            if key is not None:
                headers = [("idempotency-key", key)]
            producer.produce(topic, body, key, headers=headers)
        assert producer.flush(20) == 0

    def messages(self, topic: str) -> list[Message]:
        """Read a topic from its beginning, until nothing more has come for a while."""
        with Consumer({"bootstrap.servers": self.address, "group.id": "tests"}) as consumer:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
            found: list[Message] = []
            heard_at = time.monotonic()
            while time.monotonic() < heard_at + QUIET_SECONDS:
                for message in consumer.consume(1000, 0.2):
                    assert message.error() is None, message.error()
                    found.append(message)
                    heard_at = time.monotonic()
        return found


@contextmanager
def kafka_cluster(log: Path, topics: Sequence[str]) -> Iterator[Cluster]:
    """Start a cluster of one broker that has these topics, of four partitions each."""
    with started([sys.executable, "-c", CLUSTER, *topics], log=log) as process:
        wait_for(lambda: ":" in process.output(), timeout=30, still_there=process.running)
        yield Cluster(process, process.output().split()[0])


def headers(message: Message) -> Mapping[str, str]:
    """Return a message's headers as texts."""
    given = message.headers() or []
    pairs = given.items() if isinstance(given, dict) else given
    return {name: value.decode() for name, value in pairs if isinstance(value, bytes)}
