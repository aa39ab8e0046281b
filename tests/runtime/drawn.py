"""What is drawn lies within its axes, and is more than a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SLACK = 1e-6


def sound(figure: Figure) -> None:
    """See that each line lies within its axes, whose own lines are no single point.

    A point alone, such as the one as decided, stands on a line.
    """
    figure.draw_without_rendering()
    for axes in figure.axes:
        low_x, high_x = sorted(axes.get_xlim())
        low_y, high_y = sorted(axes.get_ylim())
        lengths = []
        for line in axes.get_lines():
            x, y = (np.asarray(values, float) for values in line.get_data(orig=False))
            spans_x = line.get_transform() == axes.get_yaxis_transform(which="grid")
            spans_y = line.get_transform() == axes.get_xaxis_transform(which="grid")
            if not spans_x:
                assert low_x - SLACK <= np.nanmin(x), axes.get_xlabel()
                assert np.nanmax(x) <= high_x + SLACK, axes.get_xlabel()
            if not spans_y:
                assert low_y - SLACK <= np.nanmin(y), axes.get_ylabel()
                assert np.nanmax(y) <= high_y + SLACK, axes.get_ylabel()
            if not (spans_x or spans_y):
                lengths.append(len(x))
        assert not lengths or max(lengths) > 1, axes.get_ylabel()
