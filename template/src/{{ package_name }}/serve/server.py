"""The server: who may reach it, and how it ends."""

from contextlib import nullcontext

import uvicorn

from .. import settings as settings_file
from ..errors import ProjectError
from ..settings import Settings
from . import log
from .addresses import is_this_machine
from .app import create_app
from .front import App
from .metrics import figures_of_all
from .protocol import ImpatientProtocol

GRACE_SECONDS = 1.0  # for a 408 to go out before the connection is closed


def run(settings: Settings, host: str, port: int, *, to_everybody: bool) -> None:
    """Serve until SIGTERM, then finish what was begun.

    Where `serve.workers` are several they share the port, and one that dies is replaced.

    Raises:
        ProjectError: others could ask without a key, and nobody said that they may.

    """
    known = settings.api_key_hashes or settings.serve.oidc_issuer
    if not (known or to_everybody or is_this_machine(host)):
        raise ProjectError(
            f"at {host} whoever reaches port {port} could ask: set API_KEY_HASHES (`api-key` makes "
            "a key), or add --open"
        )
    workers = settings.serve.workers
    with figures_of_all() if workers > 1 else nullcontext():
        uvicorn.run(
            f"{__name__}:create",
            factory=True,
            workers=workers,
            host=host,
            port=port,
            http=ImpatientProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=round(_patience(settings) + GRACE_SECONDS),
        )


def create() -> App:
    """Make the service of the project that this process is in."""
    settings = settings_file.load()
    log.start()
    ImpatientProtocol.seconds = _patience(settings)
    return create_app(settings)


def _patience(settings: Settings) -> float:
    return settings.serve.timeout_seconds + GRACE_SECONDS
