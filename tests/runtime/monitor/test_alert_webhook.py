"""A webhook is posted the form that Alertmanager posts."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from fourhats_runtime import Project
from fourhats_runtime.monitor import NotTakenError, alerts, webhook
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.monitor.incidents import Incidents

BAD = Finding("drift:a", "alert", "a has moved")
FINE = Finding("drift:a", "fine", "a is back")


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Give what arrives at a webhook of our own."""
    arrived: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("ALERT_WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/")
    yield arrived
    server.shutdown()
    server.server_close()


def test_an_incident_keeps_its_fingerprint_until_it_is_over(
    fresh: Project, posted: list[dict[str, Any]]
) -> None:
    project = replace(fresh, channels={"webhook": webhook})
    alerts.update(project, [BAD])
    alerts.update(project, [FINE])
    (firing,), (resolved,) = (body["alerts"] for body in posted)
    assert [body["status"] for body in posted] == ["firing", "resolved"]
    assert posted[0]["groupLabels"] == {"project": fresh.name}
    assert posted[0]["commonAnnotations"] == {"title": f"{fresh.name}: drift:a began"}
    assert posted[0]["externalURL"] == "docs/runbook.md"
    assert firing["labels"] == {
        "alertname": "drift",
        "incident": "drift:a",
        "project": fresh.name,
        "severity": "warning",
    }
    assert firing["annotations"] == {
        "summary": "a has moved",
        "runbook_url": "docs/runbook.md#drift",
    }
    assert firing["endsAt"].startswith("0001-")
    assert resolved["endsAt"] >= resolved["startsAt"] == firing["startsAt"]
    assert resolved["fingerprint"] == firing["fingerprint"]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "ALERT_WEBHOOK_URL is not set"),
        ("http://127.0.0.1:9/secret-token", "does not take it"),
        ("secret-token", "does not take it"),
    ],
)
def test_where_nothing_takes_it_the_reason_holds_no_secret(
    fresh: Project, address: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_WEBHOOK_URL", address)
    with pytest.raises(NotTakenError, match=reason) as refusal:
        webhook(fresh, Incidents().take_in([BAD]))
    assert "secret-token" not in str(refusal.value)
