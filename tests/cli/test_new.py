"""`fourhats new` without a terminal: all of a project, or nothing."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.cli.shell import BIN, Shell, copy_template

HOSTILE = (
    "a \"quoted\" 'text' \\ {{ braces }} {% raw %} # no: comment\nnext — 日本 🚀 $HOME `x` \x7e"
)


def answers_of(project: Path) -> dict[str, object]:
    content = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.mark.quick
def test_defaults_write_a_committed_project(shell: Shell) -> None:
    done = shell.fourhats("new", "acme-churn", "--defaults")
    assert (done.code, done.err) == (0, "")
    assert shell.git("-C", "acme-churn", "status", "--porcelain") == ""
    assert shell.git("-C", "acme-churn", "branch", "--show-current") == "main"
    assert shell.git("-C", "acme-churn", "log", "--format=%an %s") == (
        "The data team Start from Fourhats"
    )
    assert [path.name for path in shell.folder.iterdir()] == ["acme-churn"]


def test_the_next_commands_come_last(shell: Shell) -> None:
    done = shell.fourhats("new", "some folder", "--defaults")
    *_, cd, run, test = done.out.splitlines()
    assert cd.split("  ")[1] == "cd 'some folder'"
    assert "uv run some-folder run" in run
    assert "uv run pytest" in test
    assert "\x1b" not in done.out


def test_without_uv_the_command_that_installs_it_is_said_once(shell: Shell) -> None:
    tools = shell.folder.parent / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(str(shutil.which("git")))
    shell.environment["PATH"] = str(tools)
    done = shell.fourhats("new", "without", "--defaults")
    warnings = [line for line in done.out.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert "need uv, which is not on the PATH" in warnings[0]
    assert "curl -LsSf https://astral.sh/uv/install.sh | sh" in warnings[0]
    assert "uv run without run" in done.out
    (tools / "uv").touch(mode=0o755)
    assert "warning" not in shell.fourhats("new", "with", "--defaults").out


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"project_name": "Größe & Co", "task": "regression", "value_tolerance": "2.5"},
        {
            "data_sources": "[postgres, files]",
            "model_family": "[lightgbm, sklearn]",
            "alerts": "[webhook]",
        },
        {"serving": "[batch]", "orchestrator": "none", "ci": "none", "license": "MIT"},
        {"business_problem": HOSTILE, "project_description": HOSTILE, "client_name": HOSTILE},
    ],
    ids=["defaults", "regression", "sources", "batch", "hostile"],
)
def test_the_tree_is_the_one_that_copier_makes(
    shell: Shell, source: Path, answers: dict[str, str]
) -> None:
    pairs = [part for key, value in answers.items() for part in ("-d", f"{key}={value}")]
    ours = shell.fourhats("new", "by-us", "--defaults", "--no-git", *pairs)
    assert ours.code == 0, ours.err
    if "project_name" not in answers:
        pairs += ["-d", "project_name=By us"]
    theirs = shell.run(
        *(str(BIN / "copier"), "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD"),
        *(*pairs, str(source), "by-copier"),
    )
    assert theirs.code == 0, theirs.err
    assert differing(shell.folder / "by-us", shell.folder / "by-copier") == []


def differing(one: Path, other: Path) -> list[str]:
    def content(root: Path) -> dict[str, tuple[int, bytes]]:
        return {
            str(path.relative_to(root)): (path.stat().st_mode, path.read_bytes())
            for path in root.rglob("*")
            if path.is_file()
        }

    a, b = content(one), content(other)
    return [name for name in sorted({*a, *b}) if a.get(name) != b.get(name)]


@pytest.mark.quick
@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (["model_familly=sklearn"], "--data: there is no question 'model_familly': did you mean "),
        (["zzz=1"], "there is no question 'zzz': known are profile, project_name"),
        (
            ["task=clasification"],
            "'clasification' is none of classification, regression, search. Did you",
        ),
        (["value_right=abc"], "value_right: 'abc' is no number."),
        (["value_right=nan"], "value_right: 'nan' is no number."),
        (["value_right=-3"], "value_right: Type an amount above 0"),
        (["value_monthly_volume=3.5"], "value_monthly_volume: '3.5' is no whole number."),
        (["value_monthly_volume=" + "9" * 5000], "is no whole number."),
        (["serving=[api, api]"], "serving: 'api' is named twice."),
        (["serving=[api"], "serving: '[api' is no list"),
        (["serving=api,fax"], "serving: 'fax' is none of api, batch, stream."),
        (["serving="], "serving: Choose at least one way to take predictions."),
        ([""], "--data takes key=value, not ''"),
        (["task"], "--data takes key=value, not 'task'"),
        (["=classification"], "--data takes key=value, not '=classification'"),
        (["task=regression", "task=regression"], "--data task is given twice"),
        (["project_name="], "project_name: The name is empty"),
        (["project_name=Import"], "package_name: 'import' is a Python keyword"),
        (["package_name=pandas-x"], "package_name: 'pandas-x' is no valid package name"),
        (["package_name=json"], "package_name: 'json' is a module of Python's standard library"),
        (["project_name=a\x1b[31mb"], "project_name: The name holds a line break"),
        (["user_email=nobody"], "user_email: 'nobody' is no e-mail address"),
    ],
)
def test_an_answer_that_does_not_do_is_refused(shell: Shell, pairs: list[str], words: str) -> None:
    given = [part for pair in pairs for part in ("-d", pair)]
    assert words in shell.refused("new", "acme", "--defaults", *given)


@pytest.mark.quick
def test_text_that_is_no_utf_8_is_refused(shell: Shell) -> None:
    assert "not valid UTF-8" in shell.refused("new", "acme", "-d", b"project_name=caf\xe9")


@pytest.mark.quick
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"task: [unclosed", "is no valid YAML"),
        (b"- a\n- b\n", "holds no answers"),
        (b"just text", "holds no answers"),
        (b"task: \xff\xfe", "is not written in UTF-8"),
        (b"tsk: regression", "there is no question 'tsk': did you mean 'task'?"),
        (b"serving: {api: true}", "serving: '{'api': True}' is no list"),
        (b"project_name: [a]", "project_name: ['a'] is no text."),
        (b"project_name:", "project_name: nothing is no text."),
        (b"value_monthly_volume: true", "value_monthly_volume: True is no whole number."),
        (b"a: &a [*a, *a]\nb: !!python/object:os.system {}", "is no valid YAML"),
    ],
)
def test_an_answers_file_that_does_not_do_is_refused(
    shell: Shell, content: bytes, words: str
) -> None:
    (shell.folder / "answers.yml").write_bytes(content)
    line = shell.refused("new", "acme", "--defaults", "--answers", "answers.yml")
    assert words in line


@pytest.mark.quick
def test_a_missing_answers_file_is_named(shell: Shell) -> None:
    line = shell.refused("new", "acme", "--answers", "none.yml")
    assert line == "none.yml cannot be read: No such file or directory"


def test_a_single_answer_wins_over_the_file(shell: Shell) -> None:
    (shell.folder / "answers.yml").write_text("task: regression\npython_version: 3.11\n")
    done = shell.fourhats("new", "a", "--answers", "answers.yml", "-d", "task=classification")
    assert done.code == 0, done.err
    answers = answers_of(shell.folder / "a")
    assert (answers["task"], answers["python_version"]) == ("classification", "3.11")


def test_the_answers_of_one_project_start_another(shell: Shell) -> None:
    shell.fourhats("new", "one", "-d", "task=regression", "-d", "serving=batch")
    done = shell.fourhats("new", "two", "--answers", "one/.copier-answers.yml", "--defaults")
    assert (done.code, done.err) == (0, "")
    assert answers_of(shell.folder / "one") == answers_of(shell.folder / "two")


@pytest.mark.quick
def test_an_answer_that_the_others_leave_out_is_said_to_be_unused(shell: Shell) -> None:
    done = shell.fourhats("new", "a", "--defaults", "--dry-run", "-d", "value_tolerance=3")
    assert done.code == 0
    assert done.err == "note: value_tolerance is not used: the other answers leave it out\n"


@pytest.mark.quick
def test_without_a_terminal_it_says_that_it_takes_the_defaults(shell: Shell) -> None:
    done = shell.fourhats("new", "a", "--dry-run")
    assert done.code == 0
    assert done.err == "note: no terminal to ask on: what is not given takes its default\n"


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("acme-churn", "Acme churn"),
        ("a/b/deep_down", "Deep down"),
        ("json", "Json project"),
        ("2024", "2024"),
        ("данные", "Данные"),
        ("...", "Customer churn"),
    ],
)
def test_the_folder_names_the_project(shell: Shell, folder: str, name: str) -> None:
    done = shell.fourhats("new", folder, "--defaults")
    assert done.code == 0, done.err
    assert answers_of(shell.folder / folder)["project_name"] == name


@pytest.mark.quick
def test_a_folder_that_holds_something_is_left_alone(shell: Shell) -> None:
    (shell.folder / "taken").mkdir()
    (shell.folder / "taken" / "notes.txt").write_text("mine")
    assert "taken exists and is not empty" in shell.refused("new", "taken", "--defaults")


@pytest.mark.quick
def test_a_file_is_no_destination(shell: Shell) -> None:
    (shell.folder / "taken").write_text("mine")
    assert shell.refused("new", "taken", "--defaults").startswith("taken is a file")
    assert "is a file" in shell.refused("new", "taken/below", "--defaults")


@pytest.mark.quick
@pytest.mark.parametrize(
    "place", ["", "  ", "/proc/project", "/proc/1/project", "x" * 300, "a/" * 3000 + "b"]
)
def test_a_place_that_cannot_be_written_is_refused(shell: Shell, place: str) -> None:
    shell.refused("new", place, "--defaults")


@pytest.mark.quick
@pytest.mark.parametrize("target", ["link", "nowhere"])
def test_a_link_that_leads_nowhere_is_refused(shell: Shell, target: str) -> None:
    (shell.folder / "link").symlink_to(target)
    shell.refused("new", "link/project", "--defaults")


def test_no_project_is_put_into_another(shell: Shell) -> None:
    shell.fourhats("new", "outer", "--defaults")
    assert "lies inside the project" in shell.refused("new", "outer/docs/inner", "--defaults")


def test_an_empty_folder_is_filled_in_place(shell: Shell) -> None:
    """It may be a mount, or where the shell stands: it must stay the same folder."""
    inode = shell.folder.stat().st_ino
    done = shell.fourhats("new", ".", "--defaults", "-d", "project_name=Here")
    assert done.code == 0, done.err
    assert shell.folder.stat().st_ino == inode
    assert shell.git("status", "--porcelain") == ""
    assert not [path for path in shell.folder.iterdir() if path.name.startswith(".fourhats")]
    assert "cd " not in done.out


def test_the_folder_has_the_rights_of_any_other(shell: Shell) -> None:
    shell.fourhats("new", "acme", "--defaults")
    (shell.folder / "ordinary").mkdir()
    modes = [stat.S_IMODE((shell.folder / name).stat().st_mode) for name in ("acme", "ordinary")]
    assert modes[0] == modes[1]


def test_a_dry_run_names_the_files_and_writes_nothing(shell: Shell) -> None:
    done = shell.fourhats("new", "acme", "--defaults", "--dry-run")
    assert done.code == 0
    assert shell.listing() == []
    shell.fourhats("new", "acme", "--defaults", "--no-git")
    files = [path for path in (shell.folder / "acme").rglob("*") if path.is_file()]
    drawn = [line for line in done.out.splitlines() if "── " in line and not line.endswith("/")]
    assert len(drawn) == len(files)
    assert f"{len(files)} files; nothing was written" in done.out


def test_no_git_means_no_repository(shell: Shell) -> None:
    done = shell.fourhats("new", "acme", "--defaults", "--no-git")
    assert "--no-git" in done.out
    assert not (shell.folder / "acme" / ".git").exists()


def test_inside_a_repository_none_is_started(shell: Shell) -> None:
    shell.git("init", "--quiet")
    done = shell.fourhats("new", "below/acme", "--defaults")
    assert f"Inside the git repository {shell.folder}" in done.out
    assert not (shell.folder / "below" / "acme" / ".git").exists()


def test_git_settings_of_the_machine_do_not_spoil_the_first_commit(shell: Shell) -> None:
    home = Path(shell.environment["HOME"])
    hooks = home / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "commit-msg", "post-commit"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    (home / "ignored").write_text("*.toml\n*.py\n")
    (home / "config").write_text(
        f"[core]\nhooksPath = {hooks}\nexcludesFile = {home / 'ignored'}\n"
        "[commit]\ngpgSign = true\n[user]\nname = Ada\nemail = ada@example.com\n"
    )
    shell.environment |= {"GIT_CONFIG_GLOBAL": str(home / "config"), "GIT_DIR": "/nowhere"}
    done = shell.fourhats("new", "acme", "--defaults")
    assert done.code == 0, done.err
    del shell.environment["GIT_DIR"]
    assert "pyproject.toml" in shell.git("-C", "acme", "ls-files").splitlines()
    assert shell.git("-C", "acme", "log", "--format=%an") == "Ada"


def test_a_git_that_fails_leaves_nothing_behind(shell: Shell) -> None:
    programs = shell.folder.parent / "bin"
    programs.mkdir()
    (programs / "git").write_text(
        '#!/bin/sh\ncase "$*" in *" commit --quiet"*) echo full >&2; exit 1;; esac\n'
        'exec /usr/bin/env PATH="${PATH#*:}" git "$@"\n'
    )
    (programs / "git").chmod(0o755)
    shell.environment["PATH"] = f"{programs}{os.pathsep}{shell.environment['PATH']}"
    done = shell.fourhats("new", "acme", "--defaults")
    assert done.code == 1
    assert done.err == "fourhats: git commit failed (--no-git does without): full\n"
    assert shell.listing() == []


def test_a_template_that_breaks_leaves_nothing_behind(shell: Shell, source: Path) -> None:
    broken = copy_template(source, shell.folder.parent)
    (broken / "template" / "zzz.txt.jinja").write_text("{{ no_such_answer }}")
    done = shell.fourhats("new", "a/b/c", "--defaults", "--source", str(broken))
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "no_such_answer" in done.err
    assert shell.listing() == []


@pytest.mark.quick
def test_a_template_that_runs_commands_is_refused(shell: Shell, source: Path) -> None:
    tasked = copy_template(source, shell.folder.parent)
    with (tasked / "copier.yml").open("a") as settings:
        settings.write("\n---\n_tasks: ['touch /tmp/owned']\n")
    done = shell.fourhats("new", "acme", "--defaults", "--source", str(tasked))
    assert done.code == 1
    assert done.err.startswith("fourhats: the template cannot be rendered: UnsafeTemplateError")
    assert shell.listing() == []


def test_the_template_that_came_along_is_the_one_to_use(shell: Shell) -> None:
    del shell.environment["FOURHATS_SOURCE"]
    done = shell.fourhats("new", "acme", "--defaults", "--dry-run")
    assert done.code == 0, done.err
    assert "pyproject.toml" in done.out


@pytest.mark.quick
def test_a_folder_without_questions_is_no_template(shell: Shell) -> None:
    line = shell.refused("new", "acme", "--defaults", "--source", ".")
    assert line == ". is no template: it holds no copier.yml"


def test_a_relative_source_is_noted_absolute(shell: Shell, source: Path) -> None:
    copy_template(source, shell.folder.parent)
    done = shell.fourhats("new", "acme", "--defaults", "--source", "..")
    assert done.code == 0, done.err
    noted = answers_of(shell.folder / "acme")["_src_path"]
    assert noted == str(shell.folder.parent.resolve())


def released(shell: Shell, source: Path, repository: Path, version: str) -> tuple[str, ...]:
    """Make a repository of the template with one release; give the words of git within it."""
    repository.mkdir()
    copy_template(source, repository)
    git = ("-C", str(repository), "-c", "user.name=x", "-c", "user.email=x@example.com")
    shell.git(*git, "init", "--quiet")
    shell.git(*git, "add", "--all")
    shell.git(*git, "commit", "--quiet", "-m", "one")
    shell.git(*git, "tag", version)
    return git


def test_a_repository_gives_its_newest_release(shell: Shell, source: Path) -> None:
    repository = shell.folder.parent / "template.git"
    git = released(shell, source, repository, "v1.9.0")
    shell.git(*git, "commit", "--quiet", "--allow-empty", "-m", "two")
    shell.git(*git, "tag", "v1.10.0")
    (repository / "questions" / "99_later.yml").write_text("later: not released")
    shell.git(*git, "add", "--all")
    shell.git(*git, "commit", "--quiet", "-m", "three")
    url = f"git+file://{repository}"
    done = shell.fourhats("new", "acme", "--defaults", "--source", url)
    assert (done.code, done.err) == (0, "")
    answers = answers_of(shell.folder / "acme")
    assert (answers["_src_path"], answers["_commit"]) == (url, "v1.10.0")


def test_uncommitted_changes_of_a_checkout_are_part_of_it(shell: Shell, source: Path) -> None:
    repository = shell.folder.parent / "checkout"
    released(shell, source, repository, "v1.0.0")
    (repository / "template" / "new.txt").write_text("new")
    done = shell.fourhats("new", "acme", "--defaults", "--no-git", "--source", str(repository))
    assert done.code == 0
    assert done.err == f"note: {repository} has uncommitted changes: they are part of the project\n"
    assert (shell.folder / "acme" / "new.txt").is_file()
    # Not the commit that copier makes of the changes in a clone of its own: nobody has that later.
    assert answers_of(shell.folder / "acme")["_commit"] == "v1.0.0"
    shell.run(
        *(str(BIN / "copier"), "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD"),
        *("--data", "project_name=Acme", str(repository), "by-copier"),
    )
    assert differing(shell.folder / "acme", shell.folder / "by-copier") == [".copier-answers.yml"]


@pytest.mark.quick
def test_a_url_without_a_repository_is_refused(shell: Shell) -> None:
    line = shell.refused("new", "acme", "--defaults", "--source", "git+file:///nowhere/at/all")
    assert line.startswith("the template cannot be fetched: ")


def test_the_persons_own_copier_defaults_count(shell: Shell) -> None:
    settings = Path(shell.environment["HOME"]) / "settings.yml"
    settings.write_text("defaults:\n  user_name: Ada Lovelace\n  unknown: x\n")
    shell.environment["COPIER_SETTINGS_PATH"] = str(settings)
    shell.fourhats("new", "acme", "--defaults")
    assert answers_of(shell.folder / "acme")["user_name"] == "Ada Lovelace"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("milliseconds", range(0, 1300, 100))
def test_a_signal_at_any_moment_leaves_all_or_nothing(
    shell: Shell, number: signal.Signals, milliseconds: int
) -> None:
    scratch = shell.folder.parent / "scratch"
    scratch.mkdir()
    # Before Python has read our first line, a signal is the interpreter's to answer: not before a
    # shorter command is over, however busy the machine is.
    begun = time.monotonic()
    shell.fourhats("--version")
    start = time.monotonic() - begun
    process = subprocess.Popen(
        [BIN / "fourhats", "new", "acme", "--defaults"],
        cwd=shell.folder,
        env={**shell.environment, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(start + milliseconds / 1000)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    if process.returncode == 0:
        assert shell.git("-C", "acme", "status", "--porcelain") == ""
        assert [path.name for path in shell.folder.iterdir()] == ["acme"]
    else:
        assert process.returncode in {128 + number, -number}
        assert shell.listing() == []
    assert list(scratch.iterdir()) == []


@pytest.mark.quick
def test_the_help_names_what_works_and_nothing_else(shell: Shell) -> None:
    done = shell.fourhats("--help")
    assert done.code == 0
    commands = done.out.partition("commands:\n")[2]
    assert [line.split()[0] for line in commands.splitlines()] == [
        *("new", "update", "set", "status", "adopt", "profile", "diagnose", "estimate"),
        *("documents", "doctor"),
    ]
    assert shell.fourhats().out == done.out


@pytest.mark.quick
def test_the_version_is_shown(shell: Shell) -> None:
    assert shell.fourhats("--version").out.startswith("fourhats 0.")


@pytest.mark.quick
@pytest.mark.parametrize(
    "arguments", [["nwe"], ["new"], ["new", "a", "--deafults"], ["new", "a", "b"], ["--def"]]
)
def test_a_wrong_command_line_gets_one_line(shell: Shell, arguments: list[str]) -> None:
    assert "--help`" in shell.refused(*arguments)


@pytest.mark.quick
def test_a_reader_that_stops_early_is_no_error(shell: Shell) -> None:
    done = shell.run("sh", "-c", f"{BIN}/fourhats new --help | true; echo done")
    assert (done.out, done.err) == ("done\n", "")


@pytest.mark.quick
def test_run_without_uv_is_refused_before_anything_is_written(shell: Shell) -> None:
    shell.environment["PATH"] = "/usr/bin:/bin"
    if (Path("/usr/bin/uv")).exists():
        pytest.skip("uv is part of this system")
    assert "--run needs uv" in shell.refused("new", "acme", "--defaults", "--run")
