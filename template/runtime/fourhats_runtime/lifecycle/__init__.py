"""The life of a model: registered, evaluated, promoted, rolled back.

Public names are loaded when they are first used: a serving image has no training library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fourhats_runtime.lifecycle.registered import Model
    from fourhats_runtime.lifecycle.registration import check_classes, register

__all__ = ["Model", "check_classes", "register"]

_HOMES = {"Model": "registered", "check_classes": "registration", "register": "registration"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (any of them)
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
