"""From messages to replies; a batch of records is one question to the model."""

import logging
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec
from msgspec.structs import asdict

from fourhats_runtime.answer.predictor import Given, Loaded, Predictor, Question
from fourhats_runtime.answer.records import Record, RecordError
from fourhats_runtime.stream.messages import Message, Reply

logger = logging.getLogger(__name__)
R = TypeVar("R")


class Valid(NamedTuple, Generic[R]):
    """A message with its record."""

    message: Message
    record: R


def settled(
    messages: Sequence[Message],
    decoded: Callable[[bytes], R],
    answered: Callable[[list[Valid[R]]], list[Reply]],
) -> list[Reply]:
    """Give every message its reply: a key is answered once, and what is no record goes aside."""
    valid: list[Valid[R]] = []
    replies, keys = [], set[str]()
    for message in messages:
        if message.answered or message.key in keys:
            replies.append(Reply(message))
            continue
        if message.fault:
            replies.append(Reply(message, reason=f"message: {message.fault}"))
            continue
        try:
            record = decoded(message.record)
        except RecordError as error:
            replies.append(Reply(message, reason=_reason(error)))
        else:
            valid.append(Valid(message, record))
            keys.add(message.key)
    return [*replies, *answered(valid)]


def reply(predictor: Predictor, loaded: Loaded, messages: Sequence[Message]) -> list[Reply]:
    """Give every message its reply; the answers are in the prediction log by then.

    Raises:
        NotWrittenError: the log cannot be written.

    """

    def answered(valid: list[Valid[Record]]) -> list[Reply]:
        questions = [Question(one.message.key, [one.record], one.message.trial) for one in valid]
        given = predictor.predict_all(loaded, questions)
        return list(map(_reply, valid, given))

    return settled(messages, loaded.records.decode_one, answered)


def _reason(error: RecordError) -> str:
    fields = [str(part) for part in error.loc if part != "body"]
    return f"{'.'.join(fields) or 'record'}: {error}"


def _reply(one: Valid[Record], given: Given | Exception) -> Reply:
    if isinstance(given, Exception):
        logger.error("the model cannot answer message %s", one.message.id, exc_info=given)
        return Reply(one.message, reason=f"the model cannot answer it: {given}")
    answer = {
        "key": one.message.key,
        "prediction_id": f"{one.message.key}-0",  # as the log has it: the first of its request
        "given_at": given.given_at,
        "model_version": given.model_version,
        **asdict(given.predictions[0]),
    }
    return Reply(one.message, msgspec.json.encode(answer), given.model_version)
