"""Callers: who may ask, by a key or by a token of the organisation's own provider."""

from collections.abc import Mapping

from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.project import Project
from fourhats_runtime.serve.keys import KeyHashes, Keys
from fourhats_runtime.serve.oidc import Oidc


class Callers:
    """Those who are let in: everybody, where neither keys nor a provider are set."""

    def __init__(self, project: Project) -> None:
        """Take over the hashes of the keys, and whose tokens are good.

        Raises:
            ProjectError: the provider is set by half.

        """
        serve = project.settings(Serve)
        self._keys = Keys(project.settings(KeyHashes).api_key_hashes)
        self._oidc = Oidc(serve.oidc_issuer, serve.oidc_audience) if serve.oidc_issuer else None

    def name(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Give what the log calls who asks, empty if it may be anybody; None: nobody let in."""
        if not self._keys.hashes and self._oidc is None:
            return ""
        if known := self._keys.name(headers):
            return known
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if self._oidc is None or scheme.lower() != b"bearer":
            return None
        return self._oidc.name(token.strip())

    def refresh(self) -> None:
        """Fetch the provider's keys if it is time."""
        if self._oidc is not None:
            self._oidc.refresh()
