"""What the HTML reports share: their templates, and plots drawn into the page itself."""

import base64
import io

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from matplotlib.figure import Figure

ENVIRONMENT = Environment(
    loader=PackageLoader(__package__ or "", "."),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def as_data(figure: Figure) -> str:
    """Draw a figure into the page itself."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return base64.b64encode(buffer.getvalue()).decode()


def stability_figure(figures: dict[str, float], limit: float) -> Figure:
    """Plot the stability index of each column, the most moved on top."""
    names = sorted(figures, key=lambda name: figures[name])
    figure = Figure(figsize=(6, 0.5 + 0.28 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, [figures[name] for name in names])
    axes.axvline(limit, linestyle="--", color="grey", label="alert")
    axes.set(xlabel="population stability index")
    axes.legend()
    return figure
