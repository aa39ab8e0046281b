"""Sign in to Google Cloud by the token of the CI.

    python3 deploy/google_tokens.py access | identity URL

There is no key: the CI's own token (OIDC_TOKEN) becomes an hour's token of the service account
GCP_SERVICE_ACCOUNT, by the provider GCP_WORKLOAD_IDENTITY_PROVIDER (projects/…/providers/…).
Steps: https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
"""

import json
import os
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

STS = "https://sts.googleapis.com/v1/token"
ACCOUNTS = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def main() -> None:
    """Print a token for Google's services, or one for a service on Cloud Run."""
    match sys.argv[1:]:
        case ["access"]:
            asked: dict[str, Any] = {"scope": [SCOPE], "lifetime": "3600s"}
            print(of_account("generateAccessToken", asked)["accessToken"])
        case ["identity", url]:
            asked = {"audience": url, "includeEmail": True}
            print(of_account("generateIdToken", asked)["token"])
        case _:
            sys.exit("usage: python3 deploy/google_tokens.py access | identity URL")


def of_account(method: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Ask for a token of the service account."""
    url = f"{ACCOUNTS}/{os.environ['GCP_SERVICE_ACCOUNT']}:{method}"
    return post(url, asked, {"Authorization": f"Bearer {federated()}"})


def federated() -> str:
    """Exchange the CI's token for Google's."""
    asked = {
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"//iam.googleapis.com/{os.environ['GCP_WORKLOAD_IDENTITY_PROVIDER']}",
        "scope": SCOPE,
        "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
        "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
        "subjectToken": os.environ["OIDC_TOKEN"],
    }
    return str(post(STS, asked, {})["access_token"])


def post(url: str, asked: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """Post a request; end with what was said where it is refused."""
    request = Request(
        url, json.dumps(asked).encode(), headers | {"Content-Type": "application/json"}
    )
    try:
        with urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        sys.exit(f"{url} answers {error.code}: {error.read(1000).decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"{url} does not answer: {error}")
    return found


if __name__ == "__main__":
    main()
