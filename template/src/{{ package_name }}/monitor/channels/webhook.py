"""A webhook: JSON for machines, as Alertmanager posts it (its version 4)."""

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from ... import PROJECT
from ...settings import Settings
from ..incidents import Event, kind, runbook_link
from .refusals import NoAddressError, NotTakenError
from .title import title

SECONDS = 10
NOT_ENDED = "0001-01-01T00:00:00Z"


def send(settings: Settings, events: list[Event]) -> None:
    """Post the events in one body.

    Raises:
        NotTakenError: there is no address, or what is there does not take it.

    """
    if settings.alert_webhook_url is None or not settings.alert_webhook_url.get_secret_value():
        raise NoAddressError("no webhook is set up: set ALERT_WEBHOOK_URL")
    try:
        request = urllib.request.Request(  # noqa: S310 (the address is the operator's own)
            settings.alert_webhook_url.get_secret_value(),
            data=json.dumps(_body(settings, events)).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        raise NotTakenError(f"the webhook answers {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", type(error).__name__)
        raise NotTakenError(f"the webhook does not take it: {reason}") from None


def _body(settings: Settings, events: list[Event]) -> dict[str, Any]:
    project = {"project": PROJECT}
    firing = any(event.ended is None for event in events)
    return {
        "version": "4",
        "groupKey": PROJECT,
        "receiver": PROJECT,
        "status": "firing" if firing else "resolved",
        "groupLabels": project,
        "commonLabels": project,
        "commonAnnotations": {"title": title(events)},
        "externalURL": settings.runbook_url,
        "truncatedAlerts": 0,
        "alerts": [_alert(settings, event) for event in events],
    }


def _alert(settings: Settings, event: Event) -> dict[str, Any]:
    return {
        "status": event.status,
        "labels": {
            "alertname": kind(event.incident),
            "incident": event.incident,
            "project": PROJECT,
            "severity": "info" if event.is_notice else "warning",
        },
        "annotations": {
            "summary": event.message,
            "runbook_url": runbook_link(settings, event),
        },
        "startsAt": event.began.isoformat(),
        "endsAt": event.ended.isoformat() if event.ended else NOT_ENDED,
        "generatorURL": "",
        # The same for as long as the incident has its name: who receives it knows it again.
        "fingerprint": hashlib.sha256(f"{PROJECT}/{event.incident}".encode()).hexdigest()[:16],
    }
