"""MLflow holds the experiments of a search as well."""

from fourhats_runtime import Project
from fourhats_runtime.lifecycle.ledger import experiments
from fourhats_runtime.lifecycle.tracking import track

from tests.runtime.lifecycle.test_tracking import runs


def test_a_search_is_an_experiment_in_mlflow(searched: Project) -> None:
    track(searched)
    _, found = runs(searched)
    (experiment,) = experiments(searched)
    run = found[experiment.version]
    assert run.data.params["model"] == experiment.model
    assert run.data.tags["verdict"] == "champion"
    assert experiment.gain is not None
    assert run.data.metrics["gain"] == experiment.gain.gain
    assert run.data.metrics["seconds"] == experiment.seconds
