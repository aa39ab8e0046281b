"""A step that fails is reported, and reported again when it has worked: whoever runs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from fourhats_runtime.errors import ProjectError, ReportedError
from fourhats_runtime.monitor import alerts
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.project import Project


@contextmanager
def reported(step: str, project: Project) -> Iterator[None]:
    """Open the incident `step:<name>` where what is done inside fails; close it where it works.

    Raises:
        ProjectError: as inside; or an alert cannot be sent.

    """
    incident = f"step:{step}"
    try:
        yield
    except ReportedError:
        raise
    except ProjectError as error:
        _report(project, incident, f"{step} failed: {error}")
        raise
    except Exception as error:
        # What a library says may hold a password: it is for the operator's own log.
        words = f"{step} was ended by an unexpected {type(error).__name__}: its log says more"
        try:
            _report(project, incident, words)
        except ProjectError as refusal:
            error.add_note(str(refusal))
        raise
    if incident in alerts.open_incidents(project):
        alerts.update(project, [Finding(incident, "fine", f"{step} works again")])


def _report(project: Project, incident: str, message: str) -> None:
    # The command's own last line is in the log.
    alerts.update(project, [Finding(incident, "alert", message)], but="log")
