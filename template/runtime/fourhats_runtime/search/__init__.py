"""Search: documents found by pre-trained models and by words, compared on questions, and served.

What is compared stands in config/search.toml; a project's own experiment calls the same parts.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fourhats_runtime.search.training import train

__all__ = ["train"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.training"), name)
