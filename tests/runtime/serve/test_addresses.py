"""Who can read along is known from the scheme, and by whether an address leaves this machine."""

import pytest
from fourhats_runtime.serve.addresses import is_private, is_this_machine, names_this_machine


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://login.example/keys", True),
        ("http://127.0.0.1:8000/keys", True),
        ("http://[::1]/keys", True),
        ("http://localhost/keys", True),
        ("http://login.example/keys", False),
        ("ftp://localhost/keys", False),
        ("http:///keys", False),
    ],
)
def test_nobody_reads_along_by_tls_or_on_one_machine(url: str, private: bool) -> None:  # noqa: FBT001
    assert is_private(url) is private


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.2", True), ("0.0.0.0", False), ("localhost.example", False)],  # noqa: S104
)
def test_only_a_loopback_address_stays_on_this_machine(host: str, here: bool) -> None:  # noqa: FBT001
    assert is_this_machine(host) is here


@pytest.mark.parametrize(
    ("host", "here"),
    [
        (b"localhost", True),
        (b"127.0.0.1:8000", True),
        (b"[::1]:8000", True),
        (b"somebody.example", False),
        (b"somebody.example@localhost", False),
        (b"localhost/somebody.example", False),
        (b"localhost#", False),
        (b"[::1", False),
        (b"", False),
    ],
)
def test_a_host_is_this_machine_only_where_it_says_nothing_else(host: bytes, here: bool) -> None:  # noqa: FBT001
    assert names_this_machine(host) is here
