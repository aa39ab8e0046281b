"""What a service is sent is its own form; what it refuses holds no secret."""

import sys

import pytest
from fourhats_runtime import Project
from fourhats_runtime.monitor import Channel, NoAddressError, NotTakenError, email, slack, teams
from fourhats_runtime.monitor.findings import Finding
from fourhats_runtime.monitor.incidents import Incidents

BAD = Finding("drift:a", "alert", "a has moved")
SERVICES = [
    (slack, "SLACK_WEBHOOK_URL", "https://hooks.slack.com/secret-token"),
    (teams, "TEAMS_WEBHOOK_URL", "https://127.0.0.1:9/secret-token"),
    (teams, "TEAMS_WEBHOOK_URL", "workflow://127.0.0.1:9/secret-token/secret-token"),
    (email, "ALERT_EMAIL_URL", "https://127.0.0.1:9/secret-token"),
    (email, "ALERT_EMAIL_URL", "mailto://a:secret-token@127.0.0.1:9?from=a@b.org&to=c@d.org"),
]


@pytest.mark.parametrize(("channel", "variable", "address"), SERVICES)
def test_where_nothing_takes_it_the_reason_holds_no_secret(  # noqa: PLR0913, PLR0917
    fresh: Project,
    channel: Channel,
    variable: str,
    address: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, address)
    with pytest.raises(NotTakenError, match=variable) as refusal:
        channel(fresh, Incidents().take_in([BAD]))
    said = (str(refusal.value), caplog.text, *capfd.readouterr())
    assert "secret-token" not in "".join(said)


@pytest.mark.parametrize(("channel", "variable", "_"), SERVICES)
def test_one_without_an_address_says_which_variable_sets_it(
    fresh: Project, channel: Channel, variable: str, _: str
) -> None:
    with pytest.raises(NoAddressError, match=f"{variable} is not set"):
        channel(fresh, Incidents().take_in([BAD]))


def test_without_the_library_the_extra_is_named(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "https://hooks.slack.com/secret-token")
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(NotTakenError, match="add the extra `alerts`"):
        slack(fresh, Incidents().take_in([BAD]))
