"""What the HTML reports share: their templates, and plots drawn into the page itself."""

import base64
import io
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from matplotlib.figure import Figure

from .drift import Shift
from .findings import question

ENVIRONMENT = Environment(
    loader=PackageLoader(__package__ or "", "."),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
ENVIRONMENT.globals["question"] = question
ENVIRONMENT.globals["style"] = ENVIRONMENT.get_template("pages.css").render()


def as_data(figure: Figure) -> str:
    """Draw a figure into the page itself."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return base64.b64encode(buffer.getvalue()).decode()


def stability_figure(shifts: Mapping[str, Shift]) -> Figure:
    """Plot the stability index of each column and where its alert begins, the most moved on top."""
    names = sorted(shifts, key=lambda name: shifts[name].index)
    figure = Figure(figsize=(6, 0.9 + 0.28 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, [shifts[name].index for name in names])
    limits = [shifts[name].limit for name in names]
    axes.plot(limits, names, linestyle="", marker="|", color="grey", label="alert")
    axes.set(xlabel="population stability index")
    axes.legend(loc="lower right")
    return figure
