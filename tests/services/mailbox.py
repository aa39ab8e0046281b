"""A real SMTP server, on a port of this machine: aiosmtpd, with STARTTLS."""

import email
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from tests.services.chat import Certificate
from tests.services.object_stores import environment
from tests.services.ports import free_port, wait_for
from tests.services.processes import started

PINS = Path(__file__).with_name("aiosmtpd-constraints.txt")


@dataclass(frozen=True)
class Mailbox:
    """Where e-mails arrive: at a port, in a Maildir."""

    port: int
    folder: Path

    def of(self, recipient: str) -> list[EmailMessage]:
        """Return the e-mails that have arrived for somebody, the oldest first."""
        paths = sorted((self.folder / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        found = [email.message_from_bytes(path.read_bytes(), policy=default) for path in paths]
        return [message for message in found if recipient in str(message["X-RcptTo"])]


@contextmanager
def mailbox(folder: Path, certificate: Certificate) -> Iterator[Mailbox]:
    """Take e-mails for anybody until the block ends."""
    python = environment("aiosmtpd", "aiosmtpd", pins=PINS) / "bin" / "python"
    received = Mailbox(free_port(), folder / "mail")
    command = [
        *(python, "-m", "aiosmtpd", "--nosetuid", "--listen", f"localhost:{received.port}"),
        *("--tlscert", certificate.chain, "--tlskey", certificate.key),
        *("--class", "aiosmtpd.handlers.Mailbox", received.folder),
    ]
    with started([str(part) for part in command], log=folder / "smtp.log") as server:
        wait_for((received.folder / "new").is_dir, still_there=server.running)
        yield received
