"""The bucket that machines share, as config/storage.toml names it."""

from typing import ClassVar

from pydantic import Field

from fourhats_runtime.settings import Section


class Storage(Section):
    """Where machines share data, registry and reports; without a URL, each keeps its own."""

    table: ClassVar[str] = "storage"

    url: str = ""
    endpoint: str = ""
    region: str = ""
    anonymous: bool = False
    every: float = Field(default=5.0, gt=0)
    """Seconds between two looks for a new champion, by what serves."""
    send_log_every: float = Field(default=30.0, gt=0)
    """Seconds between two sendings of what it logged."""
