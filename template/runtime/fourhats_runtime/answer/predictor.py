"""From records to the answer, by the champion of the moment, or by a challenger on trial."""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np

from fourhats_runtime.answer.champion import Champion
from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.answer.records import Record, Records
from fourhats_runtime.data.privacy import Pseudonyms, pseudonyms
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.project import Project
from fourhats_runtime.tasks import answers

AT_ONCE = 500
"""Rows that a model is asked about in one step."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A champion, what its contract makes of requests, and who else may answer them."""

    model: Model
    records: Records
    pseudonyms: Pseudonyms | None
    challenger: Model | None = None


class Prediction(msgspec.Struct, gc=False):
    """What a record is answered, in the order of `tasks.answers`."""

    prediction: str | float
    probability: float | None
    probability_of: str | None
    """The class whose probability it is."""
    decision: str
    expected_value: float


class Question(NamedTuple):
    """Valid records that are answered together, under one id.

    A `trial` is logged as one: nobody decides by it, and it counts nowhere.
    """

    request_id: str
    records: list[Record]
    trial: bool = False


class Given(NamedTuple):
    """An answer: who predicts, when, and one prediction a record, also as a JSON list."""

    model_version: str
    given_at: datetime
    predictions: list[Prediction]
    encoded: bytes


class Predictor(Champion[Loaded]):
    """Answers with the champion, and takes over a new one between two requests.

    A challenger answers the share of requests that `serve.challenger_share` gives it, and with
    `serve.shadow` the one that does not answer a request predicts all the same, for the log alone.
    """

    def __init__(self, project: Project, log: Journal, *, with_page: bool = False) -> None:
        """Load the champion, and the challenger where one is on trial: see `Champion`."""
        self._serve = project.settings(Serve)
        self._loaded_versions: tuple[str, str | None] | None = None
        super().__init__(project, log, with_page=with_page)

    def _take_over(self) -> None:
        """Take over champion and challenger where the pointers name others than before."""
        version = self.registry.version("champion")
        on_trial = self._serve.shadow or self._serve.challenger_share > 0
        challenger = self.registry.version("challenger") if on_trial else None
        if version is None or (version, challenger) == self._loaded_versions:
            return
        loaded = self.loaded
        if loaded is None or loaded.model.version != version:
            loaded = self._load(version)
        found = self._challenger(challenger, loaded.model) if challenger else None
        self.loaded = replace(loaded, challenger=found)  # both at once: a request meets a pair
        self._loaded_versions = version, challenger

    def _load(self, version: str) -> Loaded:
        model = Model.load(self.project, version)
        made = pseudonyms(model.contract, self.project)
        return Loaded(model, Records(model.contract), made)

    def _name(self, loaded: Loaded) -> str:
        return loaded.model.version

    def predict(self, loaded: Loaded, question: Question) -> Given:
        """Answer one question; the answer is in the prediction log before it is given.

        Raises:
            NotWrittenError: the log cannot be written.

        """
        (given,) = self.predict_all(loaded, [question])
        if isinstance(given, Exception):
            raise given
        return given

    def predict_all(self, loaded: Loaded, questions: Sequence[Question]) -> list[Given | Exception]:
        """Answer questions at once; the answers are in the prediction log before they are given.

        Where the model fails they are tried one by one, so that one of them stops no other: what it
        fails on gets the error for an answer.

        Raises:
            NotWrittenError: the log cannot be written.

        """
        given: dict[int, Given | Exception] = {}
        entries: list[bytes] = []
        for model, other, places in self._shares(loaded, questions):
            part = [questions[place] for place in places]
            found, logged = self._answer(loaded, model, other, part)
            given.update(zip(places, found, strict=True))
            entries += logged
        if entries:
            self.log.append(b"\n".join(entries))
        return [given[place] for place in range(len(questions))]

    def _shares(
        self, loaded: Loaded, questions: Sequence[Question]
    ) -> Iterable[tuple[Model, Model | None, list[int]]]:
        """Part questions, by their places, by the model that answers them."""
        shares: dict[str, tuple[Model, Model | None, list[int]]] = {}
        for place, question in enumerate(questions):
            model, other = self.chosen(loaded, question.request_id)
            shares.setdefault(model.version, (model, other, []))[2].append(place)
        return shares.values()

    def _answer(
        self, loaded: Loaded, model: Model, other: Model | None, part: Sequence[Question]
    ) -> tuple[list[Given | Exception], list[bytes]]:
        """Give the answers, and the entries of the log for those that the model did not fail on."""
        try:
            answered = self._ask(loaded, model, other, part)
        except Exception as error:  # noqa: BLE001 (who asked raises or tells it)
            if len(part) == 1:
                return [error], []
            single = [self._answer(loaded, model, other, [one]) for one in part]
            given = [answer for answers, _ in single for answer in answers]
            return given, [entry for _, entries in single for entry in entries]
        return [given for given, _ in answered], [entry for _, entry in answered]

    def _ask(
        self, loaded: Loaded, model: Model, other: Model | None, part: Sequence[Question]
    ) -> list[tuple[Given, bytes]]:
        """Give each question's answer, and its entry in the log."""
        records = [record for question in part for record in question.records]
        columns = loaded.records.columns(records)
        predicted = predictions(model, columns)
        tried = shadow(other, columns) if other is not None and self._serve.shadow else None
        if loaded.pseudonyms is not None:
            records = loaded.records.pseudonymous(records, loaded.pseudonyms)
        now = datetime.now(UTC)
        answered, end = [], 0
        for question in part:
            start, end = end, end + len(question.records)
            given = predicted[start:end]
            encoded = msgspec.json.encode(given)  # once, for answer and log
            entry = {
                "given_at": now,
                "request_id": question.request_id,
                "model_version": model.version,
                "predictions": msgspec.Raw(encoded),
                "records": records[start:end],
            }
            if tried is not None:
                entry["shadow"] = tried | {"predictions": tried["predictions"][start:end]}
            if question.trial:
                entry["trial"] = True
            logged = msgspec.json.encode(entry)
            answered.append((Given(model.version, now, given, encoded), logged))
        return answered

    def chosen(self, loaded: Loaded, request_id: str) -> tuple[Model, Model | None]:
        """Give the model that answers and the other one; the same id meets the same model."""
        if loaded.challenger is None:
            return loaded.model, None
        digest = hashlib.blake2b(request_id.encode(), digest_size=4).digest()
        if int.from_bytes(digest) < self._serve.challenger_share * 2**32:
            return loaded.challenger, loaded.model
        return loaded.model, loaded.challenger

    def _challenger(self, version: str, champion: Model) -> Model | None:
        """Load the challenger on trial; one that cannot be tried is named, and left alone."""
        if version == champion.version:
            return None
        try:
            challenger = Model.load(self.project, version)
        except Exception:
            logger.exception("the challenger %s cannot be loaded", version)
            return None
        if not _takes_the_same(champion, challenger):
            logger.error("the challenger %s takes other records: it is not on trial", version)
            return None
        return challenger


def _takes_the_same(one: Model, other: Model) -> bool:
    same_features = one.contract.features == other.contract.features
    return same_features and one.contract.target == other.contract.target


def predictions(model: Model, columns: Mapping[str, Sequence[object]]) -> list[Prediction]:
    """Predict from columns of values: one prediction a row.

    The model is asked about some rows after the others: what is made of many takes much room.
    """
    rows = len(next(iter(columns.values())))
    if rows <= AT_ONCE:
        outputs = model.predict(columns)
    else:
        parts = [
            model.predict(
                {name: values[start : start + AT_ONCE] for name, values in columns.items()}
            )
            for start in range(0, rows, AT_ONCE)
        ]
        outputs = np.concatenate(parts)
    given = answers(model.rule, outputs)
    return list(map(Prediction, *(values.tolist() for values in given.values())))


def shadow(model: Model, columns: Mapping[str, Sequence[object]]) -> dict[str, Any] | None:
    """Predict what nobody is answered; None where it fails, which is no reason not to answer."""
    try:
        return {"model_version": model.version, "predictions": predictions(model, columns)}
    except Exception:
        logger.exception("%s failed in the shadow", model.version)
        return None
