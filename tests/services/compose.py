"""Docker Compose's second version: the machine's own, or a newer Debian's, unpacked."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.docker import DockerMissingError, Engine
from tests.services.newer_debian import NotFetchedError, unpacked

# Debian 12 has the first version only.
PLUGIN = Path("usr/libexec/docker/cli-plugins/docker-compose")


@dataclass(frozen=True)
class Stack:
    """A compose file's services on an engine, by the name of a project of their own."""

    engine: Engine
    command: tuple[str, ...]
    env: Mapping[str, str]

    def compose(self, *arguments: str) -> str:
        """Run compose and return what it prints. Raises RuntimeError with all it said."""
        done = subprocess.run(
            [*self.command, *arguments],
            check=False,
            capture_output=True,
            text=True,
            env={**self.engine.env, **self.env},
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr)[-6000:]
            raise RuntimeError(f"compose {arguments[0]} failed ({done.returncode}):\n{said}")
        return done.stdout


@contextmanager
def stack(engine: Engine, files: Sequence[Path], name: str, **env: str) -> Iterator[Stack]:
    """Give the services of compose files, not started yet; all of them go on leaving."""
    options = [word for file in files for word in ("--file", str(file))]
    command = (*compose_command(engine), "--project-name", name, *options)
    made = Stack(engine, command, env)
    try:
        yield made
    except BaseException:
        print(made.compose("logs", "--no-color", "--tail", "40"))
        raise
    finally:
        made.compose("--profile", "*", "down", "--volumes", "--timeout", "5")


def compose_command(engine: Engine) -> list[str]:
    """Give the words that start Compose. Raises DockerMissingError where it cannot be had."""
    own = [str(engine.client), "compose"]
    asked = subprocess.run([*own, "version"], check=False, capture_output=True, env=engine.env)
    if asked.returncode == 0:
        return own
    try:
        return [str(unpacked("docker-compose") / PLUGIN)]
    except NotFetchedError as error:
        raise DockerMissingError(str(error)) from None
