"""What a service takes on, keeps and lets in: the table [serve] of config/serve.toml."""

from typing import ClassVar

from pydantic import Field

from fourhats_runtime.settings import Section


class Serve(Section):
    """What is taken on at once, from whose pages, what is kept, and who answers."""

    table: ClassVar[str] = "serve"

    max_body_bytes: int = Field(default=10_000_000, ge=1)
    workers: int = Field(default=1, ge=1)
    """Processes that share the port."""
    max_in_flight: int = Field(default=128, ge=1)
    """Requests at once, of each process."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    drain_seconds: float = Field(default=0.0, ge=0)
    """How long new connections are still taken after SIGTERM; the image says 5."""
    log_days: int = Field(default=365, ge=1)
    max_log_bytes: int = Field(default=2_000_000_000, ge=1_000)
    allow_origins: tuple[str, ...] = ()
    oidc_issuer: str = ""
    oidc_audience: str = ""
    version: str = ""
    """What /health says; a release sets it."""
    challenger_share: float = Field(default=0.0, ge=0, le=1)
    shadow: bool = False
    instance: str = Field(default="", pattern=r"^([a-z][a-z0-9-]*)?$")
    """Name in the files of the log, where several machines share its folder."""
