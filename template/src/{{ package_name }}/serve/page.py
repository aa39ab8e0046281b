"""The page: a form made from the contract, and the answer in plain words."""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from .predictor import Predictor
from .records import RecordError

ENVIRONMENT = Environment(
    loader=PackageLoader(__package__ or "", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
STYLE = ENVIRONMENT.get_template("page.css").render()
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The page has no script, and no style but its own."""


def render(
    predictor: Predictor,
    given: dict[str, str],
    answer: dict[str, Any] | None = None,
    error: RecordError | None = None,
    problems: Sequence[str] = (),
) -> str:
    """Show the forms with what was given, and above them the answer or what was wrong."""
    loaded = predictor.loaded
    settings = predictor.settings
    return ENVIRONMENT.get_template("page.html").render(
        style=STYLE,
        business=settings.business,
        model=loaded.model if loaded else None,
        columns=loaded.model.contract.features if loaded else (),
        given=given or (_texts(loaded.model.example) if loaded else {}),
        sentences=loaded.model.rule.explain(answer, settings.business) if loaded and answer else (),
        act=bool(answer and answer["decision"] != "leave"),
        error=error,
        problems=problems,
        field=error.loc[-1] if error else None,
    )


def _texts(example: dict[str, Any]) -> dict[str, str]:
    return {
        name: "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in example.items()
    }
