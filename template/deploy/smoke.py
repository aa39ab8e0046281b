"""Ask a deployed API for a real prediction.

    python3 deploy/smoke.py URL [VERSION]

Where a version is named, it waits until that one answers: the one before goes on while it starts.
Then the API's own example goes there, and a prediction comes back. The caller's key is API_KEY.
Python's standard library is all that it takes.
"""

import json
import os
import sys
import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PATIENCE = 600
"""Seconds in which a container starts, loads its model and takes over; or SMOKE_PATIENCE."""
PAUSE = 5
"""Seconds between two looks."""


class NoPredictionError(Exception):
    """The API does not do what it is there for."""


def main() -> None:
    """Print a prediction, or in one line why there is none, and end with 1."""
    match sys.argv[1:]:
        case [url]:
            version = ""
        case [url, version]:
            pass
        case _:
            sys.exit("usage: python3 deploy/smoke.py URL [VERSION]")
    try:
        print(prediction(url.rstrip("/"), version))
    except NoPredictionError as error:
        sys.exit(f"smoke test: {error}")
    except (KeyError, TypeError) as error:
        sys.exit(f"smoke test: {url} is not this project's API: {error!r}")


def prediction(url: str, version: str) -> str:
    """Return what is predicted for the API's own example. Raises NoPredictionError."""
    wait_for(url, version)
    records = example(url)
    answer = ask(f"{url}/predict", records)
    if len(answer["predictions"]) != len(records):
        raise NoPredictionError(f"{url}/predict: no prediction for its own example")
    return f"{url}: model {answer['model_version']} predicts {json.dumps(answer['predictions'][0])}"


def wait_for(url: str, version: str) -> None:
    """Wait until this version has its model. Raises NoPredictionError: it does not come in time."""
    deadline = time.monotonic() + float(os.environ.get("SMOKE_PATIENCE", PATIENCE))
    while True:
        try:
            look(url, version)
        except NoPredictionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
        else:
            return


def look(url: str, version: str) -> None:
    """See the version that answers, and its model. Raises NoPredictionError."""
    there = ask(f"{url}/health")["version"]
    if version and there != version:
        raise NoPredictionError(f"{url} is still version {there or 'unknown'}, not {version}")
    ask(f"{url}/ready")


def example(url: str) -> list[dict[str, Any]]:
    """Return the records that the API's own description shows."""
    post = ask(f"{url}/openapi.json")["paths"]["/predict"]["post"]
    records: list[dict[str, Any]] = post["requestBody"]["content"]["application/json"]["example"]
    return records


def ask(url: str, records: object = None) -> dict[str, Any]:
    """Ask for a URL, or post records to it. Raises NoPredictionError with what was said."""
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("API_KEY"):
        headers["X-API-Key"] = key
    # Cloud Run asks by this name for a token of Google's, and takes it away before the API sees it.
    if token := os.environ.get("CLOUD_RUN_TOKEN"):
        headers["X-Serverless-Authorization"] = f"Bearer {token}"
    body = None if records is None else json.dumps(records).encode()
    try:
        with urlopen(Request(url, body, headers), timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        said = error.read(500).decode(errors="replace").strip()
        raise NoPredictionError(f"{url} answers {error.code}: {said or error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise NoPredictionError(f"{url} does not answer: {error}") from error
    return found


if __name__ == "__main__":
    main()
