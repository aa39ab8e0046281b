"""The log of what serves: lines of JSON on the standard error."""

import logging
from datetime import UTC, datetime

import msgspec


def start() -> None:
    """Have warnings and worse of every library told in lines of JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class JsonLines(logging.Formatter):
    """One line of JSON a record; a dict of `facts` that comes with it goes in as it is."""

    def format(self, record: logging.LogRecord) -> str:
        """Put a record into one line."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().strip(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry).decode()
