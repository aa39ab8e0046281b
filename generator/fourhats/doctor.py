"""`fourhats doctor`: what this machine and a project lack, each with the command that mends it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from fourhats.errors import WrongInputError
from fourhats.terminal import styled

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHONS = ((3, 11), (3, 12), (3, 13))
GIGABYTE = 1024**3
NEEDED_DISK = 3 * GIGABYTE
OLDEST_JAVA, JAVA = 17, "openjdk-17-jre-headless"
ANSWERS = ".copier-answers.yml"
ALERTS = {
    "slack": ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/…"),
    "teams": ("TEAMS_WEBHOOK_URL", "https://….logic.azure.com/workflows/…"),
    "email": ("ALERT_EMAIL_URL", "mailtos://user:password@smtp.example.com:587?from=…&to=…"),
    "webhook": ("ALERT_WEBHOOK_URL", "https://hooks.example.com/…"),
}
REST_API_SECRETS = {
    "api_key": ("REST_API_KEY",),
    "bearer": ("REST_API_TOKEN",),
    "oauth2": ("REST_API_CLIENT_ID", "REST_API_CLIENT_SECRET"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; what is lacking has a remedy."""

    name: str
    detail: str
    remedy: str = ""
    needed: bool = False

    @property
    def ok(self) -> bool:
        """Tell whether it is as it should be."""
        return not self.remedy


def doctor_command(dest: str | None, *, as_json: bool) -> int:
    """Run `fourhats doctor`: exit code 1 when something is missing that is needed."""
    place = Path(dest or ".").expanduser().resolve()
    if not place.is_dir():
        raise WrongInputError(f"{dest} is no folder: name a project, or the folder for one")
    project = (place / ANSWERS).is_file()
    if dest is not None and not project and any(place.iterdir()):
        raise WrongInputError(f"{dest} is no Fourhats project: it holds no {ANSWERS}")
    findings = [*_machine(place), *(_project(place) if project else ())]
    if as_json:
        listed = [{**asdict(finding), "ok": finding.ok} for finding in findings]
        print(json.dumps(listed, indent=2, ensure_ascii=False))
    else:
        for line in _page(findings):
            print(line)
    return 1 if any(finding.needed and not finding.ok for finding in findings) else 0


def _machine(place: Path) -> Iterator[Finding]:
    yield _python()
    yield _newer_pythons()
    yield _uv()
    yield from _git()
    yield _docker()
    yield _write_access(place)
    yield _disk(place)


def _project(place: Path) -> Iterator[Finding]:
    answers = _answers(place)
    enter = f"cd {shlex.quote(str(place))}"
    first_run = f"{enter} && uv run {answers.get('project_slug', 'PROJECT')} run"
    installed = ("installed", "not installed yet")
    yield _file("environment", place / ".venv", installed, f"{enter} && uv sync")
    contract = ("config/contract.toml", "there is none yet: the first run writes it")
    yield _file("contract", place / "config" / "contract.toml", contract, first_run)
    champion = ("a model is in charge", "no model is in charge yet")
    yield _file("champion", place / "artifacts" / "registry" / "champion", champion, first_run)
    if "mysql" in answers.get("data_sources", ()):
        yield _variable(place, "MYSQL_URL", "mysql://user:password@host:3306/database")
    if "postgres" in answers.get("data_sources", ()):
        yield _variable(place, "POSTGRES_URL", "postgresql://user:password@host/database")
    if answers.get("warehouse") == "postgres":
        example = "postgresql://user:password@host/database"
        yield _variable(place, "WAREHOUSE_URL", example, "a DuckDB file stands in")
    if answers.get("engine") == "spark":
        yield _java()
    sign_in = _config(place / "config" / "sources.toml").get("rest_api", {}).get("auth")
    for name in REST_API_SECRETS.get(sign_in, ()):
        yield _variable(place, name, "…")
    columns = _config(place / "config" / "contract.toml").get("columns", [])
    if any(column.get("role") == "id" and column.get("pii") for column in columns):
        yield _variable(place, "PSEUDONYM_KEY", token_hex(32))
    for channel, (name, example) in ALERTS.items():
        if channel in answers.get("alerts", ()):
            yield _variable(place, name, example)


def _python() -> Finding:
    shown = ".".join(map(str, sys.version_info[:3]))
    remedy = "" if sys.version_info[:2] in PYTHONS else "uv python install 3.13"
    return Finding("python", shown, remedy, needed=True)


def _newer_pythons() -> Finding:
    name, here = "newer pythons", sys.version_info[:2]
    newer = [python for python in PYTHONS if python > here]
    found = [version for version in (f"{x}.{y}" for x, y in newer) if _starts(f"python{version}")]
    if not newer:
        return Finding(name, "none is needed")
    if found:
        return Finding(name, f"{', '.join(found)} as well")
    return Finding(name, "none is installed", "uv python install 3.13")


