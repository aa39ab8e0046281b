"""API keys: who may ask.

Only the keys' hashes are known here. A plain SHA-256 is enough, as a key is 256 random bits: there
is nothing to guess that salt or slowness would protect.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from fourhats_runtime.settings import Section

KEY_BYTES = 32
NAME_DIGITS = 8

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class KeyHashes(Section):
    """The variable API_KEY_HASHES: the hashes of the keys that are good, between commas."""

    api_key_hashes: Annotated[tuple[Sha256, ...], NoDecode] = ()

    @field_validator("api_key_hashes", mode="before")
    @classmethod
    def _between_commas(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        return [part.strip() for part in given.split(",") if part.strip()]


@dataclass(frozen=True)
class Keys:
    """The hashes of the keys that are let in."""

    hashes: Sequence[str]

    def name(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Give what the log calls the key of a request: how its hash begins. None: no such key."""
        given = _digest(_key(headers))
        # Every hash is compared, each in constant time: how long it takes tells nothing.
        found = [known for known in self.hashes if hmac.compare_digest(known, given)]
        return found[0][:NAME_DIGITS] if found else None


def make() -> tuple[str, str]:
    """Make a key; gives it and its hash."""
    key = secrets.token_urlsafe(KEY_BYTES)
    return key, _digest(key.encode())


def _digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()


def _key(headers: Mapping[bytes, bytes]) -> bytes:
    """Take the key out of `X-API-Key`, a bearer token, or the password that a browser asks for."""
    if key := headers.get(b"x-api-key"):
        return key
    scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return given.strip()
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(given, validate=True).partition(b":")[2]
        except ValueError:
            return b""
    return b""
