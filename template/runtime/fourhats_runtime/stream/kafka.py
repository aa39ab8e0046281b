"""Kafka: a consumer group, and one transaction that settles a batch whole or not at all.

Answers go to the partition that their records came from. So whoever takes over a partition can read
back which keys have been answered there, also by a worker that was killed.
"""

import logging
import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, Literal

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka import Message as Received
from pydantic import Field, SecretStr

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.settings import Section
from fourhats_runtime.stream.messages import (
    AwayError,
    Lag,
    Message,
    Outcome,
    Reply,
    keyed,
    on_trial,
)
from fourhats_runtime.stream.table import Stream, stream_of

READ_SECONDS = 1.0
ANSWER_SECONDS = 5.0
"""How long the brokers may take for what is asked of them."""
KEY, TRIAL = "idempotency-key", "trial"
MOST_DEAD_BYTES = 900_000
"""Of a dead letter; with what is said about it, it stays below Kafka's usual million."""

logger = logging.getLogger(__name__)


class Table(Stream):
    """What the worker remembers of Kafka's topics, and how long it is waited for."""

    idle_seconds: float = Field(default=30.0, ge=6)
    """After which another worker takes over from one that is no longer heard."""
    remember_answers: int = Field(default=100_000, ge=1)
    """Whose keys are not answered again, in each partition."""
    transaction_seconds: float = Field(default=10.0, ge=1)
    """After which the brokers give up what a dead worker had begun."""


class Login(Section):
    """The variables KAFKA_…: where the brokers are, and as whom they are asked."""

    kafka_bootstrap_servers: str = ""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: str = ""
    kafka_password: SecretStr | None = None
    kafka_ca_file: str = ""


def table(project: Project) -> Table:
    """Read the table of the stream.

    Raises:
        ProjectError: a key is missing, unknown or malformed; the text names it.

    """
    return stream_of(project, Table)


def connect(project: Project) -> "KafkaStream":
    """Join the group of workers.

    Raises:
        ProjectError: Kafka refuses or cannot be reached, or a topic is not there.

    """
    servers = project.settings(Login).kafka_bootstrap_servers
    if not servers:
        raise ProjectError("KAFKA_BOOTSTRAP_SERVERS is not set: see .env.example")
    try:
        stream = KafkaStream(project)
        stream.join()
    except KafkaException as error:
        raise ProjectError(f"Kafka at {servers}: {_said(error)} (KAFKA_… in .env)") from None
    return stream


