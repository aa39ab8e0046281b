"""From records to the answer, by the champion of the moment, or by a challenger on trial."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..model import Model
from ..privacy import Pseudonyms, pseudonyms
from ..registry import Registry
from ..settings import Settings
from .journal import Journal
from .records import Record, Records

REFRESH_SECONDS = 1.0
NO_MODEL = "there is no champion yet: train and promote a model first"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A champion, what its contract makes of requests, and who else may answer them."""

    model: Model
    records: Records
    pseudonyms: Pseudonyms | None
    challenger: Model | None = None


class Predictor:
    """Answers with the champion, and takes over a new one between two requests.

    A challenger answers the share of requests that `serve.challenger_share` gives it, and with
    `serve.shadow` the one that does not answer a request predicts all the same, for the log alone.
    """

    def __init__(self, settings: Settings, log: Journal) -> None:
        """Load the champion, if there is one yet."""
        self.settings = settings
        self.log = log
        self.registry = Registry(settings.artifacts / "registry")
        self.loaded: Loaded | None = None
        self._loaded_versions: tuple[str, str | None] | None = None
        self.refresh()

    def refresh(self) -> None:
        """Take over champion and challenger where the pointers name others than before."""
        version = self.registry.version("champion")
        serve = self.settings.serve
        on_trial = serve.shadow or serve.challenger_share > 0
        challenger = self.registry.version("challenger") if on_trial else None
        if version is None or (version, challenger) == self._loaded_versions:
            return
        loaded = self.loaded
        if loaded is None or loaded.model.version != version:
            model = Model.load(self.settings, version)
            made = pseudonyms(model.contract, self.settings)
            loaded = Loaded(model, Records(model.contract), made)
        found = self._challenger(challenger, loaded.model) if challenger else None
        self.loaded = replace(loaded, challenger=found)  # both at once: a request meets a pair
        self._loaded_versions = version, challenger

    def predict(self, loaded: Loaded, records: list[Record], request_id: str) -> dict[str, Any]:
        """Answer valid records; the answer is in the prediction log before it is given.

        Raises:
            NotWrittenError: the log cannot be written.

        """
        columns = loaded.records.columns(records)
        model, other = self.chosen(loaded, request_id)
        answer = {"request_id": request_id, **predictions(model, columns)}
        if loaded.pseudonyms is not None:
            records = loaded.records.pseudonymous(records, loaded.pseudonyms)
        entry = {"given_at": datetime.now(UTC), **answer, "records": records}
        if other is not None and self.settings.serve.shadow:
            entry["shadow"] = shadow(other, columns)
        self.log.append(msgspec.json.encode(entry))
        return answer

    def chosen(self, loaded: Loaded, request_id: str) -> tuple[Model, Model | None]:
        """Give the model that answers and the other one; the same id meets the same model."""
        if loaded.challenger is None:
            return loaded.model, None
        digest = hashlib.blake2b(request_id.encode(), digest_size=4).digest()
        if int.from_bytes(digest) < self.settings.serve.challenger_share * 2**32:
            return loaded.challenger, loaded.model
        return loaded.model, loaded.challenger

    def _challenger(self, version: str, champion: Model) -> Model | None:
        """Load the challenger on trial; one that cannot be tried is named, and left alone."""
        if version == champion.version:
            return None
        try:
            challenger = Model.load(self.settings, version)
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


def predictions(model: Model, columns: Mapping[str, Sequence[object]]) -> dict[str, Any]:
    """Predict from columns of values: who predicts, and one prediction a row."""
    outputs = model.predict(columns)
    return {"model_version": model.version, "predictions": model.rule.describe(outputs)}


def shadow(model: Model, columns: Mapping[str, Sequence[object]]) -> dict[str, Any] | None:
    """Predict what nobody is answered; None where it fails, which is no reason not to answer."""
    try:
        return predictions(model, columns)
    except Exception:
        logger.exception("%s failed in the shadow", model.version)
        return None
