"""The description of POST /predict, made from the champion's contract."""

from typing import Any

import msgspec
from fastapi import FastAPI

from .predictor import Loaded, Predictor

ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "request_id": {"type": "string"},
        "model_version": {"type": "string"},
        "predictions": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "prediction": {"type": ["string", "number"]},
                    "probability": {"type": ["number", "null"]},
                    "decision": {"type": "string"},
                    "expected_value": {"type": "number"},
                },
            },
        },
    },
}


def describe(app: FastAPI, predictor: Predictor) -> None:
    """Add POST /predict to the OpenAPI document, as the champion of the moment takes it."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        app.openapi_schema = None
        document = generate()
        if predictor.loaded is not None:
            operation, components = _operation(predictor.loaded)
            document["paths"]["/predict"] = {"post": operation}
            document.setdefault("components", {}).setdefault("schemas", {}).update(components)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _operation(loaded: Loaded) -> tuple[dict[str, Any], dict[str, Any]]:
    (schema,), components = msgspec.json.schema_components(
        [loaded.records.list_type], ref_template="#/components/schemas/{name}"
    )
    request = {"application/json": {"schema": schema, "example": [loaded.model.example]}}
    operation = {
        "summary": "Predict and decide",
        "description": "A list of records in; a prediction, a decision and its value out for each.",
        "operationId": "predict",
        "requestBody": {"required": True, "content": request},
        "responses": {
            "200": {"description": "Answers", "content": {"application/json": {"schema": ANSWER}}},
            "422": {"description": "A field is unknown or invalid; `loc` names it"},
            "503": {"description": "There is no champion yet"},
        },
    }
    return operation, components
