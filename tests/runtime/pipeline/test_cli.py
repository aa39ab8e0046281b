"""The command line does what the line does, and speaks plainly when it cannot."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fourhats_runtime import Project, pipeline
from fourhats_runtime import contract as contract_file
from fourhats_runtime.cli import command_line
from fourhats_runtime.monitor import alerts, slack
from fourhats_runtime.monitor.findings import Finding

ROOT = Path(__file__).parents[3]
PROGRAM = """
import pathlib
from fourhats_runtime.cli import command_line
from fourhats_runtime.data import Files
from tests.runtime.sample_project import existing
folder = pathlib.Path.cwd()
sources = [Files()] if (folder / "customers.csv").exists() else []
command_line(existing(folder, sources=sources))()
"""


def _type(root: Path, *words: str, program: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_step_prints_one_line(ran: Project) -> None:
    done = _type(ran.folder, "transform")
    assert done.returncode == 0
    assert done.stdout.startswith("transform ")
    assert len(done.stdout.splitlines()) == 1


def test_evaluate_prints_json(ran: Project) -> None:
    facts = json.loads(_type(ran.folder, "evaluate", "--json").stdout)
    assert facts["monthly_value"] == facts["value"] * facts["monthly_volume"]


def test_experiments_are_shown_with_the_reason_that_train_was_given(ran: Project) -> None:
    done = _type(ran.folder, "train", "--note", "once more, to see")
    assert done.returncode == 0, done.stderr
    shown = _type(ran.folder, "experiments")
    assert shown.returncode == 0, shown.stderr
    assert "once more, to see" in " ".join(shown.stdout.split())
    page = "artifacts/reports/experiments.html"
    assert shown.stdout.endswith(f"Page: {page}\n")
    assert "once more, to see" in (ran.folder / page).read_text(encoding="utf-8")
    (only,) = json.loads(_type(ran.folder, "experiments", "--json").stdout)
    assert only["note"] == "once more, to see"
    assert only["verdict"] == "champion"


def test_variants_are_compared_in_a_table(ran: Project, tmp_path: Path) -> None:
    (tmp_path / "linear.toml").write_text('training = { candidates = ["linear"] }\n')
    done = _type(ran.folder, "train", "--compare", str(tmp_path / "linear.toml"))
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert " as it is " in said
    assert " linear linear " in said
    assert "Nothing is registered" in said


@pytest.mark.parametrize("words", [["--compare"], ["linear.toml"]])
def test_what_is_compared_has_to_be_said(fresh: Project, words: list[str]) -> None:
    done = _type(fresh.folder, "train", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(
        ": to compare variants: train --compare VARIANT.toml [VARIANT.toml]...\n"
    )


def test_without_experiments_it_is_said_in_one_line(fresh: Project) -> None:
    done = _type(fresh.folder, "experiments")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(": nothing has been trained yet: run the step `train` first\n")
    assert len(done.stderr.splitlines()) == 1


def test_monitor_says_of_what_it_could_not_judge_that_it_is_not_judged(ran: Project) -> None:
    assert not any((ran.artifacts / "outcomes").glob("*"))
    lines = _type(ran.folder, "monitor").stdout.splitlines()
    assert "questions not judged yet" in lines[0]
    (value,) = [line for line in lines if " outcomes are known" in line][:1]
    assert value.startswith("  not judged yet  0 outcomes are known")
    facts = json.loads(_type(ran.folder, "monitor", "--json").stdout)
    states = {finding["incident"]: finding["state"] for finding in facts["findings"]}
    assert states["performance:value"] == states["calibration"] == "unknown"
    assert states["data:freshness"] == "fine"


def test_what_a_person_can_mend_is_one_line_and_exit_code_2(fresh: Project) -> None:
    done = _type(fresh.folder, "train")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "run the step `transform` first" in done.stderr


def test_ctrl_c_is_one_line(
    fresh: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["shop", "extract"])
    monkeypatch.setattr(pipeline, "run_step", interrupted)
    with pytest.raises(SystemExit) as ended:
        command_line(fresh)()
    assert ended.value.code == 130
    assert capsys.readouterr().err.splitlines()[-1] == "shop: stopped"


def test_a_key_that_nobody_reads_is_named(fresh: Project) -> None:
    path = fresh.folder / "config" / "monitoring.toml"
    text = path.read_text(encoding="utf-8")
    wrong = text.replace("[performance]\n", "[performance]\nmin_valu_share = 1\n")
    path.write_text(wrong, encoding="utf-8")
    done = _type(fresh.folder, "extract")
    assert done.returncode == 2
    assert "performance.min_valu_share" in done.stderr


def test_an_existing_contract_is_not_overwritten(fresh: Project) -> None:
    done = _type(fresh.folder, "contract", "infer", "any.csv", "--target", "any")
    assert done.returncode == 2
    assert "--force" in done.stderr


def test_a_contract_is_not_inferred_from_the_sample(fresh: Project) -> None:
    before = fresh.contract_file.read_bytes()
    done = _type(fresh.folder, "contract", "infer", "--target", "any", "--force")
    assert done.returncode == 2
    assert "no source is set up: fill in config/sources.toml" in done.stderr
    assert fresh.contract_file.read_bytes() == before


def test_what_changed_in_the_source_is_shown_and_merged(fresh: Project) -> None:
    rows = [(f"c{n}", n * 37 % 101, n % 9, "yes" if n * 7 % 10 < 4 else "no") for n in range(120)]
    table, contract = fresh.folder / "customers.csv", fresh.contract_file

    def write(header: str, *more: str) -> None:
        lines = [",".join([*map(str, row), *more]) for row in rows]
        table.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")

    write("customer,fee,calls,churned")
    infer = ("contract", "infer", "customers.csv", "--target", "churned", "--positive", "No")
    assert _type(fresh.folder, *infer, "--force").returncode == 0
    assert contract_file.load(contract).positive == "no"
    by_hand = contract.read_text(encoding="utf-8") + "\n# agreed with the client on Monday\n"
    contract.write_text(by_hand, encoding="utf-8")
    with (fresh.folder / "config" / "sources.toml").open("a", encoding="utf-8") as file:
        file.write('[files]\npath = "customers.csv"\n')
    write("customer,monthly_fee,calls,churned,region", "north")
    shown = _type(fresh.folder, "contract", "diff")
    assert (shown.returncode, shown.stderr) == (0, "")
    gone, added, count = shown.stdout.splitlines()
    assert 'at fee in config/contract.toml write source = "monthly_fee"' in gone
    assert "a new column 'region'" in added
    assert count == "2 differences"
    merged = _type(fresh.folder, "contract", "infer", "--merge")
    assert (merged.returncode, merged.stderr) == (0, "")
    assert "added region" in merged.stdout
    after = contract.read_text(encoding="utf-8")
    assert after.startswith(by_hand)
    assert after.count("[[columns]]") == by_hand.count("[[columns]]") + 1


def test_holidays_are_listed_in_the_contract(fresh: Project) -> None:
    done = _type(fresh.folder, "contract", "holidays", "DE", "--years", "2025-2026")
    assert (done.returncode, done.stderr) == (0, "")
    assert "lists 18 holidays of DE" in done.stdout
    assert len(contract_file.load(fresh.contract_file).holidays) == 18
    for wrong, said in (("Atlantis", "no holidays are known"), ("DE --years soon", "2020-2030")):
        done = _type(fresh.folder, "contract", "holidays", *wrong.split())
        assert done.returncode == 2
        assert said in done.stderr


def test_the_contract_is_checked_against_the_rows(ran: Project) -> None:
    done = _type(ran.folder, "contract", "check")
    assert done.returncode == 0
    assert "the contract is sound" in done.stdout


def test_a_refusal_is_no_failure_and_a_person_may_overrule_it(ran: Project) -> None:
    kept = _type(ran.folder, "promote")
    assert kept.returncode == 0
    assert "kept: v1-" in kept.stdout
    assert "is the champion already" in kept.stdout
    assert "--accept" in _type(ran.folder, "promote", "--help").stdout


def test_a_channel_without_an_address_is_said_first_and_ends_no_run(
    ran: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
    program = PROGRAM.replace("=sources)", '=sources, channels={"slack": slack})')
    program = f"from fourhats_runtime.monitor import slack\n{program}"
    owed = replace(ran, channels={"slack": slack})
    alerts.update(owed, [Finding("drift:a", "alert", "a has moved")])
    done = _type(ran.folder, "run", program=program)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == "warning: SLACK_WEBHOOK_URL is not set: alerts do not reach slack"
    assert lines[-1] == "not sent to slack: drift:a"
    assert done.stdout.count("\nreport ") == 1
    told = _type(ran.folder, "alert", "it failed", "--incident", "step:line", program=program)
    assert told.returncode == 2
    assert "step:line could not be sent to all: SLACK_WEBHOOK_URL is not set" in told.stderr


def test_a_library_that_makes_a_fault_of_ctrl_c_does_not_make_a_traceback_of_it(
    fresh: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise ValueError("no valid buffer") from KeyboardInterrupt()

    monkeypatch.setattr(pipeline.Line, "extract", stopped)
    monkeypatch.setattr(sys, "argv", ["sample", "extract"])
    with pytest.raises(SystemExit) as end:
        command_line(fresh)()
    assert end.value.code == 130
    assert capsys.readouterr().err == "sample: stopped\n"
    assert not alerts.open_incidents(fresh)
