"""The description of what the API is asked by POST, made from the champion's contract."""

from typing import Any

import msgspec
from fastapi import FastAPI

from ..settings import Settings
from .explain import MOST_EXPLAINED
from .outcomes import Outcomes
from .predictor import Loaded, Predictor

JSON = "application/json"
SCHEMAS: dict[str, Any] = {
    "Prediction": {
        "type": "object",
        "required": ["prediction", "probability", "decision", "expected_value"],
        "properties": {
            "prediction": {"type": ["string", "number"]},
            "probability": {"type": ["number", "null"]},
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
REFUSALS = {
    "401": "No API key or token, or a wrong one",
    "403": "A page of a site that is not allowed to has asked",
    "408": "The body did not arrive in time",
    "413": "The body is too long",
    "422": "A field is unknown or invalid; `loc` names it",
    "429": "Too many requests at once: try again after Retry-After",
    "503": "There is no champion yet, it took too long, or the log cannot be written",
}
KEYS: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def describe(app: FastAPI, predictor: Predictor) -> None:
    """Add what takes POST to the OpenAPI document, as the champion of the moment takes it."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        app.openapi_schema = None
        document = generate()
        if predictor.loaded is not None:
            _add(document, predictor.loaded, _ways_in(predictor.settings))
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _ways_in(settings: Settings) -> dict[str, Any]:
    """Describe how callers say who they are."""
    ways: dict[str, Any] = {}
    if settings.api_key_hashes:
        ways |= KEYS
    if issuer := settings.serve.oidc_issuer:
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        ways["token"] = {"type": "openIdConnect", "openIdConnectUrl": url}
    return ways


def _add(document: dict[str, Any], loaded: Loaded, ways_in: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    told = Outcomes(loaded.model.contract)
    types = [loaded.records.list_type, told.list_type]
    (records, outcomes), schemas = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    components.setdefault("schemas", {}).update(SCHEMAS | schemas)
    few = records | {"maxItems": MOST_EXPLAINED}
    operations = {
        "/predict": {
            "summary": "Predict and decide",
            "description": "A list of records in; for each a prediction, a decision, its value.",
            "operationId": "predict",
            **_content(records, loaded.model.example, "Predictions"),
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
            **_content(outcomes, told.example, "TakenIn"),
        },
    }
    for path, operation in operations.items():
        if ways_in:
            components["securitySchemes"] = ways_in
            operation["security"] = [{name: []} for name in ways_in]
        document["paths"][path] = {"post": operation}


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
