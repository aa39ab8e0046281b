"""Free ports, and waiting until something answers."""

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(
    what: str | Callable[[], bool],
    *,
    timeout: float = 60.0,
    still_there: Callable[[], bool] = lambda: True,
) -> None:
    """Wait until a URL answers 200, or a predicate is true.

    Raises TimeoutError after `timeout` seconds, and at once when `still_there` says that what we
    wait for has ended.
    """
    ready = what if callable(what) else lambda: answers(what)
    name = "the condition" if callable(what) else what
    end = time.monotonic() + timeout
    while not ready():
        if not still_there():
            raise TimeoutError(f"{name}: what should have answered has ended")
        if time.monotonic() > end:
            raise TimeoutError(f"{name}: no answer in {timeout:g} s")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Tell whether the URL answers 200 now."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
