"""Tokens of the organisation's own provider: which are good, and which are not."""

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi.testclient import TestClient
from fourhats_runtime import Project
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.serve import callers, create_app, keys, oidc

from tests.runtime.configured import configured
from tests.runtime.handmade import EXAMPLE

AUDIENCE = "predictions"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


@dataclass
class Provider:
    """A provider on this machine, with the keys that it publishes at the moment."""

    issuer: str = ""
    published: list[Any] = field(default_factory=list)
    keys_at: str = ""
    """Where it says that its keys are."""
    asked: int = 0
    """How often it was asked."""

    def publish(self, kid: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        """Publish one key, in place of those before."""
        if isinstance(key, rsa.RSAPrivateKey):
            public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        else:
            public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self.published = [{**public, "kid": kid, "use": "sig"}]

    def token(self, **change: Any) -> str:  # noqa: ANN401
        """Make a token that is good but for these claims; None takes one out."""
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ada", "exp": time.time() + 60}
        given = {name: value for name, value in {**claims, **change}.items() if value is not None}
        return jwt.encode(given, RSA_KEY, "RS256", headers={"kid": "one"})


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            jwks = {"keys": made.published}
            made.asked += 1
            about = {"issuer": made.issuer, "jwks_uri": made.keys_at}
            body = json.dumps(jwks if self.path == "/keys" else about).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        made.issuer = f"http://127.0.0.1:{server.server_port}"
        made.keys_at = f"{made.issuer}/keys"
        made.publish("one", RSA_KEY)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


@pytest.fixture
def known(provider: Provider, made: Project) -> callers.Callers:
    found = callers.Callers(_with(made, provider))
    found.refresh()
    return found


def _with(project: Project, provider: Provider, *hashes: str, **change: object) -> Project:
    change = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE, **change}
    return configured(project, *hashes, serve=change)


def _ask_anew(known: callers.Callers, provider: Provider) -> None:
    """Have the provider asked for its keys, as a token of one that is not known does."""
    claims = jwt.decode(provider.token(), options={"verify_signature": False})
    assert _name(known, jwt.encode(claims, EC_KEY, "ES256", headers={"kid": "unknown"})) is None
    before = provider.asked
    known.refresh()
    assert provider.asked > before


def _name(known: callers.Callers, token: str) -> str | None:
    return known.name({b"authorization": f"Bearer {token}".encode()})


def test_a_good_token_is_let_in_and_its_holder_not_named(
    known: callers.Callers, provider: Provider
) -> None:
    named = _name(known, provider.token())
    assert named
    assert "ada" not in named
    assert named != _name(known, provider.token(sub="bob"))


@pytest.mark.parametrize(
    "change",
    [
        {"exp": 1},
        {"exp": None},
        {"aud": "payroll"},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"nbf": 4e9},
        {"sub": None},
        {"sub": ""},
        {"sub": " "},
    ],
)
def test_a_token_for_another_time_place_or_service_is_not_good(
    known: callers.Callers, provider: Provider, change: dict[str, Any]
) -> None:
    assert _name(known, provider.token(**change)) is None


@pytest.mark.parametrize(("seconds", "good"), [(-5, True), (-120, False)])
def test_clocks_may_differ_a_little(
    known: callers.Callers, provider: Provider, seconds: int, *, good: bool
) -> None:
    assert bool(_name(known, provider.token(exp=time.time() + seconds))) is good
    assert bool(_name(known, provider.token(nbf=time.time() - seconds))) is good


def test_a_token_that_anybody_could_make_is_not_good(
    known: callers.Callers, provider: Provider
) -> None:
    claims = jwt.decode(provider.token(), options={"verify_signature": False})
    # What is no secret, such as a public key, must not pass as one.
    secret = provider.published[0]["n"] * 2
    for algorithm, key in (("none", ""), ("HS256", secret)):
        assert _name(known, jwt.encode(claims, key, algorithm, headers={"kid": "one"})) is None
    stranger = rsa.generate_private_key(65537, 2048)
    assert _name(known, jwt.encode(claims, stranger, "RS256", headers={"kid": "one"})) is None
    for nonsense in ("", "x", "a.b.c", "é"):
        assert _name(known, nonsense) is None
    assert known.name({}) is None


