"""Redis Streams: a consumer group, and one script that settles a batch whole or not at all."""

import math
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import redis
from pydantic import Field
from redis.backoff import NoBackoff
from redis.retry import Retry

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
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
"""How long Redis may take for one command, beyond waiting for messages."""
HOUSEKEEPING_SECONDS = 10.0
FORGOTTEN_AFTER = 3600.0
"""Seconds after which a worker that was killed is taken off the group's list."""

# A message is settled by whoever gets here first: later it is no longer pending. Types are looked
# at before anything is written, as Redis takes back nothing of a script that fails half-way.
SETTLE = """
local input, output, dead, group = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
for place = 2, 3 do
  local kind = redis.call('TYPE', KEYS[place]).ok
  if kind ~= 'none' and kind ~= 'stream' then
    return redis.error_reply('WRONGTYPE ' .. KEYS[place] .. ' is no stream but a ' .. kind)
  end
end
local outcomes, at = {}, 5
for place = 4, #KEYS do
  local mark, id, outcome, last = KEYS[place], ARGV[at], ARGV[at + 1], at + 2 + ARGV[at + 2]
  if #redis.call('XPENDING', input, group, id, id, 1) == 0 then
    outcome = 'taken over'
  else
    if outcome == 'answered' and redis.call('EXISTS', mark) == 1 then
      outcome = 'duplicate'
    elseif outcome == 'answered' then
      redis.call('XADD', output, 'MAXLEN', '~', ARGV[3], '*', unpack(ARGV, at + 3, last))
      redis.call('SET', mark, id, 'EX', ARGV[2])
    elseif outcome == 'dead' then
      redis.call('XADD', dead, 'MAXLEN', '~', ARGV[4], '*', unpack(ARGV, at + 3, last))
    end
    redis.call('XACK', input, group, id)
  end
  outcomes[#outcomes + 1], at = outcome, last + 1
end
return outcomes
"""
# In one script, as a worker that wakes up may begin to read at this very moment.
LEAVE = """
for place = 2, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[place]) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[place])
  end
end
"""

Fields = Mapping[bytes, bytes] | None
Entries = Sequence[tuple[bytes, Fields]]


class Table(Stream):
    """What the worker remembers of Redis' streams, and what they keep."""

    idle_seconds: float = Field(default=30.0, gt=0)
    """After which another worker takes over what one has read and not settled."""
    remember_seconds: int = Field(default=86_400, ge=1)
    """For so long, a key is not answered again."""
    output_length: int = Field(default=1_000_000, ge=1)
    dead_letters_length: int = Field(default=100_000, ge=1)
    trim_input: bool = True
    """Whether messages that every group has settled are removed from the input."""


def table(project: Project) -> Table:
    """Read the table of the stream.

    Raises:
        ProjectError: a key is missing, unknown or malformed; the text names it.

    """
    return stream_of(project, Table)


def connect(project: Project) -> "RedisStream":
    """Join the group of workers.

    Raises:
        ProjectError: Redis refuses or cannot be reached, or a name is taken by something else.

    """
    url = project.settings.secret("REDIS_URL")
    if url is None:
        raise ProjectError("REDIS_URL is not set: it is the stream's address (see .env.example)")
    try:
        client = redis.Redis.from_url(
            url.get_secret_value(),
            protocol=2,
            socket_timeout=READ_SECONDS + ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),  # the worker's loop tries again, and says so
        )
    except ValueError:  # its text may hold a part of the password
        raise ProjectError(
            "REDIS_URL is no address such as redis://user:password@host:6379/0, in which `/`, `#` "
            "and `@` in a password are written %2F, %23 and %40"
        ) from None
    stream = RedisStream(client, project)
    try:
        stream.join()
    except redis.RedisError as error:
        raise ProjectError(f"{stream.place}: {error} (REDIS_URL)") from None
    return stream