class KafkaStream:
    """One worker's place in the group."""

    def __init__(self, project: Project) -> None:
        """Make the clients; nothing is asked yet."""
        self._stream = table(project)
        login = project.settings(Login)
        self._common = _common(login)
        self._name = (
            f"{self._stream.group}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        )
        self._all_down = False
        self._consumer = self._reader(error_cb=self._note)
        self._watcher = self._reader(
            **{
                "isolation.level": "read_uncommitted",  # else it waits for open transactions
                "enable.partition.eof": True,
                "queued.min.messages": 1,  # it looks at one of each partition
            }
        )
        self._watching = Lock()
        self._producer: Producer | None = None
        self._unsettled = False
        self._ends: dict[int, int] = {}  # by partition: the offset after the batch in hand
        self._answered: dict[int, dict[str, None]] = {}
        self.place = f"Kafka at {login.kafka_bootstrap_servers}"

    def join(self) -> None:
        """See that the topics are there, and begin where the group has ended.

        Raises:
            ProjectError: a topic is not there, or the output has too few partitions.

        """
        stream = self._stream
        names = stream.input, stream.output, stream.dead_letters
        counts = {name: self._partitions(name) for name in names}
        for name, count in counts.items():
            if not count:
                raise ProjectError(f"{self.place}: there is no topic {name}: make it first")
        if counts[stream.output] < counts[stream.input]:
            raise ProjectError(
                f"{self.place}: {stream.output} has {counts[stream.output]} partitions, "
                f"{stream.input} {counts[stream.input]}: answers go to the partition that their "
                "records came from"
            )
        self._prepare()
        self._consumer.subscribe([stream.input], on_revoke=self._forget, on_lost=self._forget)

    def read(self) -> list[Message]:
        """Wait about a second for messages; first come those that were read and not settled."""
        with self._telling():
            self._prepare()
            if self._unsettled:
                self._rewind()
            if self._all_down:  # of which an empty poll says nothing
                self._consumer.list_topics(self._stream.input, ANSWER_SECONDS)
                self._all_down = False
            first = self._consumer.poll(READ_SECONDS)
            if first is None:
                return []
            self._unsettled = True
            found = [first, *self._consumer.consume(self._stream.batch_size - 1, 0)]
            for received in found:
                if fault := received.error():
                    raise KafkaException(fault)
            # What has gone to another worker between the two calls is that one's business.
            owned = {place.partition for place in self._consumer.assignment()}
            found = [received for received in found if received.partition() in owned]
            self._ends = {_partition(one): (one.offset() or 0) + 1 for one in found}
            self._recall(self._ends.keys() - self._answered.keys())
            return [self._message(received) for received in found]

    def settle(self, replies: Sequence[Reply]) -> list[Outcome]:
        """Send the replies and acknowledge their messages, all of it or nothing."""
        with self._telling():
            self._prepare()
            producer = self._producer
            assert producer is not None  # noqa: S101 (for the type checker)
            ends = [TopicPartition(self._stream.input, *end) for end in self._ends.items()]
            try:
                producer.begin_transaction()
                outcomes = [self._send(producer, reply) for reply in replies]
                group = self._consumer.consumer_group_metadata()
                producer.send_offsets_to_transaction(ends, group, ANSWER_SECONDS)
                producer.commit_transaction(2 * ANSWER_SECONDS)
            except KafkaException:
                # A new one under the same name has the brokers end what this one has begun.
                producer.purge()
                self._producer = None
                raise
        self._unsettled = False
        for reply, outcome in zip(replies, outcomes, strict=True):
            if outcome == "answered":
                self._remember(_partition(reply.message.origin), reply.message.key)
        return outcomes

    def lag(self) -> Lag:
        """Tell how far behind the group is."""
        topic = self._stream.input
        with self._telling(), self._watching:
            places = [TopicPartition(topic, number) for number in range(self._partitions(topic))]
            late = {}
            for place in self._watcher.committed(places, ANSWER_SECONDS):
                low, high = self._watcher.get_watermark_offsets(place, ANSWER_SECONDS)
                begin = max(low, place.offset)
                if begin < high:
                    late[place.partition] = begin, high
            oldest = self._first_times({number: begin for number, (begin, _) in late.items()})
        behind = sum(high - begin for number, (begin, high) in late.items() if number in oldest)
        seconds = time.time() - min(oldest.values()) / 1e3 if oldest else 0.0
        return Lag(behind, max(0.0, seconds))

    def close(self) -> None:
        """Leave the group; what is not settled is read by others."""
        with suppress(KafkaException):
            self._consumer.close()
        with suppress(KafkaException):
            self._watcher.close()

    def _reader(self, **options: Any) -> Consumer:  # noqa: ANN401 (librdkafka's options)
        settings = {
            "group.id": self._stream.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": round(self._stream.idle_seconds * 1e3),
            "isolation.level": "read_committed",
        }
        return Consumer(self._common | settings | options, logger=logger)

    def _partitions(self, name: str) -> int:
        found = self._watcher.list_topics(name, ANSWER_SECONDS).topics[name]
        unknown = KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC  # noqa: SLF001
        if found.error and found.error.code() not in unknown:
            raise KafkaException(found.error)
        return len(found.partitions)

    def _prepare(self) -> None:
        """Have a producer whose transactions the brokers know."""
        if self._producer is not None:
            return
        options = {
            "transactional.id": self._name,
            "transaction.timeout.ms": round(self._stream.transaction_seconds * 1e3),
        }
        producer = Producer(self._common | options, logger=logger)
        producer.init_transactions(2 * ANSWER_SECONDS)
        self._producer = producer

    def _rewind(self) -> None:
        """Go back to where the group has ended, and forget what may not have been settled."""
        self._answered.clear()
        for place in self._consumer.committed(self._consumer.assignment(), ANSWER_SECONDS):
            if place.error:
                raise KafkaException(place.error)
            begin = place.offset if place.offset >= 0 else OFFSET_BEGINNING
            self._consumer.seek(TopicPartition(place.topic, place.partition, begin))
        self._unsettled = False

    def _recall(self, partitions: Iterable[int]) -> None:
        """Read back which keys were answered in partitions that are new to this worker."""
        with self._reader(**{"enable.partition.eof": True}) as reader:
            places = [TopicPartition(self._stream.output, number) for number in partitions]
            for place in places:
                low, high = reader.get_watermark_offsets(place, ANSWER_SECONDS)
                place.offset = max(low, high - self._stream.remember_answers)
            reader.assign(places)
            left, heard_at = {place.partition for place in places}, time.monotonic()
            while left:
                for received in reader.consume(1_000, 0.1):
                    number, heard_at = _partition(received), time.monotonic()
                    if not (fault := received.error()):
                        self._remember(number, _key(received)[0])
                    elif fault.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
                        left.discard(number)
                        self._answered.setdefault(number, {})
                    else:
                        raise KafkaException(fault)
                if time.monotonic() > heard_at + 2 * ANSWER_SECONDS:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001

    def _remember(self, partition: int, key: str) -> None:
        keys = self._answered.setdefault(partition, {})
        keys[key] = None
        if len(keys) > self._stream.remember_answers:
            del keys[next(iter(keys))]

    def _note(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001
            self._all_down = True

    def _forget(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        for place in partitions:
            self._answered.pop(place.partition, None)

    def _message(self, received: Received) -> Message:
        key, fault = _key(received)
        trial, unclear = on_trial(_header(received, TRIAL))
        return Message(
            _place(received),
            key,
            received.value() or b"",
            answered=key in self._answered[_partition(received)],
            fault=fault or unclear,
            origin=received,
            trial=trial,
        )

    def _send(self, producer: Producer, reply: Reply) -> Outcome:
        message = reply.message
        origin: Any = message.origin
        headers: list[tuple[str, str | bytes | None]] = [(KEY, message.key)]
        if reply.answer:
            answer, partition = reply.answer, _partition(origin)
            producer.produce(self._stream.output, answer, origin.key(), partition, headers=headers)
            return "answered"
        if not reply.reason:
            return "duplicate"
        headers += [("reason", reply.reason), ("source", message.id)]
        if len(message.record) > MOST_DEAD_BYTES:
            headers.append(("whole", f"{len(message.record)} bytes, in the source"))
        letter = message.record[:MOST_DEAD_BYTES]
        producer.produce(self._stream.dead_letters, letter, origin.key(), headers=headers)
        return "dead"

    def _first_times(self, begins: dict[int, int]) -> dict[int, int]:
        """Give the time of the first message from an offset on, in ms, where there is one."""
        topic, times, left = self._stream.input, dict[int, int](), set(begins)
        self._watcher.assign([TopicPartition(topic, *begin) for begin in begins.items()])
        end = time.monotonic() + ANSWER_SECONDS
        while left and time.monotonic() < end:
            received = self._watcher.poll(0.1)
            if received is None or (number := _partition(received)) not in left:
                continue
            left.discard(number)
            if not received.error():  # else the partition's end: only marks of transactions follow
                times[number] = received.timestamp()[1]
        self._watcher.unassign()
        return times

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say of every failure where it happened."""
        try:
            yield
        except KafkaException as error:
            raise AwayError(f"{self.place}: {_said(error)}") from None


def _common(login: Login) -> dict[str, Any]:
    password = login.kafka_password
    options = {
        "bootstrap.servers": login.kafka_bootstrap_servers,
        "security.protocol": login.kafka_security_protocol,
        "log.connection.close": False,
    }
    if login.kafka_ca_file:
        options["ssl.ca.location"] = login.kafka_ca_file
    if login.kafka_security_protocol.startswith("SASL"):
        options["sasl.mechanism"] = login.kafka_sasl_mechanism
        options["sasl.username"] = login.kafka_username
        options["sasl.password"] = password.get_secret_value() if password else ""
    return options


def _key(received: Received) -> tuple[str, str]:
    """Give the key of a message and what is wrong with it."""
    return keyed(_header(received, KEY), _place(received))


def _header(received: Received, name: str) -> bytes | None:
    """Give a header of a message; the last of the name counts."""
    headers: Any = received.headers() or ()
    found = [value for given, value in headers if given == name]
    return found[-1] if found else None


def _place(received: Received) -> str:
    return f"{received.topic()}-{received.partition()}-{received.offset()}"


def _partition(received: Any) -> int:  # noqa: ANN401 (a message's origin)
    number: int = received.partition()
    return number


def _said(error: KafkaException) -> str:
    fault = error.args[0]
    return fault.str() if isinstance(fault, KafkaError) else str(error)
