"""What the documents are made of: answers, terms, business, contract, estimate, diagnosis, run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fourhats_runtime import contract as contract_file
from fourhats_runtime.business import Business
from fourhats_runtime.lifecycle.registry import Promotion, Registry
from fourhats_runtime.settings import Settings
from pydantic import BaseModel, ConfigDict, ValidationError

from fourhats.diagnose.amounts import BUSINESS, amounts, in_words, is_said
from fourhats.diagnose.terms import Engagement, read_engagement
from fourhats.documents.limits import Limits, read_limits
from fourhats.errors import WrongInputError
from fourhats.estimate.result import Estimate, estimate
from fourhats.git import Git, GitError
from fourhats.source import source_root

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourhats_runtime.business import Value
    from fourhats_runtime.contract import Contract

CONTRACT = Path("config") / "contract.toml"
DIAGNOSIS = Path("docs") / "diagnosis.json"
REGISTRY = Path("artifacts") / "registry"
FOLDER = Path("docs") / "engagement"
"""Where the documents are: no file of the template's stands there, so that updates pass it by."""
NOT_OURS = f":(exclude){FOLDER.as_posix()}"


class Gain(BaseModel):
    """What a first model adds a month, with its interval."""

    value: float
    low: float
    high: float


class FirstPoint(BaseModel):
    """How a first plain model did."""

    gain_a_month: Gain


class Month(BaseModel):
    """What a perfect model would add a month."""

    headroom: float


class Verdict(BaseModel):
    """What was recommended, and by what."""

    answer: Literal["go", "first stage", "no go"]
    by: Literal["money", "signal", "data", "cost"]


class Diagnosed(BaseModel):
    """What `fourhats diagnose` found, as far as it is said here."""

    model_config = ConfigDict(extra="ignore")

    verdict: Verdict
    currency: str
    a_month: Month
    first_point: FirstPoint | None


@dataclass(frozen=True)
class Facts:
    """All that is known of an engagement."""

    answers: Mapping[str, Any]
    engagement: Engagement
    """Problem and owner as they were said, wherever that was."""
    decision: str
    value: Value | None
    """What decisions are worth; None: nobody has said."""
    estimate: Estimate
    contract: Contract | None
    """None: there is none, or it describes the sample that stands in for the client's data."""
    limits: Limits
    diagnosis: Diagnosed | None
    promotions: Sequence[Promotion]
    version: str
    written: date
    language: str
    """Of the client: as config/business.toml says, else the answer to `client_language`."""

    @property
    def project(self) -> str:
        """What the project is called."""
        return str(self.answers["project_name"])

    @property
    def searches(self) -> bool:
        """Whether documents are found, and nothing is predicted."""
        return bool(self.answers["task"] == "search")

    def chosen(self, question: str) -> list[str]:
        """Give the answers to a question, each of several; none where nobody asked it."""
        answer = self.answers.get(question)
        if answer is None:
            return []
        return [str(each) for each in answer] if isinstance(answer, list) else [str(answer)]


def read_facts(
    project: Path, given: Mapping[str, Any], answers: Mapping[str, Any], version: str | None
) -> Facts:
    """Gather what is known: `given` was said by somebody, `answers` are complete with defaults.

    Raises:
        WrongInputError: a file holds what it should not.
        ProjectError: one of the runtime's does.

    """
    engagement = read_engagement(project)
    words, decision = in_words(project, given, engagement)
    said = is_said(project, given, str(answers["task"]))
    return Facts(
        answers=answers,
        engagement=engagement.model_copy(update=words),
        decision=decision,
        value=amounts(project, given, answers) if said else None,
        estimate=estimate(project, answers),
        contract=_contract(project, str(answers["task"])),
        limits=read_limits(project, engagement),
        diagnosis=_diagnosis(project / DIAGNOSIS),
        promotions=_promotions(project / REGISTRY),
        version=version or _commit(project),
        written=datetime.now(UTC).date(),
        language=_language(project, answers),
    )


def _language(project: Path, answers: Mapping[str, Any]) -> str:
    if (project / BUSINESS).is_file():
        return Settings(project)(Business).language
    return str(answers["client_language"])


def _contract(project: Path, task: str) -> Contract | None:
    path = project / CONTRACT
    if not path.is_file():
        return None
    found = contract_file.load(path)
    sample = source_root() / "includes" / task / CONTRACT.name
    stands_in = sample.is_file() and contract_file.load(sample) == found
    return None if stands_in else found


def _diagnosis(path: Path) -> Diagnosed | None:
    try:
        return Diagnosed.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise WrongInputError(f"{path} cannot be read: {problem.strerror}") from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise WrongInputError(
            f"{path}: {where}: {first['msg']}: run `fourhats diagnose` again, or delete it"
        ) from problem


def _promotions(registry: Path) -> Sequence[Promotion]:
    """List the champions of a registry that is on this machine."""
    return Registry(registry).promotions() if registry.is_dir() else ()


def _commit(project: Path) -> str:
    """Name the project's commit, with a + where files were changed since; none: the first."""
    git = Git(project)
    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", NOT_OURS).strip()
        return git("rev-parse", "--short=8", "HEAD").strip() + ("+" if changed else "")
    except GitError:
        return "1"