class RedisStream:
    """One worker's place in the group."""

    def __init__(self, client: redis.Redis, project: Project) -> None:
        """Take the names from the settings; nothing is asked yet."""
        self._redis = client
        self._stream = table(project)
        self._name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._settle = client.register_script(SETTLE)
        self._leave = client.register_script(LEAVE)
        self._unsettled = False
        self._cursor = b"0-0"
        self._claimed_at = self._kept_house_at = -math.inf
        to = client.connection_pool.connection_kwargs
        address = to.get("path") or f"{to.get('host', 'localhost')}:{to.get('port', 6379)}"
        self.place = f"Redis at {address}"
        """What an error calls the server: its address, without the password."""

    def join(self) -> None:
        """Make the group where there is none yet: it begins with the oldest message."""
        for name in (self._stream.input, self._stream.output, self._stream.dead_letters):
            kind = _text(self._redis.type(name))
            if kind not in ("none", "stream"):
                raise redis.ResponseError(f"{name} is no stream but a {kind}")
        try:
            self._redis.xgroup_create(self._stream.input, self._stream.group, "0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def read(self) -> list[Message]:
        """Wait about a second for messages; first come those that were read and not settled."""
        with self._telling():
            now = time.monotonic()
            if now > self._kept_house_at + HOUSEKEEPING_SECONDS:
                self._keep_house()
                self._kept_house_at = now
            entries: Entries = self._again() if self._unsettled else ()
            entries = entries or self._taken_over() or self._new()
            self._unsettled = bool(entries)
            return self._messages(entries)

    def settle(self, replies: Sequence[Reply]) -> list[Outcome]:
        """Send the replies and acknowledge their messages, all of it or nothing."""
        stream = self._stream
        keys = [stream.input, stream.output, stream.dead_letters]
        lengths = stream.output_length, stream.dead_letters_length
        arguments: list[Any] = [stream.group, stream.remember_seconds, *lengths]
        for reply in replies:
            keys.append(self._mark(reply.message.key))
            outcome, fields = _said(reply)
            arguments += [reply.message.id, outcome, len(fields), *fields]
        with self._telling():
            outcomes = [outcome.decode() for outcome in self._settle(keys, arguments)]
        self._unsettled = False
        return outcomes

    def lag(self) -> Lag:
        """Tell how far behind the group is."""
        name, group = self._stream.input, self._stream.group
        with self._telling():
            groups = self._redis.xinfo_groups(name)
            known = next(each for each in groups if _text(each["name"]) == group)
            waiting = [self._oldest_pending(group)] if known["pending"] else []
            unread: Any = self._redis.xrange(name, b"(" + known["last-delivered-id"], count=1)
            waiting += [id_ for id_, _ in unread]
            seconds, _ = self._redis.time()
            behind = known.get("lag")  # unknown after an unread message was deleted by hand
            if behind is None:
                behind = max(0, self._redis.xlen(name) - known["pending"]) if unread else 0
        oldest = min(_place(id_) for id_ in waiting)[0] / 1e3 if waiting else seconds
        return Lag(behind + known["pending"], max(0.0, seconds - oldest))

    def close(self) -> None:
        """Leave the group; what is still pending is taken over by others."""
        with suppress(redis.RedisError):
            self._leave([self._stream.input], [self._stream.group, self._name])
        self._redis.close()

    def _again(self) -> Entries:
        """Read what is pending under this worker's own name."""
        return self._read("0", None)

    def _taken_over(self) -> Entries:
        """Take what another worker, most likely a dead one, has left pending for too long."""
        stream, now = self._stream, time.monotonic()
        if now < self._claimed_at + stream.idle_seconds / 2:
            return ()
        idle = round(stream.idle_seconds * 1e3)
        claimed: Any = self._redis.xautoclaim(
            stream.input, stream.group, self._name, idle, self._cursor, stream.batch_size
        )
        self._cursor, entries = claimed[:2]
        if self._cursor == b"0-0":
            self._claimed_at = now
        taken: Entries = entries
        return taken

    def _new(self) -> Entries:
        return self._read(">", round(READ_SECONDS * 1e3))

    def _read(self, after: str, block: int | None) -> Entries:
        stream = self._stream
        found: Any = self._redis.xreadgroup(
            stream.group, self._name, {stream.input: after}, stream.batch_size, block
        )
        return [entry for _, entries in found or () for entry in entries]

    def _messages(self, entries: Entries) -> list[Message]:
        messages = [_message(id_.decode(), fields) for id_, fields in entries]
        marks = [self._mark(message.key) for message in messages]
        answered = self._redis.mget(marks) if marks else []
        return [
            message._replace(answered=mark is not None)
            for message, mark in zip(messages, answered, strict=True)
        ]

    def _mark(self, key: str) -> str:
        return f"{self._stream.output}:answered:{key}"

    def _keep_house(self) -> None:
        """Remove what every group has settled, and workers that are no more from this one."""
        stream = self._stream
        if stream.trim_input:
            groups = self._redis.xinfo_groups(stream.input)
            needed = [
                self._oldest_pending(group["name"])
                if group["pending"]
                else group["last-delivered-id"]
                for group in groups
            ]
            self._redis.xtrim(stream.input, minid=min(needed, key=_place), approximate=True)
        forgotten = [
            worker["name"]
            for worker in self._redis.xinfo_consumers(stream.input, stream.group)
            if worker["idle"] > FORGOTTEN_AFTER * 1e3
        ]
        if forgotten:
            self._leave([stream.input], [stream.group, *forgotten])

    def _oldest_pending(self, group: str | bytes) -> bytes:
        oldest: bytes | None = self._redis.xpending(self._stream.input, group)["min"]
        return oldest or b"0-0"

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say of every failure where it happened; a group that has gone is made again."""
        try:
            yield
        except redis.RedisError as error:
            if str(error).startswith(("NOGROUP", "no such key")):
                with suppress(redis.RedisError):
                    self.join()
            raise AwayError(f"{self.place}: {error}") from None


def _message(id_: str, fields: Fields) -> Message:
    if not fields:
        return Message(id_, id_, b"", fault="it was removed from the stream before it was answered")
    key, fault = keyed(fields.get(b"key"), id_)
    trial, unclear = on_trial(fields.get(b"trial"))
    record = fields.get(b"record")
    if record is None:
        names = ", ".join(name.decode(errors="backslashreplace") for name in fields)
        whole = b" ".join(name + b"=" + value for name, value in fields.items())
        return Message(id_, key, whole, fault=f"it has no field `record`, but {names}")
    return Message(id_, key, record, fault=fault or unclear, trial=trial)


def _said(reply: Reply) -> tuple[Outcome, list[str | bytes]]:
    """Give what a message becomes, and the fields of what is sent for it."""
    message = reply.message
    if reply.answer:
        return "answered", ["key", message.key, "answer", reply.answer]
    if not reply.reason:
        return "duplicate", []
    fields: list[str | bytes] = ["id", message.id, "key", message.key, "reason", reply.reason]
    return "dead", [*fields, "at", datetime.now(UTC).isoformat(), "record", message.record]


def _text(given: str | bytes) -> str:
    """Decode: by its types, the client might have done so."""
    return given if isinstance(given, str) else given.decode()


def _place(id_: bytes) -> tuple[int, int]:
    milliseconds, _, number = id_.partition(b"-")
    return int(milliseconds), int(number)
