"""From messages to replies: one batch is one question to the model."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import asdict

from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.answer.predictor import Loaded, Predictor, predictions, shadow
from fourhats_runtime.answer.records import Record, RecordError
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.stream.messages import Message, Reply

logger = logging.getLogger(__name__)


class Valid(NamedTuple):
    """A message with its record."""

    message: Message
    record: Record


def reply(predictor: Predictor, loaded: Loaded, messages: Sequence[Message]) -> list[Reply]:
    """Give every message its reply; the answers are in the prediction log by then.

    Raises:
        NotWrittenError: the log cannot be written.

    """
    valid, replies, keys = [], [], set[str]()
    for message in messages:
        if message.answered or message.key in keys:
            replies.append(Reply(message))
            continue
        try:
            record = _record(message, loaded)
        except RecordError as error:
            replies.append(Reply(message, reason=_reason(error)))
        else:
            valid.append(Valid(message, record))
            keys.add(message.key)
    answered, entries = _answer(predictor, loaded, valid)
    if entries:
        predictor.log.append(b"\n".join(entries))
    return [*replies, *answered]


def _record(message: Message, loaded: Loaded) -> Record:
    if message.fault:
        raise RecordError(message.fault, ("message",))
    return loaded.records.decode_one(message.record)


def _reason(error: RecordError) -> str:
    fields = [str(part) for part in error.loc if part != "body"]
    return f"{'.'.join(fields) or 'record'}: {error}"


def _answer(
    predictor: Predictor, loaded: Loaded, valid: Sequence[Valid]
) -> tuple[list[Reply], list[bytes]]:
    """Answer valid messages, and give the entries of the log with the replies.

    Where the model fails, the messages are tried one by one, so that one of them stops no other.
    """
    replies: list[Reply] = []
    entries: list[bytes] = []
    for model, other, part in _shares(predictor, loaded, valid):
        try:
            answers, logged = _ask(predictor, loaded, model, other, part)
        except Exception as error:
            if len(part) > 1:
                single = [_answer(predictor, loaded, [one]) for one in part]
                answers = [answer for found, _ in single for answer in found]
                logged = [entry for _, found in single for entry in found]
            else:
                logger.exception("the model cannot answer message %s", part[0].message.id)
                reason = f"the model cannot answer it: {error}"
                answers, logged = [Reply(part[0].message, reason=reason)], []
        replies += answers
        entries += logged
    return replies, entries


def _shares(
    predictor: Predictor, loaded: Loaded, valid: Sequence[Valid]
) -> list[tuple[Model, Model | None, list[Valid]]]:
    """Part messages by the model that answers them: the champion, or a challenger on trial."""
    shares: dict[str, tuple[Model, Model | None, list[Valid]]] = {}
    for one in valid:
        model, other = predictor.chosen(loaded, one.message.key)
        shares.setdefault(model.version, (model, other, []))[2].append(one)
    return list(shares.values())


def _ask(
    predictor: Predictor,
    loaded: Loaded,
    model: Model,
    other: Model | None,
    part: Sequence[Valid],
) -> tuple[list[Reply], list[bytes]]:
    records = [one.record for one in part]
    columns = loaded.records.columns(records)
    given = predictions(model, columns)
    in_the_shadow = predictor.project.settings(Serve).shadow
    tried = shadow(other, columns) if other and in_the_shadow else None
    if loaded.pseudonyms is not None:
        records = loaded.records.pseudonymous(records, loaded.pseudonyms)
    now = datetime.now(UTC)
    replies, entries = [], []
    for place, (one, prediction) in enumerate(zip(part, given, strict=True)):
        key = one.message.key
        answer = {
            "key": key,
            "prediction_id": f"{key}-0",  # as the log has it: the first record of its request
            "given_at": now,
            "model_version": model.version,
            **asdict(prediction),
        }
        entry: dict[str, Any] = {
            "given_at": now,
            "request_id": key,
            "model_version": model.version,
            "predictions": [prediction],
            "records": [records[place]],
        }
        if one.message.trial:
            entry["trial"] = True
        if tried is not None:
            entry["shadow"] = tried | {"predictions": [tried["predictions"][place]]}
        replies.append(Reply(one.message, msgspec.json.encode(answer), model.version))
        entries.append(msgspec.json.encode(entry))
    return replies, entries
