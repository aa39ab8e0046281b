"""What looks whether a container is well asks the container itself, whatever proxy is set."""

import re
import subprocess
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.services.json_service import Asked, json_service
from tests.services.rendered import ROOT

pytestmark = pytest.mark.quick

COMMAND = re.compile(r'"python", "-c", "([^"]*http://127[^"]*)"')
DEPLOY = ROOT / "template" / "deploy"
COMMANDS = {
    f"{path.relative_to(DEPLOY)}-{number}": command
    for path in sorted(DEPLOY.rglob("*"))
    if path.is_file()
    for number, command in enumerate(COMMAND.findall(path.read_text(encoding="utf-8")))
}
NOBODY = "http://127.0.0.1:9"
"""The address of no proxy."""


def well(_asked: Asked) -> object:
    return {"status": "ready"}


def unwell(_asked: Asked) -> object:
    raise PermissionError


def test_the_commands_are_found() -> None:
    assert {"Dockerfile.jinja", "compose.yaml.jinja", "terraform/aws/stream.tf.jinja"} == {
        name.rpartition("-")[0] for name in COMMANDS
    }


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("state", [well, unwell])
def test_it_asks_past_every_proxy(name: str, state: Callable[[Asked], object]) -> None:
    with json_service(state) as url:
        place = urlsplit(url).netloc
        command = re.sub(r"127\.0\.0\.1:\d+", place, COMMANDS[name])
        proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), NOBODY)
        done = subprocess.run(
            [sys.executable, "-I", "-c", command], env=proxies, check=False, capture_output=True
        )
    assert (done.returncode == 0) == (state is well), done.stderr.decode()
