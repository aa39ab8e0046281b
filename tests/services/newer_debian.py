"""Programs that Debian 12 has too old or not at all: a newer Debian's, unpacked, not installed."""

import subprocess
from pathlib import Path

from tests.services.storage import cached

RELEASE = "trixie"
SOURCES = """\
Types: deb
URIs: http://deb.debian.org/debian
Suites: {release}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


class NotFetchedError(RuntimeError):
    """A package cannot be had."""


def unpacked(package: str) -> Path:
    """Give the folder that holds a package's files, fetched once a machine.

    Raises NotFetchedError, with what apt says.
    """
    with cached(package, RELEASE, SOURCES) as (folder, made):
        if not made:
            for name in ("lists/partial", "archives/partial"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            sources = folder / "debian.sources"
            sources.write_text(SOURCES.format(release=RELEASE))
            apt = [
                "apt-get",
                "--quiet=2",
                f"--option=Dir::Etc::SourceList={sources}",
                "--option=Dir::Etc::SourceParts=/dev/null",
                f"--option=Dir::State::Lists={folder / 'lists'}",
                f"--option=Dir::Cache={folder}",
                "--option=APT::Sandbox::User=root",
            ]
            for words in (["update"], ["download", f"{package}/{RELEASE}"]):
                try:
                    done = subprocess.run(
                        [*apt, *words], check=False, capture_output=True, text=True, cwd=folder
                    )
                except FileNotFoundError as error:
                    raise NotFetchedError(f"no {package} here, and no apt: {error}") from None
                if done.returncode != 0:
                    raise NotFetchedError(f"no {package} here, nor at Debian's: {done.stderr}")
            (file,) = folder.glob(f"{package}_*.deb")
            subprocess.run(["dpkg-deb", "--extract", file, folder / "root"], check=True)
    return folder / "root"
