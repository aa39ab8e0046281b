"""A page in a real browser: Debian's Chromium, without a screen."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from tests.services.storage import artifacts_folder

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class BrowserMissingError(RuntimeError):
    """No Chromium is installed on this machine."""


@contextmanager
def page(url: str) -> Iterator[Page]:
    """Open a URL in a new browser.

    Raises AssertionError on leaving when a script of the page failed, or when the page asked
    another host for something.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise BrowserMissingError("no browser here: install Debian's package `chromium`")
    home = urlsplit(url).netloc
    strangers: list[str] = []
    broken: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            opened = browser.new_page()
            opened.set_default_timeout(10_000)
            opened.on("pageerror", lambda error: broken.append(str(error)))
            opened.on(
                "request",
                lambda request: (
                    strangers.append(request.url) if is_elsewhere(request.url, home) else None
                ),
            )
            opened.goto(url)
            yield opened
        finally:
            browser.close()
    assert not broken, f"scripts of {url} failed: {broken}"
    assert not strangers, f"{url} asks other hosts: {strangers}"


def is_elsewhere(url: str, home: str) -> bool:
    """Tell whether a request leaves the page's own host (`data:` and `blob:` don't)."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != home


def screenshot(opened: Page, name: str) -> Path:
    """Keep a picture of the whole page among the artifacts."""
    path = artifacts_folder() / f"{name}.png"
    opened.screenshot(path=path, full_page=True)
    return path
