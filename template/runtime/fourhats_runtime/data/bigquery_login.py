"""The way into BigQuery: as whom, and who pays."""

import logging

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from fourhats_runtime.data.google_key import key_file
from fourhats_runtime.project import Project

# It does not answer, does not let in, or refuses.
FAILURES = (GoogleAPIError, GoogleAuthError, OSError)


def connect(project: Project, paying: str, location: str) -> bigquery.Client:
    """Sign in as whom the key file stands for, or the machine; `paying` is the project at Google.

    Raises:
        FAILURES: there is no such key file, or nobody is signed in.

    """
    # Beside the query it asks where the account may be used, and need not be answered.
    for name in ("google.auth", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with key_file(project):
        return bigquery.Client(project=paying, location=location or None)


def reason(error: Exception) -> str:
    """Give what BigQuery itself said, without the address that was asked."""
    said = getattr(error, "errors", None)
    text = str(said[0].get("message")) if said else str(error)
    return text.splitlines()[0]
