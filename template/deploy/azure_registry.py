"""Sign in to Azure's container registry by the token of the CI.

    python3 deploy/azure_registry.py HOST

There is no key: the CI's own token (OIDC_TOKEN) becomes one of ARM_CLIENT_ID in ARM_TENANT_ID, that
one the registry's, which is printed: Docker's password for three hours.
The steps are those of Azure's own description (Azure/acr, docs/AAD-OAuth.md).
"""

import json
import os
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ENTRA = "https://login.microsoftonline.com"


def main() -> None:
    """Print the password."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and the host
        sys.exit("usage: python3 deploy/azure_registry.py HOST")
    host, tenant = sys.argv[1], os.environ["ARM_TENANT_ID"]
    asked = {
        "grant_type": "access_token",
        "service": host,
        "tenant": tenant,
        "access_token": of_entra(tenant),
    }
    print(post(f"https://{host}/oauth2/exchange", asked)["refresh_token"])


def of_entra(tenant: str) -> str:
    """Exchange the CI's token for one of Entra's."""
    asked = {
        "grant_type": "client_credentials",
        "client_id": os.environ["ARM_CLIENT_ID"],
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": os.environ["OIDC_TOKEN"],
        "scope": "https://management.azure.com/.default",
    }
    return str(post(f"{ENTRA}/{tenant}/oauth2/v2.0/token", asked)["access_token"])


def post(url: str, asked: dict[str, str]) -> dict[str, Any]:
    """Post a form; end with what was said where it is refused."""
    try:
        with urlopen(Request(url, urlencode(asked).encode()), timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        sys.exit(f"{url} answers {error.code}: {error.read(1000).decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"{url} does not answer: {error}")
    return found


if __name__ == "__main__":
    main()
