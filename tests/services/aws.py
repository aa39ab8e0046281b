"""A stand-in for AWS beyond its buckets, and AWS's own command line, which speaks with it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.services.object_stores import environment, running
from tests.services.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PINS = Path(__file__).with_name("aws-constraints.txt")


@dataclass(frozen=True)
class Aws:
    """Where it answers, and the folder of the command `aws`."""

    endpoint: str
    programs: Path

    @property
    def env(self) -> dict[str, str]:
        """What a person's shell has who is signed in there."""
        return {
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "s3cret",
            "AWS_PAGER": "",
        }


@contextmanager
def aws() -> Iterator[Aws]:
    """Start moto."""
    programs = environment("aws", "moto[s3,server]", "awscli", pins=PINS) / "bin"
    port = free_port()
    with running([programs / "moto_server", "-H", "127.0.0.1", "-p", str(port)], port):
        yield Aws(f"http://127.0.0.1:{port}", programs)
