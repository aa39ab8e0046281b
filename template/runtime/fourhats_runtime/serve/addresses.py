"""Addresses: which of them others can reach, and read along."""

import ipaddress
from urllib.parse import urlsplit


def is_this_machine(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_private(url: str) -> bool:
    """Tell whether nobody can read along: by TLS, or because it does not leave this machine."""
    address = urlsplit(url)
    local = address.scheme == "http" and is_this_machine(address.hostname or "")
    return local or address.scheme == "https"