def test_new_keys_of_the_provider_are_taken_over(
    known: callers.Callers, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.publish("two", EC_KEY)
    claims = jwt.decode(provider.token(), options={"verify_signature": False})
    token = jwt.encode(claims, EC_KEY, "ES256", headers={"kid": "two"})
    known.refresh()
    assert _name(known, token) is None
    monkeypatch.setattr(oidc, "PATIENCE_SECONDS", 0.0)
    known.refresh()
    assert _name(known, token)
    assert _name(known, provider.token()) is None


@pytest.mark.parametrize(
    ("about", "good"),
    [
        ({"use": "sig"}, True),
        ({"use": None}, True),
        ({"use": None, "key_ops": ["verify"]}, True),
        ({"use": "enc"}, False),
        ({"use": None, "key_ops": ["encrypt", "wrapKey"]}, False),
        ({"use": "sig", "key_ops": []}, False),
    ],
)
def test_only_a_key_for_signatures_vouches_for_a_token(
    known: callers.Callers,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    about: dict[str, Any],
    *,
    good: bool,
) -> None:
    monkeypatch.setattr(oidc, "PATIENCE_SECONDS", 0.0)
    claims = jwt.decode(provider.token(), options={"verify_signature": False})
    token = jwt.encode(claims, EC_KEY, "ES256", headers={"kid": "other"})
    assert _name(known, token) is None
    provider.publish("other", EC_KEY)
    (other,) = provider.published
    provider.publish("one", RSA_KEY)
    (key,) = provider.published
    changed = {name: value for name, value in {**key, **about}.items() if value is not None}
    provider.published = [other, changed, "nonsense"]
    known.refresh()
    assert _name(known, token)
    assert bool(_name(known, provider.token())) is good


def test_the_provider_is_not_asked_for_each_token_that_nobody_knows(
    known: callers.Callers, provider: Provider
) -> None:
    provider.publish("two", EC_KEY)
    claims = jwt.decode(provider.token(), options={"verify_signature": False})
    before = provider.asked
    for number in range(3):
        token = jwt.encode(claims, EC_KEY, "ES256", headers={"kid": f"unknown {number}"})
        assert _name(known, token) is None
        known.refresh()
    assert provider.asked == before


@pytest.mark.parametrize(("seconds", "again"), [(60.0, False), (0.0, True)])
def test_keys_are_fetched_again_when_they_are_old_and_not_before(
    provider: Provider,
    made: Project,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    *,
    again: bool,
) -> None:
    monkeypatch.setattr(oidc, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(oidc, "KEYS_SECONDS", seconds)
    known = callers.Callers(_with(made, provider))
    known.refresh()
    before = provider.asked
    known.refresh()
    assert (provider.asked > before) is again


def test_a_secret_among_the_published_keys_vouches_for_nobody(
    known: callers.Callers, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "PATIENCE_SECONDS", 0.0)
    secret = "published-by-mistake-" * 2
    encoded = base64.urlsafe_b64encode(secret.encode()).decode().rstrip("=")
    provider.published.append({"kty": "oct", "k": encoded, "kid": "secret", "use": "sig"})
    _ask_anew(known, provider)
    claims = jwt.decode(provider.token(), options={"verify_signature": False})
    assert _name(known, jwt.encode(claims, secret, "HS256", headers={"kid": "secret"})) is None
    assert _name(known, provider.token())


@pytest.mark.parametrize("change", ["issuer", "keys_at"])
def test_keys_of_somebody_else_are_not_taken_over(
    known: callers.Callers, provider: Provider, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(oidc, "PATIENCE_SECONDS", 0.0)
    good = provider.token()
    provider.publish("one", EC_KEY)
    if change == "issuer":
        provider.issuer = "https://elsewhere.example"
    else:  # without TLS, others could put theirs in their place
        provider.keys_at = provider.keys_at.replace("127.0.0.1", "this-machine.example")
        monkeypatch.setattr(socket, "create_connection", _here(socket.create_connection))
    _ask_anew(known, provider)
    assert _name(known, good)


def _here(connect: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
    """Have every name lead to this machine."""

    def to_here(address: tuple[str, int], *more: Any, **options: Any) -> socket.socket:  # noqa: ANN401
        return connect(("127.0.0.1", address[1]), *more, **options)

    return to_here


def test_a_provider_that_is_away_stops_nobody_whose_key_is_known(
    known: callers.Callers, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "PATIENCE_SECONDS", 0.0)
    keys_at, provider.keys_at = provider.keys_at, "http://127.0.0.1:9"
    _ask_anew(known, provider)
    assert _name(known, provider.token())
    provider.keys_at = keys_at
    _ask_anew(known, provider)
    assert _name(known, provider.token())


def test_keys_and_tokens_are_good_side_by_side(made: Project, provider: Provider) -> None:
    key, digest = keys.make()
    both = _with(made, provider, digest)
    with TestClient(create_app(both)) as client:
        for given, status in ((key, 200), (provider.token(), 200), ("x", 401)):
            headers = {"authorization": f"Bearer {given}"}
            assert client.post("/predict", json=[EXAMPLE], headers=headers).status_code == status
        described = client.get("/openapi.json").json()["components"]["securitySchemes"]
    assert described["token"]["openIdConnectUrl"].startswith(provider.issuer)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"oidc_audience": ""}, "oidc_audience is not"),
        ({"oidc_issuer": "http://login.example.com"}, "https://"),
    ],
)
def test_what_is_set_by_half_is_refused(
    made: Project, provider: Provider, change: dict[str, str], words: str
) -> None:
    with pytest.raises(ProjectError, match=words):
        callers.Callers(_with(made, provider, **change))
