"""Serving: records in, predictions out, each of them in the prediction log.

A project's service.py makes the application, and adds routes of its own under it:

    from fourhats_runtime.serve import create_app, public

    app = create_app(project)


    @app.get("/owner")
    def owner() -> dict[str, str]:
        return {"owner": "Customer Care"}

Nothing is imported here before it is used: a worker that begins is to say so before it has all.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fourhats_runtime.serve.app import create_app, public

__all__ = ["create_app", "public"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.app"), name)
