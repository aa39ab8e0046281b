"""`fourhats doctor`: what this machine and a project lack, each with the command that fixes it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from fourhats import uv
from fourhats.errors import WrongInputError
from fourhats.source import ANSWERS_FILE
from fourhats.terminal import styled

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
RANGE = ">=3.11,<3.15"
GIGABYTE = 1024**3
NEEDED_DISK = 3 * GIGABYTE
OLDEST_JAVA, JAVA = 17, "openjdk-17-jre-headless"
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
    project = (place / ANSWERS_FILE).is_file()
    if dest is not None and not project and any(place.iterdir()):
        raise WrongInputError(f"{dest} is no Fourhats project: it holds no {ANSWERS_FILE}")
    findings = [*_machine(place), *(_project(place) if project else ())]
    if as_json:
        listed = [{**asdict(finding), "ok": finding.ok} for finding in findings]
        print(json.dumps(listed, indent=2, ensure_ascii=False))
    else:
        for line in _page(findings):
            print(line)
    return 1 if any(finding.needed and not finding.ok for finding in findings) else 0


def _machine(place: Path) -> Iterator[Finding]:
    yield _uv()
    yield from _pythons(place)
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
    named = (column for column in columns if column.get("role") in {"id", "entity"})
    if any(column.get("pii") for column in named):
        yield _variable(place, "PSEUDONYM_KEY", token_hex(32))
    for channel, (name, example) in ALERTS.items():
        if channel in answers.get("alerts", ()):
            yield _variable(place, name, example)


def _uv() -> Finding:
    path = uv.found()
    version = path and _output(path, "--version")
    if not version:
        return Finding("uv", "not installed", uv.INSTALL, needed=True)
    detail = version.removeprefix("uv ")
    if not uv.on_path():
        return Finding("uv", f"{detail}, at {path}: not on the PATH", uv.INSTALL, needed=True)
    return Finding("uv", detail, needed=True)


def _pythons(place: Path) -> Iterator[Finding]:
    """Judge the Python that `uv run` takes in a folder, which need not be the one that runs us."""
    requires = _requires_python(place)
    wanted = SpecifierSet(requires)
    path, chosen = _python_of(place, requires)
    version = re.search(r"\d+\.\d+\.\d+", (path and _output(path, "--version")) or "")
    newest = next((each for each in reversed(PYTHONS) if _fits(wanted, each)), PYTHONS[-1])
    if version is None:
        detail = f"{path} does not start ({chosen})" if path else f"none is installed ({chosen})"
        yield Finding("python", detail, _remedy(place, "install", newest), needed=True)
        return
    detail = f"{version[0]} at {path} ({chosen})"
    if wanted.contains(version[0], prereleases=True):
        yield Finding("python", detail, needed=True)
    else:
        detail += f"; {requires} is needed"
        yield Finding("python", detail, _remedy(place, "pin", newest), needed=True)
    yield _newer_pythons(place, wanted, version[0])


def _requires_python(place: Path) -> str:
    """Return which versions the project in a folder takes, or a new one would."""
    project = _config(place / "pyproject.toml").get("project", {})
    try:
        requires = str(project.get("requires-python", RANGE))
        SpecifierSet(requires)
    except (InvalidSpecifier, AttributeError):
        return RANGE
    return requires


def _fits(wanted: SpecifierSet, python: str) -> bool:
    return wanted.contains(f"{python}.99")


def _python_of(place: Path, requires: str) -> tuple[str | None, str]:
    """Return the path of the Python that is taken in a folder, or None; and who chose it."""
    program = uv.found()
    if program is None:
        return shutil.which("python3"), "python3 on the PATH: there is no uv to choose"
    if os.environ.get("UV_PYTHON"):
        request, by = [os.environ["UV_PYTHON"]], "by UV_PYTHON"
    elif _pinned(place):
        request, by = [], "by .python-version"
    else:
        # Of a project that is there uv also looks at .venv.
        request, by = [] if _is_project(place) else [requires], f"for {requires}"
    return _output(program, "python", "find", *request, cwd=place) or None, f"uv's choice {by}"


def _is_project(place: Path) -> bool:
    return (place / "pyproject.toml").is_file()


def _pinned(place: Path) -> bool:
    return _is_project(place) and (place / ".python-version").is_file()


def _remedy(place: Path, pinned: str, version: str) -> str:
    """Give the command for another Python; where one is pinned, `uv python` has to `pinned` it."""
    if uv.found() and os.environ.get("UV_PYTHON"):
        return "unset UV_PYTHON"
    if not _pinned(place):
        return f"uv python install {version}"
    enter = f"cd {shlex.quote(str(place))}"
    return f"{enter} && uv python {pinned}{f' {version}' if pinned == 'pin' else ''}"


def _newer_pythons(place: Path, wanted: SpecifierSet, version: str) -> Finding:
    name = "newer pythons"
    newer = [each for each in PYTHONS if _fits(wanted, each) and Version(each) > Version(version)]
    found = [each for each in newer if _is_there(place, each)]
    if not newer:
        return Finding(name, "none is needed")
    if found:
        return Finding(name, f"{', '.join(found)} as well")
    return Finding(name, "none is installed", f"uv python install {newer[-1]}")


def _is_there(place: Path, version: str) -> bool:
    program = uv.found()
    if program is None:
        return _starts(f"python{version}")
    return bool(_output(program, "python", "find", "--no-project", version, cwd=place))


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
        content = yaml.safe_load((place / ANSWERS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise WrongInputError(f"{place / ANSWERS_FILE} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise WrongInputError(f"{place / ANSWERS_FILE} holds no answers")
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


def _output(*command: str, cwd: Path | None = None) -> str | None:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=uv.environment(),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
