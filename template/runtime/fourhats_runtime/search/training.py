"""The experiment on today's documents, and its version in the registry."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from fourhats_runtime.business import SearchValue
from fourhats_runtime.data.warehouse import Connection
from fourhats_runtime.lifecycle.origin import NOTE, code, commit, versions
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.pretrained.models import see_that_they_may_be_used
from fourhats_runtime.project import Project
from fourhats_runtime.search import questions as asked
from fourhats_runtime.search.bench import Bench, Progress
from fourhats_runtime.search.documents import read
from fourhats_runtime.search.experiment import Candidate, Judge, experiment
from fourhats_runtime.search.settings import Search
from fourhats_runtime.search.version import COMPARED, DOCUMENTS, files
from fourhats_runtime.training import Training


def train(project: Project, connection: Connection, progress: Progress) -> str:
    """Compare rankers of the documents in `clean`, and register the chosen one; gives its version.

    Raises:
        ProjectError: there are no documents or too few questions, a model cannot be had, or its
            licence forbids what a client does with it.

    """
    search, contract = project.settings(Search), project.contract
    see_that_they_may_be_used(search)
    documents = read(connection, contract)
    questions = asked.load(project, contract, documents)
    texts = [question.text for question in (*questions.tuned, *questions.judged)]
    bench = Bench(project, search, documents)
    tried = bench.tried(bench.members([field.name for field in contract.fields]), texts, progress)
    value = project.settings(SearchValue)
    judge = Judge(documents, questions, value, project.seed)
    found = experiment(judge, tried, bench.rerankers())
    chosen = found.chosen
    contents = files(documents, chosen.recipe, bench)
    card = {
        "model": chosen.recipe.name,
        "recipe": chosen.recipe.kept(),
        "scales": list(chosen.scales),
        "rule": chosen.rule._asdict(),
        "models": {
            name: search.models[name].model_dump(mode="json", exclude_defaults=True)
            for name in chosen.recipe.models
        },
        "documents": {"count": len(documents), "twins": dict(documents.twins)},
        "weak": questions.weak,
        "example": questions.tuned[0].text,
    }
    registry = Registry(project.artifacts / "registry")
    contract_text = project.contract_file.read_text(encoding="utf-8")
    version = registry.add(b"", contract_text, card, contents)
    facts = {
        "questions": {"tuned": len(questions.tuned), "judged": len(questions.judged)},
        "notes": [*documents.notes(), *questions.notes],
        "embedded": bench.made,
        "table": [candidate.facts for candidate in found.candidates],
    }
    registry.note(version, COMPARED, facts)
    if registry.noted(version, NOTE) is None:
        registry.note(version, NOTE, _origin(project, version, judge, chosen))
    return version


def _origin(project: Project, version: str, judge: Judge, chosen: Candidate) -> dict[str, Any]:
    """Say where a version comes from, as of any model: the ledger compares by it."""
    card = Registry(project.artifacts / "registry").card(version)
    said = sorted((each.text, *sorted(each.right)) for each in judge.asks)
    digest = hashlib.sha256(repr(said).encode()).hexdigest()[:12]
    models = project.settings(Search).models.items()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": commit(project.folder),
        "code": code(project.folder),
        "versions": versions(),
        "training": project.settings(Training).model_dump(mode="json") | {"questions": digest},
        "models": {name: model.weights.sha256[:12] for name, model in models},
        "value": judge.value.model_dump(mode="json", exclude_defaults=True),
        "data": {"sha256": card["files"][DOCUMENTS], "rows": len(judge.documents)},
        "validation": judge.on_tuned(chosen),
    }
