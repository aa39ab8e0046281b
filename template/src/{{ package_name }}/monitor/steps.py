"""A step that fails is told, and told again when it has worked: whoever runs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import ProjectError, ToldError
from ..settings import Settings
from . import alerts
from .findings import Finding


@contextmanager
def told(step: str, settings: Settings) -> Iterator[None]:
    """Open the incident `step:<name>` where what is done inside fails; close it where it works.

    Raises:
        ProjectError: as inside; or an alert cannot be sent.

    """
    incident = f"step:{step}"
    try:
        yield
    except ToldError:
        raise
    except ProjectError as error:
        _tell(settings, incident, f"{step} failed: {error}")
        raise
    except Exception as error:
        # What a library says may hold a password: it is for the operator's own log.
        words = f"{step} was ended by an unexpected {type(error).__name__}: its log says more"
        try:
            _tell(settings, incident, words)
        except ProjectError as refusal:
            error.add_note(str(refusal))
        raise
    if incident in alerts.open_incidents(settings):
        alerts.update(settings, [Finding(incident, fine=True, message=f"{step} works again")])


def _tell(settings: Settings, incident: str, message: str) -> None:
    # The command's own last line is in the log.
    alerts.update(settings, [Finding(incident, fine=False, message=message)], but="log")
