"""Models: features, the split, candidates, tuning, export: what train.py and features.py use.

Public names are loaded when they are first used: a serving image has no training library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fourhats_runtime.model.dates import weekday
from fourhats_runtime.model.features import Columns, Feed, months_between

if TYPE_CHECKING:
    from fourhats_runtime.model.candidates import AnyTrial, Candidate, Fitted, Standing
    from fourhats_runtime.model.encoding import for_forests, for_linear, for_trees
    from fourhats_runtime.model.graph import export
    from fourhats_runtime.model.parts import Part, Split, split
    from fourhats_runtime.model.tuning import (
        Attempt,
        Progress,
        Search,
        fit,
        refit,
        selected,
        simplest_of_the_best,
        tune,
    )

__all__ = [
    "AnyTrial",
    "Attempt",
    "Candidate",
    "Columns",
    "Feed",
    "Fitted",
    "Part",
    "Progress",
    "Search",
    "Split",
    "Standing",
    "export",
    "fit",
    "for_forests",
    "for_linear",
    "for_trees",
    "months_between",
    "refit",
    "selected",
    "simplest_of_the_best",
    "split",
    "tune",
    "weekday",
]

_HOMES = {
    "AnyTrial": "candidates",
    "Attempt": "tuning",
    "Candidate": "candidates",
    "Fitted": "candidates",
    "Part": "parts",
    "Progress": "tuning",
    "Search": "tuning",
    "Split": "parts",
    "Standing": "candidates",
    "export": "graph",
    "fit": "tuning",
    "for_forests": "encoding",
    "for_linear": "encoding",
    "for_trees": "encoding",
    "refit": "tuning",
    "selected": "tuning",
    "simplest_of_the_best": "tuning",
    "split": "parts",
    "tune": "tuning",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (any of them)
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
