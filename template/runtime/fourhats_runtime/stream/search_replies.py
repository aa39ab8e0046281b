"""From messages to replies, for a search: each is one question, `{"question": "…", "k": 3}`."""

import logging
from collections.abc import Sequence
from dataclasses import asdict

import msgspec
from pydantic import ValidationError

from fourhats_runtime.answer.journal import NotWrittenError
from fourhats_runtime.answer.records import RecordError
from fourhats_runtime.search.asking import Narrowed, Text, see_that_they_are_filters
from fourhats_runtime.search.searcher import Searcher
from fourhats_runtime.search.version import Version
from fourhats_runtime.stream.messages import Message, Reply
from fourhats_runtime.stream.replies import settled

logger = logging.getLogger(__name__)


class Question(Narrowed):
    """A message's record."""

    question: Text


def reply(searcher: Searcher, loaded: Version, messages: Sequence[Message]) -> list[Reply]:
    """Give every message its reply; the answers are in the log of searches by then.

    Raises:
        NotWrittenError: the log cannot be written.

    """

    def decoded(record: bytes) -> Question:
        try:
            question = Question.model_validate_json(record)
        except ValidationError as error:
            first = error.errors()[0]
            raise RecordError(first["msg"], first["loc"]) from None
        see_that_they_are_filters(loaded.contract, question.filters)
        return question

    return settled(messages, decoded, lambda valid: [_reply(searcher, *each) for each in valid])


def _reply(searcher: Searcher, message: Message, asked: Question) -> Reply:
    try:
        version, (given,) = searcher.search(
            message.key, [asked.question], asked.k, asked.filters, trial=message.trial
        )
    except NotWrittenError:
        raise
    except Exception as error:
        logger.exception("the model cannot answer message %s", message.id)
        return Reply(message, reason=f"the model cannot answer it: {error}")
    answer = {
        "key": message.key,
        "search_id": f"{message.key}-0",  # as the log has it: the first of its request
        "model_version": version,
        "certainty": given.certainty,
        "answers": [asdict(each) for each in given.answers],
    }
    return Reply(message, msgspec.json.encode(answer), version)
