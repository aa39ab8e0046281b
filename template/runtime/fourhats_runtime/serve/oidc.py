"""Sign-in by OpenID Connect: who holds a token of the organisation's own provider may ask.

The provider's public keys are fetched in advance, and again when a token names one that is not
known: no request waits for the provider.
"""

import hashlib
import json
import logging
import time
import urllib.request
from typing import Any

import jwt

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.serve.addresses import is_private

KEYS_SECONDS = 300.0
PATIENCE_SECONDS = 10.0  # before the provider is asked again
ANSWER_SECONDS = 5.0
LEEWAY_SECONDS = 30.0  # that clocks may differ
NAME_DIGITS = 8
ALGORITHMS = {
    "RSA": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    "EC": ["ES256", "ES384", "ES512"],
    "OKP": ["EdDSA"],
}
"""By the kind of key: a public key must never pass as the secret of an HMAC."""

logger = logging.getLogger(__name__)


class Oidc:
    """The tokens of one provider, made out to one audience."""

    def __init__(self, issuer: str, audience: str) -> None:
        """Nothing is fetched yet.

        Raises:
            ProjectError: the audience is missing, or others could read along.

        """
        if not audience:
            raise ProjectError(
                "serve.oidc_issuer is set, and serve.oidc_audience is not: the tokens of every "
                "other service of the provider would do (config/serve.toml)"
            )
        if not is_private(issuer):
            raise ProjectError("serve.oidc_issuer has to start with https:// (config/serve.toml)")
        self._issuer, self._audience = issuer, audience
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetch_at = 0.0
        self._asked_at = -PATIENCE_SECONDS

    def refresh(self) -> None:
        """Fetch the provider's keys if it is time; what fails is logged, and the old ones stay."""
        now = time.monotonic()
        if now < self._fetch_at or now < self._asked_at + PATIENCE_SECONDS:
            return
        self._asked_at = now
        try:
            self._keys = self._fetch()
            self._fetch_at = now + KEYS_SECONDS
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            logger.error("the keys of %s cannot be had: %s", self._issuer, error)  # noqa: TRY400

    def name(self, token: bytes) -> str | None:
        """Give what the log calls the holder of a token, None if it is not good."""
        try:
            key = self._keys.get(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                self._fetch_at = 0.0
                return None
            claims = jwt.decode(
                token,
                key.key,
                ALGORITHMS[str(key.key_type)],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError:
            return None
        if not claims["sub"].strip():  # nobody's
            return None
        return hashlib.sha256(claims["sub"].encode()).hexdigest()[:NAME_DIGITS]

    def _fetch(self) -> dict[str | None, jwt.PyJWK]:
        found = _get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found["issuer"] != self._issuer:
            raise ValueError(f"it calls itself {found['issuer']}")
        published = filter(_is_for_signatures, _get(found["jwks_uri"])["keys"])
        keys = jwt.PyJWKSet(list(published)).keys
        return {key.key_id: key for key in keys if key.key_type in ALGORITHMS}


def _is_for_signatures(key: object) -> bool:
    """Tell whether a published key (a JWK) may vouch for a token: one for encryption may not."""
    if not isinstance(key, dict):
        return False
    return key.get("use", "sig") == "sig" and "verify" in key.get("key_ops", ("verify",))


def _get(url: str) -> dict[str, Any]:
    if not is_private(url):
        raise ValueError(f"{url} does not start with https://")
    with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
        content: dict[str, Any] = json.load(answer)
    return content
