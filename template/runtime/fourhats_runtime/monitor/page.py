"""What the HTML reports share: their templates, and plots drawn into the page itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from matplotlib.figure import Figure

from fourhats_runtime.chance import INTERVAL
from fourhats_runtime.lifecycle.origin import in_git
from fourhats_runtime.lifecycle.segments import Segment
from fourhats_runtime.monitor.drift import Shift
from fourhats_runtime.monitor.findings import IN_WORDS, question
from fourhats_runtime.wording import number

ENVIRONMENT = Environment(
    loader=PackageLoader(__package__ or "", "."),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.globals["question"] = question
ENVIRONMENT.globals["in_words"] = IN_WORDS
ENVIRONMENT.globals["style"] = ENVIRONMENT.get_template("pages.css").render()


def amount(value: object) -> str:
    """Write a figure as people read it; a dash where there is none."""
    if value is None:
        return "-"
    return number(value) if isinstance(value, float) else str(value)


def interval(figure: Mapping[str, Any], name: str = "figure") -> str:
    """Write a figure with its interval, where it has one."""
    if figure["low"] is None:
        return amount(figure[name])
    return f"{amount(figure[name])} ({amount(figure['low'])} to {amount(figure['high'])})"


ENVIRONMENT.globals.update(INTERVAL=INTERVAL, amount=amount, interval=interval, in_git=in_git)


def stability_figure(shifts: Mapping[str, Shift]) -> Figure:
    """Plot the stability index of each column and where its alert begins, the most moved on top."""
    names = sorted(shifts, key=lambda name: shifts[name].index)
    figure = Figure(figsize=(6, 0.9 + 0.28 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, [shifts[name].index for name in names])
    limits = [shifts[name].limit for name in names]
    axes.plot(limits, names, linestyle="", marker="|", color="grey", label="alert")
    axes.set(xlabel="how far it has moved (population stability index)")
    axes.legend(loc="lower right")
    return figure


def segment_figure(segments: Sequence[Segment], currency: str) -> Figure:
    """Plot what a decision about each group earns, with its interval."""
    names = [f"{each['column']} = {each['category']}" for each in segments][::-1]
    figure = Figure(figsize=(6, 0.9 + 0.28 * len(names)), layout="constrained")
    axes = figure.subplots()
    for name, segment in zip(names, reversed(segments), strict=True):
        low, high = segment["low"], segment["high"]
        if low is not None and high is not None:
            axes.plot([low, high], [name, name], color="grey", linewidth=1.5)
        axes.plot(segment["value"], name, "o", color="#1f5f99")
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.set(xlabel=f"{currency} a decision (grey: {INTERVAL})")
    return figure
