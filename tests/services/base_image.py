"""The base image of the tests: Debian with its Python, made here because no registry is asked."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.services.storage import cached

BASE_PYTHON = "3.11"  # what Debian 12 has
RELEASE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv", "python3-pip")

# What the official image has too: `python` and `pip` as plain commands, free to install.
LIKE_THE_OFFICIAL_IMAGE = """
ln -s python3 "$1/usr/bin/python"
rm "$1"/usr/lib/python3*/EXTERNALLY-MANAGED
"""

SETTINGS = (
    "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "ENV LANG=C.UTF-8",
    'CMD ["python3"]',
)

# How this machine reaches packages has to hold inside, too.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
CLIENT_SETTINGS = (
    (Path("/etc/pip.conf"), "etc/pip.conf"),
    (Path("~/.config/pip/pip.conf"), "root/.config/pip/pip.conf"),
    (Path("/etc/uv/uv.toml"), "etc/uv/uv.toml"),
    (Path("~/.config/uv/uv.toml"), "root/.config/uv/uv.toml"),
)


@dataclass(frozen=True)
class BaseImage:
    """A root file system to import, and the Dockerfile lines that go with it."""

    tarball: Path
    settings: tuple[str, ...]


def base_image() -> BaseImage:
    """Return the base image, made once a machine (half a minute)."""
    maker = shutil.which("mmdebstrap")
    if maker is None:
        raise RuntimeError(
            "no base image without mmdebstrap: install Debian's package of that name"
        )
    host = {path: inside for path, inside in host_files().items() if path.exists()}
    contents = [f"{inside}\n{path.read_text(errors='replace')}" for path, inside in host.items()]
    recipe = [RELEASE, *PACKAGES, LIKE_THE_OFFICIAL_IMAGE, *contents]
    with cached("base-image", *recipe) as (folder, made):
        tarball = folder / "root.tar"
        if not made:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(maker, tarball, host)
    settings: tuple[str, ...] = SETTINGS
    if CERTIFICATES.exists():
        settings += (f"ENV SSL_CERT_FILE={CERTIFICATES}",)
    return BaseImage(tarball, settings)


def host_files() -> dict[Path, str]:
    """Return where this machine's certificates and client settings go in the image."""
    files = {path.expanduser(): inside for path, inside in CLIENT_SETTINGS}
    return files | {CERTIFICATES: str(CERTIFICATES.relative_to("/"))}


def make(maker: str, tarball: Path, host: dict[Path, str]) -> None:
    """Install the packages into a new root file system and pack it."""
    copies = [f"--customize-hook=mkdir -p $1/{Path(inside).parent}" for inside in host.values()]
    copies += [f"--customize-hook=cp {path} $1/{inside}" for path, inside in host.items()]
    done = subprocess.run(
        [
            maker,
            "--variant=apt",
            f"--include={','.join(PACKAGES)}",
            '--aptopt=Acquire::Languages "none"',
            *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "doc", "locale")),
            f"--customize-hook={LIKE_THE_OFFICIAL_IMAGE}",
            *copies,
            RELEASE,
            tarball,
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"mmdebstrap failed:\n{done.stderr[-4000:]}")
