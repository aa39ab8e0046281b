"""From a request's body to the answer, by the champion of the moment."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..model import Model
from ..privacy import Pseudonyms, pseudonyms
from ..registry import Registry
from ..settings import Settings
from .journal import Journal
from .outcomes import Outcomes
from .records import Record, Records


@dataclass(frozen=True)
class Loaded:
    """A champion, what its contract makes of requests, and what hides whose row it is."""

    model: Model
    records: Records
    outcomes: Outcomes
    pseudonyms: Pseudonyms | None


class Predictor:
    """Answers with the champion, and takes over a new one between two requests."""

    def __init__(self, settings: Settings, log: Journal) -> None:
        """Load the champion, if there is one yet."""
        self.settings = settings
        self.log = log
        self.registry = Registry(settings.artifacts / "registry")
        self.loaded: Loaded | None = None
        self.refresh()

    def refresh(self) -> None:
        """Take over the champion where the pointer names another one than before."""
        version = self.registry.version("champion")
        if version is not None and (self.loaded is None or self.loaded.model.version != version):
            model = Model.load(self.settings, version)
            made = pseudonyms(model.contract, self.settings)
            self.loaded = Loaded(model, Records(model.contract), Outcomes(model.contract), made)

    def predict(self, loaded: Loaded, records: list[Record], request_id: str) -> dict[str, Any]:
        """Answer valid records; the answer is in the prediction log before it is given.

        Raises:
            NotWrittenError: the log cannot be written.

        """
        outputs = loaded.model.predict(loaded.records.columns(records))
        answer = {
            "request_id": request_id,
            "model_version": loaded.model.version,
            "predictions": loaded.model.rule.describe(outputs),
        }
        if loaded.pseudonyms is not None:
            records = loaded.records.pseudonymous(records, loaded.pseudonyms)
        entry = {"given_at": datetime.now(UTC), **answer, "records": records}
        self.log.append(msgspec.json.encode(entry))
        return answer