def _uv() -> Finding:
    version = _output("uv", "--version")
    if version is None:
        remedy = "curl -LsSf https://astral.sh/uv/install.sh | sh"
        return Finding("uv", "not installed", remedy, needed=True)
    return Finding("uv", version.removeprefix("uv "), needed=True)


def _git() -> Iterator[Finding]:
    version = _output("git", "--version")
    if version is None:
        detail = "not installed: updates of a project need it"
        yield Finding("git", detail, _package("git"), needed=True)
        return
    yield Finding("git", version.removeprefix("git version "), needed=True)
    for setting, example in (("user.name", "Ada Lovelace"), ("user.email", "ada@example.com")):
        value = _output("git", "config", "--get", setting)
        remedy = "" if value else f'git config --global {setting} "{example}"'
        yield Finding(f"git {setting}", value or "not set", remedy)


def _docker() -> Finding:
    if shutil.which("docker") is None:
        detail = "not installed: only building the image needs it"
        return Finding("docker", detail, _package("docker.io"))
    version = _output("docker", "version", "--format", "{{.Server.Version}}")
    if not version:
        return Finding("docker", "no engine answers", "sudo systemctl start docker")
    return Finding("docker", version)


def _java() -> Finding:
    found = re.search(r"\d+", _output("java", "--version") or "")
    if found is None:
        return Finding("java", "not installed: Spark runs on it", _package(JAVA), needed=True)
    version = int(found[0])
    remedy = "" if version >= OLDEST_JAVA else _package(JAVA)
    return Finding("java", f"{version} (Spark needs {OLDEST_JAVA})", remedy, needed=True)


def _write_access(place: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding("write access", str(place), needed=True)
    except OSError as error:
        detail = f"{place}: {error.strerror}"
        remedy = f"sudo chown $USER {shlex.quote(str(place))}"
        return Finding("write access", detail, remedy, needed=True)


def _disk(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    detail = f"{free / GIGABYTE:,.1f} GB free"
    if free >= NEEDED_DISK:
        return Finding("disk", detail, needed=True)
    detail += f"; a project with its libraries takes up to {NEEDED_DISK // GIGABYTE} GB"
    return Finding("disk", detail, "uv cache prune", needed=True)


def _file(name: str, path: Path, words: tuple[str, str], remedy: str) -> Finding:
    there, missing = words
    return Finding(name, there) if path.exists() else Finding(name, missing, remedy)


def _variable(place: Path, name: str, example: str, without: str = "") -> Finding:
    """Look where the project's settings look: the environment, then .env. Never show the value.

    Where something does without it, `without` says what.
    """
    if os.environ.get(name):
        return Finding(name, "set in the environment", needed=True)
    try:
        lines = (place / ".env").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    pattern = re.compile(rf"\s*(?:export\s+)?{name}\s*=\s*['\"]?[^\s'\"]")
    if any(pattern.match(line) for line in lines):
        return Finding(name, "set in .env", needed=True)
    remedy = f"echo '{name}={example}' >> {shlex.quote(str(place / '.env'))}"
    if without:
        return Finding(name, f"not set: {without}", remedy)
    return Finding(name, "not set, in the environment or in .env", remedy, needed=True)


def _config(file: Path) -> dict[str, Any]:
    """Read one of the project's own files, as far as it can be read: its commands say more."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _answers(place: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415

    try:
        content = yaml.safe_load((place / ANSWERS).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise WrongInputError(f"{place / ANSWERS} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise WrongInputError(f"{place / ANSWERS} holds no answers")
    return content


def _page(findings: list[Finding]) -> Iterator[str]:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        word, colour = "ok", "green"
        if not finding.ok:
            word, colour = ("MISSING", "red") if finding.needed else ("lacks", "yellow")
        yield f"{styled(word.ljust(7), colour)}  {finding.name.ljust(width)}  {finding.detail}"
        if finding.remedy:
            yield f"{' ' * (width + 11)}{styled(finding.remedy, 'cyan')}"
    lacking = sum(finding.needed and not finding.ok for finding in findings)
    yield ""
    yield (
        f"{lacking} needed thing{'' if lacking == 1 else 's'} missing"
        if lacking
        else ("All that is needed is here")
    )


def _package(name: str) -> str:
    if shutil.which("apt-get"):
        return f"sudo apt-get install {name}"
    if shutil.which("dnf"):
        return f"sudo dnf install {name.removesuffix('.io')}"
    return f"brew install {name.removesuffix('.io')}"


def _starts(command: str) -> bool:
    """Tell whether a Python really starts: a version manager's shim may stand for none."""
    return shutil.which(command) is not None and _output(command, "--version") is not None


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
