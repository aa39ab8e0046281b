"""Load on a local server: wrk where it is installed, else a small generator of our own."""

import asyncio
import json
import math
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from itertools import chain
from urllib.parse import urlsplit

SCRIPT = """
wrk.method = "POST"
wrk.body = [==[{body}]==]
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{{"requests": %d, "microseconds": %d, "p99": %f, "failed": %d}}',
    summary.requests, summary.duration, latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What a server bore: requests a second, and the 99th percentile of seconds to answer."""

    rate: float
    p99: float
    answered: int
    failed: int = 0


def bear(url: str, body: bytes, *, connections: int, seconds: int, may_fail: bool = False) -> Load:
    """POST `body` over so many connections for so many seconds.

    Raises:
        RuntimeError: a request failed, and it may not.

    """
    if shutil.which("wrk"):
        load = _by_wrk(url, body, connections, seconds)
    else:
        load = asyncio.run(_by_sockets(url, body, connections, seconds))
    if load.failed and not may_fail:
        raise RuntimeError(f"{load.failed} requests to {url} failed, {load.answered} did not")
    return load


def _by_wrk(url: str, body: bytes, connections: int, seconds: int) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.format(body=body.decode()))
        script.flush()
        done = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name, url],
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + 30,
        )
    found = json.loads(done.stdout[done.stdout.rindex("{") :])
    answered = found["requests"] - found["failed"]
    rate = answered / found["microseconds"] * 1e6
    return Load(rate, found["p99"] / 1e6, answered, found["failed"])


async def _by_sockets(url: str, body: bytes, connections: int, seconds: int) -> Load:
    address = urlsplit(url)
    request = (
        f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    started = time.perf_counter()
    ask = (_ask(address.port or 80, request, started + seconds) for _ in range(connections))
    found = await asyncio.gather(*ask)
    times = sorted(chain.from_iterable(times for times, _ in found))
    elapsed = time.perf_counter() - started
    failed = sum(failed for _, failed in found)
    p99 = times[int(len(times) * 0.99)] if times else math.inf
    return Load(len(times) / elapsed, p99, len(times), failed)


async def _ask(port: int, request: bytes, end: float) -> tuple[list[float], int]:
    """Ask over one connection until `end`; give the seconds that answers took, and the failures."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times, failed = [], 0
    while (started := time.perf_counter()) < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        if head.startswith(b"HTTP/1.1 200"):
            times.append(time.perf_counter() - started)
        else:
            failed += 1
    writer.close()
    await writer.wait_closed()
    return times, failed
