"""A typed client, generated from the API's own description, talks to it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.services.object_stores import environment
from tests.services.rendered import champion, example_record, serve

if TYPE_CHECKING:
    from tests.services.rendered import Project

PINS = Path(__file__).parents[1] / "services" / "typed-client-constraints.txt"
KEY = "a key of the tests"
# What a colleague writes against the generated client, and has checked by mypy.
CALLER = """
import json
import sys

from customer_churn_client import AuthenticatedClient
from customer_churn_client.api.default import explain, outcomes, predict
from customer_churn_client.models import (
    Explanations, Outcome, OutcomeActual, Predictions, Record, Refusal, TakenIn,
)

url, key, given = sys.argv[1:]
record = Record.from_dict(json.loads(given))
client = AuthenticatedClient(base_url=url, token=key)

answer = predict.sync(client=client, body=[record, record])
assert isinstance(answer, Predictions)
for prediction in answer.predictions:
    worth: float = prediction.expected_value
    print(prediction.prediction, prediction.probability, prediction.decision, worth)

explained = explain.sync(client=client, body=[record])
assert isinstance(explained, Explanations)
(explanation,) = explained.explanations
total = sum(explanation.contributions.additional_properties.values())
assert abs(explanation.value - explanation.typical_value - total) < 1e-6

outcome = Outcome(prediction_id=f"{answer.request_id}-0", actual=OutcomeActual.YES)
taken = outcomes.sync(client=client, body=[outcome])
assert isinstance(taken, TakenIn)
assert (taken.outcomes, taken.predictions) == (1, 1)

record.tenure_months = -1
refused = predict.sync_detailed(client=client, body=[record])
assert refused.status_code == 422
assert isinstance(refused.parsed, Refusal)
detail = refused.parsed.detail
assert not isinstance(detail, str)
assert detail[0].loc == ["body", 0, "tenure_months"]

nobody = predict.sync_detailed(client=AuthenticatedClient(base_url=url, token="x"), body=[record])
assert nobody.status_code == 401
print(answer.model_version)
"""


@pytest.fixture(scope="module")
def tools() -> Path:
    """Where the generator is, with the client's own dependencies and mypy."""
    return environment("typed-client", "openapi-python-client", "mypy", pins=PINS) / "bin"


def test_a_typed_client_is_generated_checked_and_answered(
    default_project: Project, tools: Path, tmp_path: Path
) -> None:
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    with serve(default_project, {"API_KEY_HASHES": digest}) as url:
        (tmp_path / "openapi.json").write_text(httpx.get(f"{url}/openapi.json").text)
        generated = tmp_path / "client"
        _done(
            tmp_path,
            *(tools / "openapi-python-client", "generate", "--meta", "none"),
            *("--path", "openapi.json", "--output-path", generated / "customer_churn_client"),
        )
        (generated / "caller.py").write_text(CALLER)
        _done(generated, tools / "mypy", "--strict", "--follow-imports=silent", "caller.py")
        record = json.dumps(example_record(default_project))
        said = _done(generated, tools / "python", "caller.py", url, KEY, record)
    assert said.splitlines()[-1] == champion(default_project)
    assert len(said.splitlines()) == 3


def _done(folder: Path, *command: str | Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout
