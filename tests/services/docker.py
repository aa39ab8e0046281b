"""A real Docker engine: one that answers here, or a private one that is gone afterwards."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.services.base_image import BASE_PYTHON, base_image
from tests.services.ports import wait_for
from tests.services.processes import started

CLIENT_WITHOUT_BUILDX = 23  # from this version on, a client needs the buildx plugin to build


class DockerMissingError(RuntimeError):
    """No engine answers, and none can be started."""


@dataclass(frozen=True)
class Container:
    """A running container."""

    engine: "Engine"
    id: str

    def exec(self, *command: str) -> str:
        """Run a command inside and return what it prints."""
        return self.engine.docker("exec", self.id, *command)

    def inspect(self) -> dict[str, Any]:
        """Return what the engine knows about it."""
        return dict(json.loads(self.engine.docker("inspect", self.id))[0])

    def health(self) -> str:
        """Return `starting`, `healthy` or `unhealthy`, or `exited` once it has ended."""
        state = self.inspect()["State"]
        return str(state["Health"]["Status"] if state["Running"] else state["Status"])

    def wait_healthy(self, timeout: float = 60.0) -> None:
        """Wait for the image's own health check to pass. Raises TimeoutError."""
        wait_for(
            lambda: self.health() == "healthy",
            timeout=timeout,
            still_there=lambda: self.health() in {"starting", "healthy"},
        )

    def logs(self) -> str:
        """Return what its process has printed."""
        done = subprocess.run(
            [self.engine.client, "logs", self.id],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.engine.env,
        )
        return done.stdout


@dataclass(frozen=True)
class Engine:
    """A Docker engine and the client that speaks to it.

    `private` is an engine of our own that has no registry to ask: the base images are made here.
    """

    client: Path
    env: Mapping[str, str] = field(repr=False)
    private: bool

    def docker(self, *arguments: str | Path) -> str:
        """Run the client and return what it prints. Raises RuntimeError with all it said."""
        done = subprocess.run(
            [self.client, *arguments], check=False, capture_output=True, text=True, env=self.env
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr)[-6000:]
            raise RuntimeError(f"docker {arguments[0]} failed ({done.returncode}):\n{said}")
        return done.stdout

    def build(self, context: Path, dockerfile: Path, tag: str, target: str = "") -> str:
        """Build an image as a project's own command would, and return its name.

        `target` names the stage to stop at.
        """
        text = dockerfile.read_text()
        if self.private:
            # A `# syntax=` line asks a registry for the builder.
            text = without_digests(re.sub(r"\A# *syntax *=.*\n", "", text))
            for name in base_names(text):
                self.import_base(name)
        with tempfile.TemporaryDirectory(prefix="fourhats-build-") as folder:
            copy = Path(folder) / "Dockerfile"
            copy.write_text(text)
            ignore = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
            if ignore.exists():
                shutil.copy(ignore, f"{copy}.dockerignore")
            options = ["--target", target] if target else []
            self.docker(
                "build", "--network", "host", *options, "--tag", tag, "--file", copy, context
            )
        return tag

    def import_base(self, name: str) -> None:
        """Give this engine the base image under the name that a Dockerfile asks for."""
        if not re.fullmatch(rf"python:{re.escape(BASE_PYTHON)}[a-z0-9.-]*", name):
            raise DockerMissingError(
                f"the Dockerfile starts from {name}; without a registry there is only "
                f"python:{BASE_PYTHON}-…: render the project with python_version={BASE_PYTHON}"
            )
        if self.docker("images", "--quiet", name).strip():
            return
        image = base_image()
        changes = [f"--change={line}" for line in image.settings]
        self.docker("import", *changes, image.tarball, name)

    @contextmanager
    def run(
        self, image: str, *options: str, network: str = "host", command: Sequence[str] = ()
    ) -> Iterator[Container]:
        """Run an image, by default on this machine's network; remove the container on leaving."""
        identity = self.docker("run", "--detach", "--network", network, *options, image, *command)
        container = Container(self, identity.strip())
        try:
            yield container
        except BaseException:
            print(f"--- the container's log\n{container.logs()[-4000:]}")
            raise
        finally:
            self.docker("rm", "--force", "--volumes", container.id)

    def size_in_bytes(self, image: str) -> int:
        """Return what an image holds, its base included."""
        return int(self.docker("image", "inspect", "--format", "{{.Size}}", image))

    def answers(self) -> bool:
        """Tell whether there is an engine behind the client."""
        done = subprocess.run([self.client, "info"], check=False, capture_output=True, env=self.env)
        # An older client prints the server's absence and still exits 0.
        return done.returncode == 0 and b"Server Version:" in done.stdout


@contextmanager
def docker_engine() -> Iterator[Engine]:
    """Yield an engine that answers here and can fetch images, or else a private one.

    Raises DockerMissingError, which says what to install.
    """
    client = building_client()
    host = Engine(client, os.environ | {"DOCKER_BUILDKIT": "1"}, private=False)
    if host.answers() and can_pull(host):
        yield host
        return
    if os.geteuid() != 0:
        raise DockerMissingError("no Docker engine answers here, and only root can start one")
    if not (shutil.which("dockerd") and shutil.which("runc")):
        raise DockerMissingError("no Docker engine here: install Debian's docker.io and runc")
    folder = Path(tempfile.mkdtemp(prefix="fourhats-docker-"))
    socket = f"unix://{folder}/socket"
    command: list[str | Path] = [
        "dockerd",
        "--data-root", folder / "data",
        "--exec-root", folder / "exec",
        "--pidfile", folder / "pid",
        "--host", socket,
        "--iptables=false",
        "--ip6tables=false",
        "--bridge=none",
    ]  # fmt: skip
    try:
        with started(command, log=folder / "log", grace=30) as daemon:
            env = os.environ | {"DOCKER_BUILDKIT": "1", "DOCKER_HOST": socket}
            env.pop("DOCKER_CONTEXT", None)
            engine = Engine(client, env, private=True)
            wait_for(engine.answers, timeout=60, still_there=daemon.running)
            try:
                yield engine
            finally:
                # Their shims would outlive the daemon.
                if left := engine.docker("ps", "--all", "--quiet").split():
                    engine.docker("rm", "--force", "--volumes", *left)
    finally:
        unmount_below(folder)
        shutil.rmtree(folder)


def building_client() -> Path:
    """Return a client that can build with BuildKit: it has buildx, or is too old to need it."""
    for candidate in (shutil.which("docker"), "/usr/bin/docker"):
        if candidate is None or not Path(candidate).exists():
            continue
        version = subprocess.run(
            [candidate, "--version"], check=True, capture_output=True, text=True
        ).stdout
        major = int(re.search(r"version (\d+)", version).group(1))  # type: ignore[union-attr]
        buildx = subprocess.run([candidate, "buildx", "version"], check=False, capture_output=True)
        if major < CLIENT_WITHOUT_BUILDX or buildx.returncode == 0:
            return Path(candidate)
    raise DockerMissingError("no docker client here that can build: install Debian's docker.io")


def unmount_below(folder: Path) -> None:
    """Unmount what the daemon left mounted: the network namespace of containers without one."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(f"{folder}/")]):
        subprocess.run(["umount", mount], check=True)


def can_pull(engine: Engine) -> bool:
    """Tell whether the engine has, or can fetch, the image that projects start from."""
    try:
        engine.docker("pull", "--quiet", f"python:{BASE_PYTHON}-slim-bookworm")
    except RuntimeError:
        return False
    return True


def without_digests(text: str) -> str:
    """Name images by their tags alone: one that is made here has another digest."""
    return re.sub(r"@sha256:[0-9a-f]{64}\b", "", text)


def base_names(dockerfile: str) -> list[str]:
    """Return the images that a Dockerfile starts from, its own stages left out."""
    arguments = dict(re.findall(r"(?mi)^ARG\s+(\w+)=(\S+)", dockerfile))
    stages = set(re.findall(r"(?mi)^FROM\s+.*\s+AS\s+(\S+)", dockerfile)) | {"scratch"}
    names = re.findall(r"(?mi)^FROM\s+(?:--\S+\s+)*(\S+)", dockerfile)
    filled = [re.sub(r"\$\{?(\w+)\}?", lambda hit: arguments[hit[1]], name) for name in names]
    return [name for name in dict.fromkeys(filled) if name not in stages]
