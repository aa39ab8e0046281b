"""The description of what the API is asked by POST, made from the champion's contract."""

from collections.abc import Iterable
from typing import Any

import msgspec
from fastapi.routing import RouteContext

from fourhats_runtime.answer import records
from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.answer.predictor import Loaded
from fourhats_runtime.project import Project
from fourhats_runtime.serve.explain import MOST_EXPLAINED
from fourhats_runtime.serve.keys import KeyHashes
from fourhats_runtime.serve.outcomes import Outcomes

JSON = "application/json"
REFERENCE = "#/components/schemas/"
SCHEMAS: dict[str, Any] = {
    "Prediction": {
        "type": "object",
        "required": [
            "prediction",
            "probability",
            "probability_of",
            "decision",
            "expected_value",
        ],
        "properties": {
            "prediction": {"type": ["string", "number"]},
            "probability": {"type": ["number", "null"]},
            "probability_of": {
                "type": ["string", "null"],
                "description": "The class whose probability it is",
            },
            "decision": {"type": "string"},
            "expected_value": {"type": "number"},
        },
    },
    "Predictions": {
        "type": "object",
        "required": ["request_id", "model_version", "predictions"],
        "properties": {
            "request_id": {"type": "string"},
            "model_version": {"type": "string"},
            "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}},
        },
    },
    "Explanation": {
        "type": "object",
        "required": ["of", "value", "typical_value", "contributions"],
        "properties": {
            "of": {"type": "string", "description": "What is explained"},
            "value": {"type": "number"},
            "typical_value": {"type": "number", "description": "Of a typical record"},
            "contributions": {
                "type": "object",
                "additionalProperties": {"type": "number"},
                "description": "By feature; they add up to value - typical_value",
            },
        },
    },
    "Explanations": {
        "type": "object",
        "required": ["request_id", "model_version", "explanations"],
        "properties": {
            "request_id": {"type": "string"},
            "model_version": {"type": "string"},
            "explanations": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/Explanation"},
            },
        },
    },
    "TakenIn": {
        "type": "object",
        "required": ["request_id", "outcomes", "predictions"],
        "properties": {
            "request_id": {"type": "string"},
            "outcomes": {"type": "integer", "description": "How many were taken in"},
            "predictions": {"type": "integer", "description": "Of how many predictions they are"},
        },
    },
    "Fault": {
        "type": "object",
        "required": ["msg"],
        "properties": {
            "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
            "msg": {"type": "string"},
        },
    },
    "Refusal": {
        "type": "object",
        "required": ["detail"],
        "properties": {
            "detail": {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
                ]
            }
        },
    },
}
OF_EVERY_ROUTE = ("401", "403", "408", "413", "429")
"""What routes of one's own are refused with before they are asked; the first where keys are set."""
REFUSALS = {
    "401": "No API key or token, or a wrong one",
    "403": "A page of a site that is not allowed to has asked",
    "408": "The body did not arrive in time",
    "413": "The body is too long",
    "422": "A field is unknown or invalid (`loc` names it), or X-Trial is neither true nor false",
    "429": "Too many requests at once: try again after Retry-After",
    "503": "There is no champion yet, it took too long, or the log cannot be written",
}
TRIAL: dict[str, Any] = {
    "name": "X-Trial",
    "in": "header",
    "description": (
        "`true`: nobody decides by the answer. A trial is answered and logged like any request, "
        "but counts neither as a decision nor in what decisions earned, nor for drift."
    ),
    "schema": {"type": "string", "enum": ["true", "false"], "default": "false"},
}
KEYS: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def described(
    document: dict[str, Any],
    loaded: Loaded | None,
    project: Project,
    guarded: Iterable[RouteContext],
) -> dict[str, Any]:
    """Add to FastAPI's document what it knows nothing of.

    Args:
        document: with the routes that are FastAPI's.
        loaded: who answers what takes POST; it is left out where there is none.
        project: says how callers tell who they are.
        guarded: the routes that take a key.

    """
    ways_in = _ways_in(project)
    if ways_in:
        components = document.setdefault("components", {})
        components.setdefault("securitySchemes", {}).update(ways_in)
    security: list[dict[str, list[str]]] = [{name: []} for name in ways_in]
    for route in guarded:
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is None:
                continue
            if security:
                operation.setdefault("security", security)
            for status in OF_EVERY_ROUTE if security else OF_EVERY_ROUTE[1:]:
                operation["responses"].setdefault(status, {"description": REFUSALS[status]})
    if loaded is not None:
        schemas, operations = _operations(loaded)
        known = document.setdefault("components", {}).setdefault("schemas", {})
        prefix = "Service" if schemas.keys() & known.keys() else ""  # a model of one's own has it
        known.update({prefix + name: _with_prefix(one, prefix) for name, one in schemas.items()})
        for path, operation in operations.items():
            if security:
                operation["security"] = security
            document["paths"][path] = {"post": _with_prefix(operation, prefix)}
    return document


def _ways_in(project: Project) -> dict[str, Any]:
    """Describe how callers say who they are."""
    ways: dict[str, Any] = {}
    if project.settings(KeyHashes).api_key_hashes:
        ways |= KEYS
    if issuer := project.settings(Serve).oidc_issuer:
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        ways["token"] = {"type": "openIdConnect", "openIdConnectUrl": url}
    return ways


def _operations(loaded: Loaded) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Give the schemas of what takes POST, by name, and its operations, by path."""
    taken = Outcomes(loaded.model.contract)
    types = [loaded.records.list_type, taken.list_type]
    (listed, outcomes), schemas = msgspec.json.schema_components(
        types, schema_hook=records.described, ref_template=REFERENCE + "{name}"
    )
    few = listed | {"maxItems": MOST_EXPLAINED}
    operations = {
        "/predict": {
            "summary": "Predict and decide",
            "description": "A list of records in; for each a prediction, a decision, its value.",
            "operationId": "predict",
            "parameters": [TRIAL],
            **_content(listed, loaded.model.example, "Predictions"),
        },
        "/explain": {
            "summary": "Tell what each feature adds to a prediction",
            "description": (
                f"At most {MOST_EXPLAINED} records in; for each its Shapley values against a "
                "typical record. With the id of a prediction's request it explains the same model."
            ),
            "operationId": "explain",
            **_content(few, loaded.model.example, "Explanations"),
        },
        "/outcomes": {
            "summary": "Tell what came of predictions",
            "description": (
                "A list of outcomes in, of which all are taken in or none. Of several for one "
                "prediction the last one counts: to send a list again does no harm."
            ),
            "operationId": "outcomes",
            **_content(outcomes, taken.example, "TakenIn"),
        },
    }
    return SCHEMAS | schemas, operations


def _with_prefix(described: Any, prefix: str) -> Any:  # noqa: ANN401 (of JSON)
    """Give a description whose references have a prefix."""
    if isinstance(described, list):
        return [_with_prefix(one, prefix) for one in described]
    if not isinstance(described, dict):
        return described
    return {
        name: value.replace(REFERENCE, REFERENCE + prefix)
        if name == "$ref"
        else _with_prefix(value, prefix)
        for name, value in described.items()
    }


def _content(schema: dict[str, Any], example: object, answer: str) -> dict[str, Any]:
    request = {JSON: {"schema": schema, "example": [example]}}
    answers = {"200": _answer("Answers", answer)}
    refusals = {status: _answer(reason, "Refusal") for status, reason in REFUSALS.items()}
    return {
        "requestBody": {"required": True, "content": request},
        "responses": answers | refusals,
    }


def _answer(description: str, schema: str) -> dict[str, Any]:
    content = {JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}
