"""Stand-ins for object stores that speak their real protocols: moto, Azurite, a Google emulator.

Each has an environment of its own, so that none has a say in a project's dependencies.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pyarrow import fs

from tests.services.ports import free_port, wait_for
from tests.services.processes import started
from tests.services.storage import cached

PINS = Path(__file__).with_name("object-stores-constraints.txt")
AZURITE = "azurite@3.35.0"
KEEP_ALIVE = Path(__file__).with_name("azurite_keep_alive.cjs")
GCS = Path(__file__).with_name("gcs_gaps.py")
BUCKET = "sales"
# The account that Azurite has for everyone.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


class StoreMissingError(RuntimeError):
    """A stand-in can't be installed on this machine."""


@dataclass(frozen=True)
class ObjectStore:
    """A store with an empty bucket: how a project names it, and our own way in."""

    scheme: str
    files: fs.FileSystem
    settings: Mapping[str, str] = field(default_factory=dict)
    """What a project's surroundings have to say."""

    def address(self, name: str) -> str:
        """Give the address of an object, or of a pattern."""
        return f"{self.scheme}://{BUCKET}/{name}"

    def put(self, name: str, content: bytes) -> None:
        """Write an object."""
        with self.files.open_output_stream(f"{BUCKET}/{name}", compression=None) as stream:
            stream.write(content)

    def remove(self, name: str) -> None:
        """Take an object away."""
        self.files.delete_file(f"{BUCKET}/{name}")

    def empty(self) -> None:
        """Take all objects away."""
        for info in self.files.get_file_info(fs.FileSelector(BUCKET, recursive=True)):
            if info.is_file:
                self.files.delete_file(info.path)


@contextmanager
def s3_store() -> Iterator[ObjectStore]:
    """Start moto, and yield it with a bucket."""
    program = environment("moto", "moto[s3,server]") / "bin" / "moto_server"
    port = free_port()
    with running([program, "-H", "127.0.0.1", "-p", str(port)], port):
        endpoint = f"http://127.0.0.1:{port}"
        files = fs.S3FileSystem(
            access_key="test",
            secret_key="s3cret",  # noqa: S106 - of a server that is gone soon
            endpoint_override=endpoint,
            region="us-east-1",
            allow_bucket_creation=True,
        )
        files.create_dir(BUCKET)
        yield ObjectStore(
            "s3",
            files,
            {
                "OBJECT_STORAGE__ENDPOINT": endpoint,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "s3cret",
            },
        )


@contextmanager
def gcs_store() -> Iterator[ObjectStore]:
    """Start a Google Cloud Storage emulator, and yield it with a bucket."""
    python = environment("gcs", "gcp-storage-emulator") / "bin" / "python"
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--in-memory"]
    with running([python, GCS, "start", *options, "--default-bucket", BUCKET], port):
        files = fs.GcsFileSystem(
            anonymous=True, endpoint_override=f"127.0.0.1:{port}", scheme="http"
        )
        settings = {
            "OBJECT_STORAGE__ENDPOINT": f"http://127.0.0.1:{port}",
            "OBJECT_STORAGE__ANONYMOUS": "true",
        }
        yield ObjectStore("gs", files, settings)


@contextmanager
def azure_store() -> Iterator[ObjectStore]:
    """Start Azurite, and yield it with a container."""
    port = free_port()
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    address = ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    with running(["node", "--require", KEEP_ALIVE, azurite(), *options, *address], port):
        place = f"127.0.0.1:{port}"
        files = fs.AzureFileSystem(
            account_name=AZURE_ACCOUNT,
            account_key=AZURE_KEY,
            blob_storage_authority=place,
            blob_storage_scheme="http",
            dfs_storage_authority=place,
            dfs_storage_scheme="http",
        )
        files.create_dir(BUCKET)
        settings = {
            "OBJECT_STORAGE__ENDPOINT": f"http://{place}",
            "AZURE_STORAGE_ACCOUNT": AZURE_ACCOUNT,
            "AZURE_STORAGE_KEY": AZURE_KEY,
        }
        yield ObjectStore("az", files, settings)


@contextmanager
def running(command: list[str | Path], port: int) -> Iterator[None]:
    """Run a server until the block ends; it is there once its port takes connections."""
    with tempfile.TemporaryDirectory(prefix="fourhats-store-") as folder:
        log = Path(folder) / "log"
        with started(command, log=log, cwd=Path(folder)) as server:
            wait_for(lambda: takes_connections(port), timeout=60, still_there=server.running)
            yield


def takes_connections(port: int) -> bool:
    """Tell whether something listens on a port of this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def environment(name: str, *wanted: str, pins: Path = PINS) -> Path:
    """Make a stand-in's environment, or give the one that was made."""
    with cached(name, pins.read_text(), *wanted, sys.version) as (path, made):
        if not made:
            python = path / "bin" / "python"
            venv = ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(path)]
            install = ["uv", "pip", "install", "--quiet", "--python", str(python)]
            for command in (venv, [*install, "--constraint", str(pins), *wanted]):
                subprocess.run(command, check=True)
    return path


def azurite() -> Path:
    """Install Azurite, or give the one that was. Raises StoreMissingError."""
    npm = shutil.which("npm")
    if npm is None:
        raise StoreMissingError("no npm here, which Azurite comes by: install Debian's `npm`")
    with cached("azurite", AZURITE) as (path, made):
        if not made:
            options = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", str(path)]
            subprocess.run([npm, *options, AZURITE], check=True)
    return path / "node_modules" / ".bin" / "azurite-blob"


STORES = {"s3": s3_store, "gcs": gcs_store, "azure": azure_store}
"""Each kind, by name."""
