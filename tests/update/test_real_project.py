"""The real template: no line is lost, and a project that was worked in still works."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.render.answer_sets import covering_array
from tests.services.rendered import Project, command, install, project_env
from tests.update.claims import Update, check, configuration_stays_its_users
from tests.update.commands import fourhats, state, undo
from tests.update.edits import OWN_NAMES, edits
from tests.update.real_template import CHANGES, OWNED, RealTemplate
from tests.update.snapshot import differences
from tests.update.template import commit
from tests.update.workshop import Workshop, work

if TYPE_CHECKING:
    from pathlib import Path

ROWS = covering_array(strength=2)
ANSWERS = [{}, ROWS[0], ROWS[len(ROWS) // 2]]

OWN_MODULE = '''\
"""Features of our own."""

from fourhats_runtime.model import Columns


def fee_a_year(row: Columns) -> Columns:
    """Derive what a customer pays in a year."""
    return {"fee_a_year": 12 * row["monthly_fee"]}
'''
OWN_TASK = """\
    BashOperator(task_id="tell_the_sales_team", bash_command="true")
"""
SEE_THE_FEATURE = """
from customer_churn.project import project
from fourhats_runtime.lifecycle import Model
model = Model.champion(project)
inputs = model.feed({name: [value] for name, value in model.example.items()})
print(round(float((inputs["fee_a_year"] / inputs["monthly_fee"]).item()), 3))
"""


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Workshop[RealTemplate]:
    """Projects of the real template."""
    template = RealTemplate.made(tmp_path_factory.mktemp("real"))
    return Workshop(template, tmp_path_factory.mktemp("real-projects"))


# An update of the real one takes ten times as long as one of the small one, so what fails is shown
# as it was drawn, and few are drawn but by `make nightly`.
@settings(
    max_examples=int(os.environ.get("REAL_CASES", "4")),
    deadline=None,
    print_blob=True,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    answers=st.sampled_from(ANSWERS),
    changes=st.sets(st.sampled_from(sorted(CHANGES)), min_size=1),
    data=st.data(),
)
def test_no_line_of_a_real_project_is_lost(
    real: Workshop[RealTemplate],
    answers: dict[str, object],
    changes: set[str],
    data: st.DataObject,
) -> None:
    real.template.release(changes)
    project, old = real.start(answers)
    paths = sorted(set(old) - {".copier-answers.yml"})
    made = data.draw(edits(st.sampled_from(paths), OWN_NAMES))
    before = work(project, made)
    said = fourhats("update", project, "--yes")
    new = real.render("v2.0.0", answers)
    update = Update(old, before.files, new, state(project), said, OWNED)
    check(update)
    configuration_stays_its_users(update)
    undo(project, said)
    assert not differences(before.files, state(project).files)


def test_an_untouched_real_project_becomes_what_the_new_version_renders(
    real: Workshop[RealTemplate],
) -> None:
    real.template.release(CHANGES)
    project, _ = real.start({})
    assert fourhats("update", project, "--yes").code == 0
    assert not differences(real.render("v2.0.0", {}), state(project).files)


def test_a_project_that_was_worked_in_still_works_after_its_update(
    real: Workshop[RealTemplate],
) -> None:
    real.template.release(CHANGES)
    folder, _ = real.start({"project_name": "Customer churn"})
    package = folder / "src" / "customer_churn"
    (package / "own_features.py").write_text(OWN_MODULE)
    change(
        package / "features.py",
        {
            "\n\n\ndef derived(": "\n\nfrom .own_features import fee_a_year\n\n\ndef derived(",
            "    return {\n": "    return {\n        **fee_a_year(row),\n",
        },
    )
    change(
        folder / "runtime/fourhats_runtime/pipeline.py",
        {'"""The line, step by step.': '"""The line, step by step, as we like it.'},
    )
    change(folder / "config" / "business.toml", {"monthly_volume = ": "monthly_volume = 1"})
    change(folder / "dags" / "customer_churn.py", {"\n\n\nline()\n": f"\n{OWN_TASK}\n\nline()\n"})
    business = (folder / "config" / "business.toml").read_bytes()
    commit(folder)

    said = fourhats("update", folder, "--yes")

    assert said.code == 0, said
    dag = (folder / "dags" / "customer_churn.py").read_text()
    assert '"@weekly"' in dag
    assert OWN_TASK in dag
    compile(dag, "dag", "exec")
    assert (folder / "config" / "business.toml").read_bytes() == business
    assert "The template says more." in (package / "transform.py").read_text()
    project = install(Project(folder, "customer-churn"))
    command(project, "run")
    assert run(folder, "-c", SEE_THE_FEATURE).split() == ["12.0"]
    pipeline = (folder / "runtime/fourhats_runtime/pipeline.py").read_text()
    assert "as we like it" in pipeline
    assert "The runtime says more." in pipeline
    assert " passed" in run(folder, "-m", "pytest", "-q")


def change(file: Path, replacements: dict[str, str]) -> None:
    """Edit a file; what is replaced has to be there."""
    text = file.read_text()
    for old, new in replacements.items():
        assert text.count(old) == 1, f"{file} has changed: {old}"
        text = text.replace(old, new)
    file.write_text(text)


def run(folder: Path, *arguments: str) -> str:
    """Run the project's own Python; return what it prints."""
    done = subprocess.run(
        [folder / ".venv" / "bin" / "python", *arguments],
        cwd=folder,
        env=project_env({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout
