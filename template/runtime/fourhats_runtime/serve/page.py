"""The page: a form made from the contract, and the answer in plain words."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from fourhats_runtime.answer.predictor import Predictor
from fourhats_runtime.answer.records import RecordError
from fourhats_runtime.business import Business
from fourhats_runtime.lifecycle.registered import Model
from fourhats_runtime.wording import exactly

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


def render(  # noqa: PLR0913, PLR0917 (what a page shows)
    predictor: Predictor,
    given: dict[str, str],
    answer: dict[str, Any] | None = None,
    error: RecordError | None = None,
    problems: Sequence[str] = (),
    reasons: Sequence[str] = (),
) -> str:
    """Show the forms with what was given, and above them the answer or what was wrong.

    `reasons` say what the answer rests on.
    """
    model = predictor.loaded.model if predictor.loaded else None
    business = predictor.project.settings(Business)
    return ENVIRONMENT.get_template("page.html").render(
        style=STYLE,
        business=business,
        is_live=business.is_live(datetime.now(UTC).date()),
        model=model,
        columns=model.contract.features if model else (),
        given=given or (_example(model) if model else {}),
        sentences=model.rule.explain(answer, business) if model and answer else (),
        reasons=reasons,
        act=bool(answer and answer["decision"] != "leave"),
        error=error,
        problems=problems,
        field=error.loc[-1] if error else None,
    )


def _example(model: Model) -> dict[str, str]:
    """Give the model's example as the form's fields take it."""
    moments = {column.name for column in model.contract.features if column.is_time}
    return {
        name: _local(str(value)) if name in moments and value is not None else _text(value)
        for name, value in model.example.items()
    }


def _text(value: Any) -> str:  # noqa: ANN401 (of JSON)
    if value is None:
        return ""
    return exactly(value) if isinstance(value, float) else str(value)


def _local(moment: str) -> str:
    return datetime.fromisoformat(moment).replace(tzinfo=None).isoformat(timespec="seconds")
