"""A scan that proves that no secret goes out: no value of one, and nothing like a private key."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from fourhats_runtime.errors import ProjectError
from fourhats_runtime.handover.accounts import EXAMPLE, accounts
from fourhats_runtime.project import Project

SHORTEST = 5
"""A value of fewer characters stands in any text by chance."""
SECRET = re.compile(r"(KEY|TOKEN|PASSWORD|PASSPHRASE|SECRET|HASHES|URL)$")
"""A name that says of itself that its value is secret, an address's password included."""
PLACEHOLDER = re.compile(r"//user:password@|[/.@]example\.com\b")
PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\\[nr]|\s)*[A-Za-z0-9+/=]{16}"
    rb"|PuTTY-User-Key-File-\d"
)


@dataclass(frozen=True)
class Scan:
    """What is searched for."""

    wanted: Mapping[str, tuple[bytes, ...]]
    """The forms of each secret value, by the name of its variable."""
    too_short: tuple[str, ...]
    """Variables whose values are too short to be searched for."""

    @classmethod
    def of(cls, project: Project) -> "Scan":
        """Search for the value of each account and key, but for what .env.example shows."""
        example = project.folder / EXAMPLE
        shown = example.read_text(encoding="utf-8") if example.is_file() else ""
        wanted: dict[str, tuple[bytes, ...]] = {}
        too_short = []
        for name in accounts(project):
            secret = project.settings.secret(name)
            value = secret.get_secret_value() if secret else ""
            if not value or _is_public(name, value, shown):
                continue
            parts = set(_parts(value))
            long = {part for part in parts if len(part) >= SHORTEST}
            if parts - long:
                too_short.append(name)
            if long:
                wanted[name] = tuple({form for part in long for form in _forms(part)})
        return cls(wanted, tuple(too_short))

    def prove(self, folder: Path) -> int:
        """Search every file; gives how many there were.

        Raises:
            ProjectError: one holds a secret; the text names the file, and never the value.

        """
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for path in files:
            name, content = path.relative_to(folder).as_posix(), path.read_bytes()
            if PRIVATE_KEY.search(content):
                raise ProjectError(
                    f"{name} holds a private key: nothing was written; take it out, and give the "
                    "key up where it was ever committed"
                )
            for variable, forms in self.wanted.items():
                if any(form in content for form in forms):
                    way_out = (
                        ""
                        if SECRET.search(variable)
                        else (f", or, where it is no secret, put it into {EXAMPLE}")
                    )
                    raise ProjectError(
                        f"{name} holds the value of {variable}: nothing was written; take it out"
                        f"{way_out}"
                    )
        return len(files)


def _is_public(name: str, value: str, shown: str) -> bool:
    """Tell whether .env.example shows a value to everybody, and not by mistake."""
    return value in shown and (not SECRET.search(name) or bool(PLACEHOLDER.search(value)))


def _parts(value: str) -> Iterator[str]:
    """Give a value, and what of an address is secret by itself."""
    yield value
    try:
        password = urlsplit(value).password
    except ValueError:  # no address
        return
    if password:
        yield password
        yield unquote(password)


def _forms(value: str) -> Iterator[bytes]:
    """Give a value as it stands, as an address has it, as JSON has it, and as Base64 has it."""
    yield value.encode()
    yield quote(value, safe="").encode()
    yield value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"').encode()
    yield base64.b64encode(value.encode()).rstrip(b"=")
