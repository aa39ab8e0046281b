"""The worst request that is allowed: what others wait meanwhile, and what it leaves in memory.

A file of 9.8 MB: of one column, which is refused, and of as many rows as are taken.
"""

import csv
import io
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from benchmarks.figure import Figure, show
from tests.services.rendered import (
    Project,
    command,
    example_record,
    install,
    pid_of,
    render,
    serve,
)

BYTES = 9_800_000
ROWS = 10_000
UPLOADS = 20
MOST_SECONDS = 0.25
MOST_MEGABYTES = 400
PAUSE = 0.02


def figures() -> list[Figure]:
    """Upload one after the other, and ask for /health all the while."""
    with tempfile.TemporaryDirectory() as folder:
        project = install(render(Path(folder) / "customer-churn"))
        command(project, "run")
        files = (b"a\n" + b"1\n" * (BYTES // 2), largest(project))
        with serve(project) as url:
            server = psutil.Process(pid_of(url))
            before = server.memory_info().rss
            waited = [
                seconds for number in range(UPLOADS) for seconds in asked(url, files[number % 2])
            ]
            after = server.memory_info().rss
    return [
        Figure(
            "/health during the worst allowed request",
            max(waited),
            MOST_SECONDS,
            "s",
            detail=f"of {len(waited):,}; half of them took up to "
            f"{sorted(waited)[len(waited) // 2] * 1e3:.1f} ms",
        ),
        Figure(
            f"memory of the API after {UPLOADS} of them",
            after / 1e6,
            MOST_MEGABYTES,
            "MB",
            detail=f"{before / 1e6:.0f} MB before",
        ),
    ]


def largest(project: Project) -> bytes:
    """Give a file of the example as often as it is taken, filled up with columns of no meaning."""
    record = example_record(project)
    text = io.StringIO()
    csv.writer(text).writerows((record, record.values()))
    header, row = text.getvalue().splitlines()
    more = (BYTES // ROWS - len(row)) // 3
    header += "".join(f",c{number}" for number in range(more))
    return "\n".join([header, *[row + ",ab" * more] * ROWS]).encode()[:BYTES].rpartition(b"\n")[0]


def asked(url: str, file: bytes) -> list[float]:
    """Upload a file; gives the seconds that each look at /health took meanwhile."""
    uploading = threading.Thread(target=upload, args=(url, file))
    uploading.start()
    waited = []
    while uploading.is_alive():
        began = time.perf_counter()
        with urllib.request.urlopen(f"{url}/health", timeout=30) as answer:
            answer.read()
        waited.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    uploading.join()
    return waited


def upload(url: str, file: bytes) -> None:
    """Send a file as the page does."""
    head = b'content-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body = b"--x\r\n" + head + file + b"\r\n--x--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(f"{url}/file", body, headers)
    try:
        urllib.request.urlopen(request, timeout=60).close()
    except urllib.error.HTTPError as refused:
        refused.close()


if __name__ == "__main__":
    show(figures)
