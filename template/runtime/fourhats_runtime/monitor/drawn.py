"""Plots as pages take them."""

import base64
import io

from matplotlib.figure import Figure


def as_data(figure: Figure) -> str:
    """Draw a figure into the page itself."""
    return base64.b64encode(as_png(figure, dpi=110)).decode()


def as_png(figure: Figure, dpi: int) -> bytes:
    """Draw a figure. It is laid out once: drawing does so twice, for half of its time."""
    if layout := figure.get_layout_engine():
        figure.set_dpi(dpi)
        layout.execute(figure)
        figure.set_layout_engine(None)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()
