"""A webhook: JSON for machines, as Alertmanager posts it (its version 4)."""

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from fourhats_runtime.monitor.channels.refusals import NoAddressError, NotTakenError
from fourhats_runtime.monitor.channels.title import title
from fourhats_runtime.monitor.incidents import Event, Runbook, kind, runbook_link
from fourhats_runtime.project import Project

VARIABLE = "ALERT_WEBHOOK_URL"
SECONDS = 10
NOT_ENDED = "0001-01-01T00:00:00Z"


def send(project: Project, events: list[Event]) -> None:
    """Post the events in one body.

    Raises:
        NotTakenError: there is no address, or what is there does not take it.

    """
    address = project.settings.secret(VARIABLE)
    if address is None:
        raise NoAddressError(f"{VARIABLE} is not set")
    try:
        request = urllib.request.Request(  # noqa: S310 (the address is the operator's own)
            address.get_secret_value(),
            data=json.dumps(_body(project, events)).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        raise NotTakenError(f"the webhook answers {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", type(error).__name__)
        raise NotTakenError(f"the webhook does not take it: {reason}") from None


def _body(project: Project, events: list[Event]) -> dict[str, Any]:
    labels = {"project": project.name}
    firing = any(event.ended is None for event in events)
    return {
        "version": "4",
        "groupKey": project.name,
        "receiver": project.name,
        "status": "firing" if firing else "resolved",
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": {"title": title(project.name, events)},
        "externalURL": project.settings(Runbook).runbook_url,
        "truncatedAlerts": 0,
        "alerts": [_alert(project, event) for event in events],
    }


def _alert(project: Project, event: Event) -> dict[str, Any]:
    return {
        "status": event.status,
        "labels": {
            "alertname": kind(event.incident),
            "incident": event.incident,
            "project": project.name,
            "severity": "info" if event.is_notice else "warning",
        },
        "annotations": {
            "summary": event.message,
            "runbook_url": runbook_link(project, event),
        },
        "startsAt": event.began.isoformat(),
        "endsAt": event.ended.isoformat() if event.ended else NOT_ENDED,
        "generatorURL": "",
        # The same for as long as the incident has its name: who receives it knows it again.
        "fingerprint": hashlib.sha256(f"{project.name}/{event.incident}".encode()).hexdigest()[:16],
    }
