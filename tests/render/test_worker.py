"""Our worker saves copier's time, and gives what copier gives: it stands under all other tests."""

from pathlib import Path

import copier
import pytest
from fourhats.render import worker

from tests.render.answer_sets import Answers, covering_array
from tests.render.tree import Tree

REPEATED = {
    "copier.yml": "names: {type: yaml, default: [one, two]}\nkept: {default: same}\n",
    "same/{% yield name from names %}{{ name }}{% endyield %}/same/{{ kept }}.md.jinja": (
        "{{ name }} {{ kept }}\n"
    ),
    "same/same/{% yield other from names %}{{ other }}.md{% endyield %}.jinja": "{{ other }}\n",
    "same/{{ kept }}/{{ kept }}.md.jinja": "{{ kept }}\n",
    "{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
}


def both(source: Path, folder: Path, answers: Answers) -> list[dict[str, tuple[int, bytes]]]:
    """Render it by copier, and by our worker."""
    theirs, ours = folder / "project", folder / "ours" / "project"
    copier.run_copy(str(source), theirs, data=answers, defaults=True, quiet=True)
    worker.run_copy(str(source), ours, answers, None)
    return [
        {
            path.relative_to(made).as_posix(): (path.stat().st_mode, path.read_bytes())
            for path in Tree(made, {}).everything()
        }
        for made in (theirs, ours)
    ]


@pytest.mark.parametrize("row", [0, 1])
def test_a_project_is_as_copier_renders_it(row: int, source: Path, tmp_path: Path) -> None:
    theirs, ours = both(source, tmp_path, covering_array(strength=2)[row])
    assert ours == theirs
    assert len(ours) > 100


def test_what_a_template_repeats_is_repeated(tmp_path: Path) -> None:
    for name, text in REPEATED.items():
        (tmp_path / "template" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "template" / name).write_text(text, encoding="utf-8")
    theirs, ours = both(tmp_path / "template", tmp_path, {})
    assert ours == theirs
    assert ours.keys() == {
        *(".copier-answers.yml", "same/one/same/same.md", "same/two/same/same.md"),
        *("same/same/one.md", "same/same/two.md", "same/same/same.md"),
    }
