"""Addresses: which of them others can reach, and read along."""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit


def is_this_machine(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@lru_cache(maxsize=16)
def names_this_machine(host: bytes) -> bool:
    """Tell whether a request's `Host` is what this machine alone calls itself.

    A name of somebody else's may lead here as well, and then their page is of the same origin.
    """
    try:
        address = urlsplit(f"//{host.decode('latin-1')}")
    except ValueError:
        return False
    is_only_a_name = address.netloc.encode("latin-1") == host and b"@" not in host
    return is_only_a_name and is_this_machine(address.hostname or "")


def is_private(url: str) -> bool:
    """Tell whether nobody can read along: by TLS, or because it does not leave this machine."""
    address = urlsplit(url)
    local = address.scheme == "http" and is_this_machine(address.hostname or "")
    return local or address.scheme == "https"
