"""What several documents say of figures and of what is done without a model."""

from collections.abc import Sequence

from fourhats_runtime.documents.phrase import Phrase
from fourhats_runtime.lifecycle.figures import Figure
from fourhats_runtime.monitor.findings import QUESTIONS

POLICIES = (
    Phrase("act on nobody"),
    Phrase("act on everybody"),
    Phrase("leave every case to a person"),
    Phrase("act as if all were {of}"),
    Phrase("plan with nothing"),
    Phrase("always plan with {of}"),
    Phrase("answer nothing"),
    Phrase("decide by today's rule"),
)
"""As the decision rules name them, in whose words they are kept."""
FIGURES = (
    Phrase("AUC"),
    Phrase("average precision"),
    Phrase("log-loss"),
    Phrase("F1 of the decisions"),
    Phrase("F1 (mean over the classes)"),
    Phrase("lift among those acted on"),
    Phrase("mean absolute error"),
    Phrase("root mean squared error"),
    Phrase("R²"),
    Phrase("mean absolute error in percent"),
    Phrase("mean rank"),
)
"""Those of a search, such as MRR, are called so everywhere."""
NOTHING = "\N{EN DASH}"
STATES = {
    "met": Phrase("met"),
    "not met": Phrase("not met"),
    "not measured": Phrase("not measured"),
}


def question(incident: str) -> Phrase:
    """Put what an incident is about as what should be so."""
    kind, _, name = incident.partition(":")
    if incident in QUESTIONS:
        return Phrase(QUESTIONS[incident])
    if kind == "drift":
        return Phrase("{name} is distributed as in training", name=name)
    if kind == "step":
        return Phrase("The step {name} runs", name=name)
    return Phrase.quoted(incident)


def policy(name: str) -> Phrase:
    """Give what is done without a model; by another name than ours, as it is."""
    for known in POLICIES:
        before, brace, _ = known.text.partition("{of}")
        if name == before:
            return known
        if brace and name.startswith(before):
            return Phrase(known.text, of=name.removeprefix(before).strip("'"))
    return Phrase.quoted(name)


def measure(name: str) -> Phrase:
    """Name a figure of the field."""
    return next((each for each in FIGURES if each.text == name), Phrase.quoted(name))


def gained(gain: float, low: float, high: float, currency: str) -> Phrase:
    """Write a difference in money with its interval."""
    return Phrase(
        "{gain:gain} (95% interval: {low:gain} to {high:gain})",
        gain=(gain, currency),
        low=(low, currency),
        high=(high, currency),
    )


def with_interval(figure: Figure | Sequence[float]) -> Phrase:
    """Write a figure with its interval, where it has one; a search keeps the three in a row."""
    value, low, high = (
        (figure["figure"], figure["low"], figure["high"]) if isinstance(figure, dict) else figure
    )
    if value is None:
        return Phrase.quoted(NOTHING)
    if low is None:
        return Phrase("{figure:figure}", figure=value)
    return Phrase(
        "{figure:figure} ({low:figure} to {high:figure})", figure=value, low=low, high=high
    )
