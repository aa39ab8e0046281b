"""From records to the answer, by the champion of the moment, or by a challenger on trial."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from fourhats_runtime.answer.journal import Journal
from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.answer.records import Record, Records
from fourhats_runtime.data.privacy import Pseudonyms, pseudonyms
from fourhats_runtime.data.storage import Storage
from fourhats_runtime.errors import DamagedError, ProjectError
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.project import Project
from fourhats_runtime.tasks import answers

if TYPE_CHECKING:
    from fourhats_runtime.answer.follower import Follower
    from fourhats_runtime.answer.log_sender import LogSender

REFRESH_SECONDS = 1.0
AT_ONCE = 500
"""Rows that a model is asked about in one step."""
NO_MODEL = "there is no champion yet: train and promote a model first"

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


class Given(NamedTuple):
    """An answer: who predicts, one prediction a record, and all of it as JSON."""

    model_version: str
    predictions: list[Prediction]
    body: bytes


class Predictor:
    """Answers with the champion, and takes over a new one between two requests.

    A challenger answers the share of requests that `serve.challenger_share` gives it, and with
    `serve.shadow` the one that does not answer a request predicts all the same, for the log alone.
    """

    def __init__(self, project: Project, log: Journal, *, with_page: bool = False) -> None:
        """Load the champion, if there is one yet; where it is damaged, the one before it.

        Where machines share a bucket, champion and challenger are those of the bucket, and the log
        goes there. `with_page` takes the page of monitoring over as well, for an API to show.

        Raises:
            ProjectError: the champion cannot be loaded as things are set up; the text says why.

        """
        self.project = project
        self.log = log
        self.registry = Registry(project.artifacts / "registry")
        self.loaded: Loaded | None = None
        self.fault = ""
        """Why the champion itself does not answer; empty while it does."""
        self._serve = project.settings(Serve)
        self._loaded_versions: tuple[str, str | None] | None = None
        self._follower: Follower | None = None
        self._sender: LogSender | None = None
        if project.settings(Storage).url:
            # Their library comes with the extra of the bucket.
            from fourhats_runtime.answer.follower import follow  # noqa: PLC0415
            from fourhats_runtime.answer.log_sender import send_logs  # noqa: PLC0415

            self._follower = follow(project, with_page=with_page)
            self._sender = send_logs(project)
        self.refresh()

    def close(self) -> None:
        """Close the log, and have the rest of it sent; nothing is answered any more."""
        if self._follower is not None:
            self._follower.close()
        self.log.close()
        if self._sender is not None:
            self._sender.close()

    def refresh(self) -> None:
        """Take over champion and challenger where the pointers name others than before.

        Where the champion's files are damaged, who answers goes on, or else the one before it.
        """
        try:
            self._take_over()
        except DamagedError as error:
            if str(error) != self.fault:
                logger.error("%s", error)  # noqa: TRY400 (in one line, like a command's)
            self.fault = str(error)
            if self.loaded is None:
                self._fall_back()
        else:
            self.fault = ""

    def _take_over(self) -> None:
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

    def _fall_back(self) -> None:
        """Have the latest of the earlier champions answer that can be loaded."""
        for version in self.registry.to_fall_back_on():
            with suppress(ProjectError):
                self.loaded = self._load(version)
                logger.warning("%s answers in its place", version)
                return

    def predict(
        self, loaded: Loaded, records: list[Record], request_id: str, *, trial: bool = False
    ) -> Given:
        """Answer valid records; the answer is in the prediction log before it is given.

        A `trial` is logged as one: nobody decides by it, and it counts nowhere.

        Raises:
            NotWrittenError: the log cannot be written.

        """
        columns = loaded.records.columns(records)
        model, other = self.chosen(loaded, request_id)
        given = predictions(model, columns)
        answer = {
            "request_id": request_id,
            "model_version": model.version,
            "predictions": msgspec.Raw(msgspec.json.encode(given)),  # once, for answer and log
        }
        if loaded.pseudonyms is not None:
            records = loaded.records.pseudonymous(records, loaded.pseudonyms)
        entry = {"given_at": datetime.now(UTC), **answer, "records": records}
        if other is not None and self._serve.shadow:
            entry["shadow"] = shadow(other, columns)
        if trial:
            entry["trial"] = True
        self.log.append(msgspec.json.encode(entry))
        return Given(model.version, given, msgspec.json.encode(answer))

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
