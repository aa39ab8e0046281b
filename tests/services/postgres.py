"""A PostgreSQL server of a test's own: private folder, private port, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.ports import free_port, wait_for
from tests.services.processes import started, user_group


class PostgresMissingError(RuntimeError):
    """No PostgreSQL server is installed on this machine."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start an empty server on 127.0.0.1 and yield its URL.

    The server refuses to run as root: root starts it as `postgres` or `nobody`. That user cannot
    enter pytest's own folders, therefore the data is in a temporary folder of its own.
    """
    binaries = server_binaries()
    user = server_user()
    folder = Path(tempfile.mkdtemp(prefix="fourhats-postgres-"))
    data = folder / "data"
    try:
        if user is not None:
            shutil.chown(folder, user, user_group(user))
        subprocess.run(
            [
                binaries / "initdb",
                "--pgdata", data,
                "--username", "postgres",
                "--auth", "trust",
                "--encoding", "UTF8",
                "--locale", "C.UTF-8",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            user=user,
            group=user_group(user),
        )  # fmt: skip
        port = free_port()
        command: list[str | Path] = [
            binaries / "postgres",
            "-D", data,
            "-p", str(port),
            "-c", "listen_addresses=127.0.0.1",
            "-c", f"unix_socket_directories={folder}",
            "-c", "fsync=off",
        ]  # fmt: skip
        with started(command, log=folder / "log", cwd=folder, user=user) as server:
            wait_for(lambda: accepts(binaries, port), timeout=30, still_there=server.running)
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder)


def server_binaries() -> Path:
    """Return the folder with `initdb` and `postgres`. Raises PostgresMissingError."""
    on_path = shutil.which("initdb")
    if on_path and shutil.which("postgres"):
        return Path(on_path).resolve().parent
    # Debian keeps them off the PATH, one folder a version.
    packaged = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    if packaged:
        return packaged[-1].parent
    raise PostgresMissingError("no PostgreSQL server here: install Debian's package `postgresql`")


def server_user() -> str | None:
    """Return the user to run the server as, None for whoever we are."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def accepts(binaries: Path, port: int) -> bool:
    """Tell whether the server takes connections (`pg_isready`, which comes with it)."""
    ready = shutil.which("pg_isready") or binaries / "pg_isready"
    done = subprocess.run(
        [ready, "--host", "127.0.0.1", "--port", str(port)], check=False, capture_output=True
    )
    return done.returncode == 0
