"""The server: who may reach it, how it ends, and how it logs."""

import logging
from datetime import UTC, datetime

import msgspec
import uvicorn

from ..errors import ProjectError
from ..settings import Settings
from .addresses import is_this_machine
from .app import create_app
from .protocol import ImpatientProtocol

GRACE_SECONDS = 1.0  # for a 408 to go out before the connection is closed


def run(settings: Settings, host: str, port: int, *, to_everybody: bool) -> None:
    """Serve until SIGTERM, then finish what was begun.

    Raises:
        ProjectError: others could ask without a key, and nobody said that they may.

    """
    known = settings.api_key_hashes or settings.serve.oidc_issuer
    if not (known or to_everybody or is_this_machine(host)):
        raise ProjectError(
            f"at {host} whoever reaches port {port} could ask: set API_KEY_HASHES (`api-key` makes "
            "a key), or add --open"
        )
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    whole = settings.serve.timeout_seconds + GRACE_SECONDS
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        http=type("Protocol", (ImpatientProtocol,), {"seconds": whole}),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(whole + GRACE_SECONDS),
    )


class JsonLines(logging.Formatter):
    """What the libraries say, in the form of the requests' own lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Put a record into one line."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().strip(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry).decode()
