"""What monitoring found: one finding a question, with the state in which it is.

A question is `fine` or an `alert` only where there was something to judge. Where there was nothing,
or too little (no row, no outcome yet, no champion to compare with), its state is `unknown`: it
opens no incident and closes none, and is shown as "not judged yet".
"""

from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "alert", "unknown"]

IN_WORDS: dict[str, str] = {"fine": "fine", "alert": "alert", "unknown": "not judged yet"}
"""A state, as people read it."""


def state_of(*, fine: bool) -> State:
    """Give the state of a question that could be judged."""
    return "fine" if fine else "alert"


@dataclass(frozen=True)
class Finding:
    """The answer to one question; `incident` names it in alerts, `figure` is what was judged."""

    incident: str
    state: State
    message: str
    figure: float | None = None


QUESTIONS = {
    "data:freshness": "New data comes in",
    "data:newest": "The newest row is recent enough",
    "data:contract": "Rows meet the contract",
    "data:volume": "As many rows as usual",
    "data:features": "The model's inputs meet the contract",
    "data:keys": "Every id is unique",
    "data:distribution": "The training rows are distributed as before",
    "service:volume": "As many predictions as usual",
    "service:pause": "Predictions keep coming",
    "drift": "The inputs are distributed as in training",
    "drift:prediction": "The predictions are distributed as on the holdout",
    "drift-joint": "The inputs are related as in training",
    "performance:value": "Decisions earn what was promised",
    "performance:estimated": "Decisions to come will earn what was promised",
    "search:answered": "As many questions are answered as was promised",
    "search:questions": "The same is asked for as before",
    "search:clicks": "What is clicked stands as far up as was promised",
    "search:value": "Answers that were judged are worth what was promised",
    "search:index": "The index holds the documents that are there",
    "promotion": "It is settled which model decides",
    "calibration": "Predictions are as accurate as promised",
}


def question(incident: str) -> str:
    """Put what an incident is about as what should be so."""
    kind, _, name = incident.partition(":")
    if incident in QUESTIONS:
        return QUESTIONS[incident]
    if kind == "drift":
        return f"{name} is distributed as in training"
    if kind == "step":
        return f"The step {name} runs"
    return incident
