"""A MariaDB server of a test's own: private folder, private port, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.ports import free_port, wait_for
from tests.services.processes import started, user_group

USER, PASSWORD, DATABASE = "reader", "s3cret-w0rd", "shop"


class MariadbMissingError(RuntimeError):
    """No MariaDB server is installed on this machine."""


@dataclass(frozen=True)
class Mariadb:
    """A running server with one database, and a user who may do everything in it."""

    port: int
    socket: Path

    @property
    def url(self) -> str:
        """The address as a project takes it."""
        return f"mysql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{DATABASE}"

    def sql(self, statements: str, database: str = DATABASE) -> None:
        """Run statements as root. Raises CalledProcessError."""
        subprocess.run(
            [
                _program("mariadb"),
                "--no-defaults",
                f"--socket={self.socket}",
                "--user=root",
                "--default-character-set=utf8mb4",
                database,
            ],
            input=statements,
            text=True,
            encoding="utf-8",
            check=True,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def mariadb_server() -> Iterator[Mariadb]:
    """Start an empty server on 127.0.0.1 and yield it.

    The server refuses to run as root: root starts it as `mysql`, whom its package has made. That
    user cannot enter pytest's own folders, therefore the data is in a temporary folder of its own.
    """
    server, install = _program("mariadbd"), _program("mariadb-install-db")
    user = "mysql" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="fourhats-mariadb-"))
    socket, data = folder / "socket", folder / "data"
    try:
        if user is not None:
            shutil.chown(folder, user, user_group(user))
        subprocess.run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            user=user,
            group=user_group(user),
        )
        port = free_port()
        command = [
            server,
            "--no-defaults",
            f"--datadir={data}",
            f"--socket={socket}",
            f"--pid-file={folder / 'pid'}",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            "--innodb-flush-log-at-trx-commit=0",
            "--sync-binlog=0",
        ]
        mariadb = Mariadb(port, socket)
        with started(command, log=folder / "log", cwd=folder, user=user) as process:
            wait_for(lambda: _answers(socket), timeout=60, still_there=process.running)
            mariadb.sql(
                f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;"
                f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';"
                f"GRANT ALL ON {DATABASE}.* TO '{USER}'@'127.0.0.1';",
                database="mysql",
            )
            yield mariadb
    finally:
        shutil.rmtree(folder)


def _answers(socket: Path) -> bool:
    ping = [_program("mariadb-admin"), "--no-defaults", f"--socket={socket}", "--user=root", "ping"]
    return subprocess.run(ping, check=False, capture_output=True).returncode == 0


def _program(name: str) -> str:
    """Find one of the server's programs, which Debian keeps off a user's PATH in part."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise MariadbMissingError(f"no {name} here: install Debian's package `mariadb-server`")
    return found
