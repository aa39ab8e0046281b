"""The experiment on today's documents, and its version in the registry."""

from fourhats_runtime.business import SearchValue
from fourhats_runtime.data.storage import Storage
from fourhats_runtime.data.warehouse import Connection
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.pretrained.models import see_that_they_may_be_used
from fourhats_runtime.project import Project
from fourhats_runtime.search import questions as asked
from fourhats_runtime.search.bench import Bench, Progress
from fourhats_runtime.search.documents import read
from fourhats_runtime.search.experiment import experiment
from fourhats_runtime.search.rankers import KEYWORDS
from fourhats_runtime.search.settings import Search
from fourhats_runtime.search.version import files


def train(project: Project, connection: Connection, progress: Progress) -> str:
    """Compare rankers of the documents in `clean`, and register the chosen one; gives its version.

    Raises:
        ProjectError: there are no documents or too few questions, a model cannot be had, or its
            licence forbids what a client does with it; or a bucket is set up.

    """
    search, contract = project.settings(Search), project.contract
    see_that_they_may_be_used(search)
    if project.settings(Storage).url:
        raise ProjectError("the models of a search are not shared by a bucket: empty storage.url")
    documents = read(connection, contract)
    questions = asked.load(project.folder, contract, documents, project.seed)
    texts = [question.text for question in (*questions.tuned, *questions.judged)]
    bench = Bench(project, search, documents)
    tried = bench.tried(bench.members([field.name for field in contract.fields]), texts, progress)
    value = project.settings(SearchValue)
    found = experiment(tried, documents, questions, value, project.seed)
    chosen = found.chosen
    contents = files(documents, chosen.recipe, bench)
    models = {member.model for member in chosen.recipe.members} - {KEYWORDS}
    card = {
        "model": chosen.recipe.name,
        "recipe": chosen.recipe.kept(),
        "scales": list(chosen.scales),
        "rule": chosen.rule._asdict(),
        "models": {
            name: search.models[name].model_dump(mode="json", exclude_defaults=True)
            for name in sorted(models)
        },
        "documents": {"count": len(documents), "twins": dict(documents.twins)},
        "weak": questions.weak,
    }
    registry = Registry(project.artifacts / "registry")
    contract_text = project.contract_file.read_text(encoding="utf-8")
    version = registry.add(b"", contract_text, card, contents)
    registry.note(
        version,
        "experiment",
        {
            "questions": {"tuned": len(questions.tuned), "judged": len(questions.judged)},
            "notes": [*documents.notes(), *questions.notes],
            "embedded": bench.made,
            "table": [candidate.facts for candidate in found.candidates],
        },
    )
    return version
