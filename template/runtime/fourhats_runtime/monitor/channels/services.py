"""Services that people read, spoken to by Apprise."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fourhats_runtime.monitor.channels.refusals import NoAddressError, NotTakenError
from fourhats_runtime.monitor.channels.title import title
from fourhats_runtime.monitor.incidents import Event, runbook_link
from fourhats_runtime.project import Project

MARKUP = re.compile(r"([\\`*<\[]|(?<!\w)_|_(?!\w))")


@dataclass(frozen=True)
class Service:
    """A service: the variable that sets its address, how addresses begin, and one to show."""

    variable: str
    begins: tuple[str, ...]
    example: str


def send_by_apprise(project: Project, events: list[Event], service: Service) -> None:
    """Send the events in one message to the service, at the address that its variable holds.

    Raises:
        NotTakenError: there is no address, it is another service's, or the service refuses.

    """
    found = project.settings.secret(service.variable)
    if found is None:
        raise NoAddressError(f"{service.variable} is not set (such as {service.example})")
    address = found.get_secret_value()
    try:
        import apprise  # noqa: PLC0415 (only who chose such a channel has it)
    except ImportError:
        raise NotTakenError(
            f"{service.variable} takes the package apprise: add the extra `alerts` to "
            "fourhats-runtime in pyproject.toml"
        ) from None

    with _kept_quiet() as said:
        there = None
        if address.startswith(service.begins):
            asset = apprise.AppriseAsset(
                app_id=project.name, app_desc="", app_url="", image_url_mask=""
            )
            there = apprise.Apprise.instantiate(address, asset=asset)
        if there is None:
            raise NotTakenError(f"{service.variable} is no such address as {service.example}")
        taken = there.notify(
            body="\n".join(f"- {_line(project, event)}" for event in events),
            title=title(project.name, events),
            body_format=apprise.NotifyFormat.MARKDOWN,
            notify_type=(
                apprise.NotifyType.SUCCESS
                if all(event.ended for event in events)
                else apprise.NotifyType.WARNING
            ),
        )
    if not taken:
        status = re.search(r"error=(\d+)", " ".join(said))
        reason = f"answers {status[1]}" if status else "cannot be reached, or does not take it"
        raise NotTakenError(f"what {service.variable} names {reason}")


@contextmanager
def _kept_quiet() -> Iterator[list[str]]:
    """Keep what the library would log, which may name the address, to ourselves."""
    said: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        said.append(record.getMessage())
        return False

    logger = logging.getLogger("apprise")
    logger.addFilter(keep)
    try:
        yield said
    finally:
        logger.removeFilter(keep)


def _line(project: Project, event: Event) -> str:
    name, message = _plain(event.incident), _plain(event.message)
    if event.is_notice:
        return f"**{name}**: {message}"
    if event.ended:
        return f"**{name}** is over after {event.lasted}: {message}"
    link = runbook_link(project, event)
    shown = f"[{link}]({link})" if "://" in link else _plain(link)
    return f"**{name}** began {event.began:%Y-%m-%d %H:%M} UTC: {message}. What to do: {shown}"


def _plain(text: str) -> str:
    """Keep Markdown from reading marks into a text."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))
