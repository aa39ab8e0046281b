"""Pseudonyms: what stands for a person in everything that the project keeps.

HMAC-SHA256 (RFC 2104) of the value, under a key from the environment, of which the first 128 bits
are kept. The same value gives the same pseudonym in every source and in the API, so rows still
meet; only who has the key can tell whose they are.
"""

import hashlib
import hmac
from dataclasses import dataclass

from fourhats_runtime.contract import Contract
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project

BLOCK_BYTES = 64  # of SHA-256
DIGITS = 32  # hexadecimal
SHORTEST_KEY = 32  # characters


@dataclass(frozen=True)
class Pseudonyms:
    """Gives pseudonyms under one key."""

    key: bytes

    def of(self, value: object) -> str:
        """Give the pseudonym of a value."""
        text = str(value).strip()
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()[:DIGITS]

    def sql(self, text: str) -> str:
        """Give the SQL (of DuckDB) of the pseudonym of a text, itself given as SQL."""
        key = self.key if len(self.key) <= BLOCK_BYTES else hashlib.sha256(self.key).digest()
        inner, outer = (
            "'" + "".join(f"\\x{byte ^ pad:02x}" for byte in key.ljust(BLOCK_BYTES, b"\0")) + "'"
            for pad in (0x36, 0x5C)
        )
        digest = f"unhex(sha256({inner}::BLOB || encode(trim({text}))))"
        return f"left(sha256({outer}::BLOB || {digest}), {DIGITS})"


def pseudonyms(contract: Contract, project: Project) -> Pseudonyms | None:
    """Give what makes pseudonyms; None where neither id nor entity is personal data.

    Raises:
        ProjectError: the key is missing or too short.

    """
    marked = next((column for column in contract.identifiers if column.pii), None)
    if marked is None:
        return None
    secret = project.settings.secret("PSEUDONYM_KEY")
    key = secret.get_secret_value() if secret else ""
    if len(key) < SHORTEST_KEY:
        raise ProjectError(
            f"the contract marks the {marked.role} {marked.name} as personal data, and "
            f"PSEUDONYM_KEY is {'too short' if key else 'not set'}: put `PSEUDONYM_KEY=` and at "
            f"least {SHORTEST_KEY} random characters into .env, such as `openssl rand -hex 32` "
            "gives, and keep a copy"
        )
    return Pseudonyms(key.encode())
