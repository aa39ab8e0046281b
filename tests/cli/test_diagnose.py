"""`fourhats diagnose`: the pages that it writes, what it takes from a project, what it refuses."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from fourhats.diagnose.command import LIBRARIES
from fourhats.diagnose.terms import ASSUMED, Engagement, read_engagement
from fourhats.estimate.engagement import read_terms

from tests.update.commands import fourhats

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.shell import Shell

AMOUNTS = ("-d", "value_right=100", "-d", "value_wrong=20", "-d", "value_monthly_volume=1000")
ENGAGEMENT = """\
[estimate]
day_rate = 1_000

[engagement]
problem = "Customers <leave> & nobody knows"
owner = "Žofia Ćirić"
budget = 5
deadline = 2020-01-31
payback_months = 18
today = "We call whoever is new"

[[engagement.whys]]
because = "nobody calls them"

[engagement.constraints]
explainable = true
latency_ms = 200
"""


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    """Write 600 customers with a personal column; the young and some of one plan leave."""
    lines = ["Customer.ID;E-Mail;Age;Plan;Weight;churned"]
    for row in range(600):
        age, plan = 18 + row * 7 % 60, ("basic", "plus", "pro")[row * 11 % 3]
        leaves = (age < 35 and row % 9 != 0) or (plan == "pro" and row % 4 == 0)
        weight = "" if row % 3 else f"{row * 13 % 90 + 0.5}"
        mail = f"p{row}@example.com"
        lines.append(f"C{row:05};{mail};{age};{plan};{weight};{'yes' if leaves else 'no'}")
    path = tmp_path / "customers.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def diagnosed(*arguments: str | Path) -> dict[str, Any]:
    done = fourhats("diagnose", *arguments, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert isinstance(found, dict)
    return found


def pages(path: Path) -> int:
    """Count the pages of a PDF."""
    return len(re.findall(rb"/Type /Page\b(?!s)", path.read_bytes()))


def test_a_strong_signal_is_go_on_two_pages(customers: Path, tmp_path: Path) -> None:
    terms = tmp_path / "terms" / "config"
    terms.mkdir(parents=True)
    (terms / "engagement.toml").write_text(ENGAGEMENT, encoding="utf-8")
    out = tmp_path / "out"
    today = ("--today", "age < 25")
    arguments = ("--client-data", customers, "--target", "churned", *AMOUNTS, *today)
    found = diagnosed(terms.parent, *arguments, "--out", out)

    share = 600 * float(re.search(r"\(([\d.]+)%\)", found["data"]["Cases"])[1]) / 100  # type: ignore[index]
    calls = round(share)
    month = found["a_month"]
    assert month["policies"]["act on nobody"] == 0
    everybody = 1000 * (calls * 100 - (600 - calls) * 20) / 600
    assert month["policies"]["act on everybody"] == pytest.approx(everybody)
    assert month["perfect"] == pytest.approx(1000 * calls * 100 / 600)
    assert month["headroom"] == pytest.approx(month["perfect"] - everybody)
    young = [row for row in range(600) if 18 + row * 7 % 60 < 25]
    leaving = [row for row in young if row % 9 or (row * 11 % 3 == 2 and row % 4 == 0)]
    by_rule = 1000 * (len(leaving) * 100 - (len(young) - len(leaving)) * 20) / 600
    assert month["policies"]["decide by today's rule"] == pytest.approx(by_rule)

    cost = found["cost"]
    assert cost["amount"]["p80"] == pytest.approx(1000 * cost["days"]["p80"])
    assert cost["needed_a_month"]["p80"] == pytest.approx(cost["amount"]["p80"] / 18)
    assert found["verdict"]["answer"] == "go"
    point = found["first_point"]
    assert point["rows"] == 600
    assert point["precision"]["low"] < point["precision"]["value"] < point["precision"]["high"]
    assert point["gain_a_month"]["low"] > cost["needed_a_month"]["p80"]
    assert found["data"]["Personal data"].startswith("E-Mail")
    assert "Weight (67%)" in found["data"]["Missing values"]
    assert any("later than 2020-01-31" in remark for remark in found["remarks"])

    assert pages(out / "diagnosis.pdf") == 2
    html = (out / "diagnosis.html").read_text(encoding="utf-8")
    assert "Customers &lt;leave&gt; &amp; nobody knows" in html
    assert "more than the budget of 5 EUR" in html
    assert "Žofia Ćirić" in html
    assert "nobody calls them (assumed)" in html
    assert "an answer within 200 ms" in html
    assert (
        "Not answered yet: what it costs today, what a prediction changes, ways without a model"
        in html
    )
    assert not re.search(r"(src|href)=[\"'](?!data:)|@import|url\(", html)


def test_the_longest_answers_still_fit_on_two_pages(customers: Path, tmp_path: Path) -> None:
    terms = tmp_path / "terms" / "config"
    terms.mkdir(parents=True)
    long = "Wort " * 50
    whys = f'[[engagement.whys]]\nbecause = "{long}"\nevidence = "{long}"\n' * 5
    who = f'[[engagement.stakeholders]]\nname = "{long}"\nstake = "{long}"\n' * 3
    (terms / "engagement.toml").write_text(
        f'[engagement]\nproblem = "{long}"\nowner = "{long}"\ndone = "{long}"\n{whys}{who}'
    )
    arguments = ("--client-data", customers, "--target", "churned", *AMOUNTS)
    done = fourhats("diagnose", terms.parent, *arguments, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert pages(tmp_path / "out" / "diagnosis.pdf") == 2
    # Without a day rate it says which one it bears.
    assert "as long as a day of work costs less than" in done.out
    assert "no day rate given" in done.out


def test_little_money_is_no_go_by_money(customers: Path, tmp_path: Path) -> None:
    amounts = ("-d", "value_right=100", "-d", "value_wrong=20", "-d", "value_monthly_volume=10")
    arguments = ("--client-data", customers, "--target", "churned", *amounts, "--day-rate", "900")
    found = diagnosed(*arguments, "--out", tmp_path / "out", "--months", "12")
    assert (found["verdict"]["answer"], found["verdict"]["by"]) == ("no go", "money")
    assert "longer than the 12 that it may take" in found["verdict"]["reason"]


def test_cases_of_one_machine_and_of_the_future_are_kept_apart_and_texts_are_read(
    tmp_path: Path,
) -> None:
    lines = ["machine,day,note,failed"]
    for row in range(896):
        fails = row * 31 % 7 < 2
        words = ("grinding noise", "smells burnt")[row % 2] if fails else "runs as it should"
        kind = "yes" if fails else "no"
        lines.append(f"m{row % 112:03},2026-{1 + row // 112:02}-01,{words} {row},{kind}")
    path = tmp_path / "machines.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    arguments = ("--client-data", path, "--target", "failed", *AMOUNTS, "--day-rate", "900")
    found = diagnosed(*arguments, "--out", tmp_path / "out")
    point = found["first_point"]
    assert point["how"].endswith("earlier cases of others only")
    assert point["entities"] == 112
    assert 600 < point["rows"] < 750, "the first of five parts of the time is learnt from alone"
    assert point["ranking"]["low"] > 0.9, "the words tell"
    assert found["data"]["Time covered"] == "2026-01-01 to 2026-08-01"
    assert found["verdict"]["answer"] == "go"


def test_of_a_number_a_first_model_is_judged_in_money_and_in_its_unit(tmp_path: Path) -> None:
    data = tmp_path / "orders.csv"
    # What a pallet weighs tells what it costs; its colour does not.
    rows = [(row, row * 37 % 200, ("red", "blue")[row * 11 % 2]) for row in range(400)]
    lines = [f"{w},{colour},{3 * w + row * 7 % 11}" for row, w, colour in rows]
    data.write_text("\n".join(["Weight,Colour,Costs", *lines]), encoding="utf-8")
    amounts = ("-d", "value_right=10", "-d", "value_wrong=5", "-d", "value_monthly_volume=3000")
    arguments = ("--client-data", data, "--target", "Costs", *amounts, "--day-rate", "900")
    lacking = fourhats("diagnose", *arguments, "-d", "task=regression")
    assert lacking.code == 2
    assert "--data value_tolerance=…" in lacking.err
    out = tmp_path / "out"
    found = diagnosed(*arguments, "-d", "value_tolerance=60", "--out", out)
    month, point = found["a_month"], found["first_point"]
    assert month["perfect"] == 30_000
    assert set(month["policies"]) > {"plan with nothing"}
    assert month["headroom"] == pytest.approx(30_000 - max(month["policies"].values()))
    gain, off = point["gain_a_month"], point["off"]
    assert gain["low"] < gain["value"] < gain["high"] < month["headroom"]
    assert off["low"] < off["value"] < off["high"] < 30
    # Earnings shrink in a straight line with the error: so both say the same.
    earned = 30_000 * (1 - off["value"] / 60)
    assert gain["value"] + month["policies"][gain["over"]] == pytest.approx(earned, rel=0.01)
    assert point["ranking"]["low"] > 0.9
    assert found["verdict"]["answer"] == "go"
    assert pages(out / "diagnosis.pdf") == 2
    html = (out / "diagnosis.html").read_text(encoding="utf-8")
    assert "an exact number earns 10 EUR, one that is off by 60 nothing" in html
    assert "It is off by" in html


def test_of_several_classes_a_first_model_is_judged(customers: Path, tmp_path: Path) -> None:
    arguments = ("--client-data", customers, "--target", "Plan", *AMOUNTS, "--day-rate", "900")
    found = diagnosed(*arguments, "--out", tmp_path / "out")
    # Each plan is a third of the rows: acting as if all were of one earns 100 / 3 - 2 · 20 / 3.
    assert found["a_month"]["perfect"] == 100_000
    assert max(found["a_month"]["policies"].values()) == pytest.approx(20_000)
    point = found["first_point"]
    assert (point["rows"], point["precision"], point["recall"]) == (600, None, None)
    assert point["off"]["low"] < point["off"]["value"] < point["off"]["high"]
    assert pages(tmp_path / "out" / "diagnosis.pdf") == 2
    assert "It names the right class" in (tmp_path / "out" / "diagnosis.html").read_text("utf-8")


def test_which_class_calls_for_action_can_be_chosen(customers: Path, tmp_path: Path) -> None:
    arguments = ("--client-data", customers, "--target", "churned", *AMOUNTS)
    project = tmp_path / "acme"
    assert fourhats("new", project, "--defaults", "--no-git", *arguments).code == 0
    for where in ((), (project,)):
        usual = diagnosed(*where, *arguments, "--out", tmp_path / "a")
        other = diagnosed(*where, *arguments, "--positive", "no", "--out", tmp_path / "b")
        assert "churned = yes" in usual["data"]["Cases"]
        assert "churned = no" in other["data"]["Cases"]
        both = usual["a_month"]["perfect"] + other["a_month"]["perfect"]
        assert both == pytest.approx(1000 * 100)
    assert "but for no, which was chosen" in " ".join(other["remarks"])
    wrong = fourhats("diagnose", project, *arguments, "--positive", "maybe")
    assert wrong.code == 2
    assert "maybe" in wrong.err


def test_a_profile_begins_with_whether_it_is_worth_building(
    customers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (customers, "--target", "churned")
    arguments = ("--client-data", customers, "--target", "churned", *AMOUNTS)
    unknown = fourhats("profile", *data)
    assert unknown.out.startswith(f"{customers}: 600 rows")
    assert "comes first, once it is known what decisions are worth" in unknown.out
    known = fourhats("profile", *data, *AMOUNTS, "--day-rate", "900")
    assert known.code == 0, known.err
    first, _, rest = known.out.partition(f"{customers}: 600 rows")
    assert first.startswith("Is it worth building? churned, by customers.csv\n\nGo: ")
    assert "With a model that is never wrong" in first
    assert rest.splitlines()[0] == ", 6 columns"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("diagnosis")]
    said = json.loads(fourhats("profile", *data, *AMOUNTS, "--json").out)
    assert said["diagnosis"]["a_month"] == diagnosed(*arguments)["a_month"]
    assert json.loads(fourhats("profile", *data, "--json").out)["diagnosis"] is None
    # Within a project that predicts it, its own amounts count; of another target they do not.
    project = tmp_path / "acme"
    assert fourhats("new", project, "--defaults", "--no-git", *arguments).code == 0
    assert fourhats("profile", *data, "--project", project).out.startswith("Is it worth")
    monkeypatch.chdir(project)
    assert fourhats("profile", *data).out.startswith("Is it worth building?")
    other = fourhats("profile", customers, "--target", "Age")
    assert other.code == 0, other.err
    assert other.out.startswith(f"{customers}: 600 rows")


def test_a_projects_own_amounts_rule_and_contract_count(customers: Path, tmp_path: Path) -> None:
    project = tmp_path / "acme"
    arguments = ("--client-data", customers, "--target", "churned")
    made = fourhats("new", project, "--defaults", "--no-git", *arguments, *AMOUNTS)
    assert made.code == 0, made.err
    business = project / "config" / "business.toml"
    text = business.read_text(encoding="utf-8").replace("act_right = 100.0", "act_right = 50.0")
    business.write_text(text.replace('# today = "tenure_months < 12"', 'today = "age < 25"'))
    contract = project / "config" / "contract.toml"
    contract.write_text(
        contract.read_text(encoding="utf-8").replace('name = "age"', 'name = "years"')
    )
    refused = fourhats("diagnose", project, *arguments)
    assert refused.code == 2
    assert "business.today" in refused.err
    assert "there are, as features in config/contract.toml: years" in refused.err
    business.write_text(business.read_text().replace('"age < 25"', '"years < 25"'))
    found = diagnosed(project, *arguments)
    assert "decide by today's rule" in found["a_month"]["policies"]
    perfect = float(re.search(r"([\d,]+) \(", found["data"]["Cases"])[1].replace(",", ""))  # type: ignore[index]
    assert found["a_month"]["perfect"] == pytest.approx(1000 * 50 * perfect / 600)
    assert "The columns are taken as your config/contract.toml says." in found["remarks"]
    assert (project / "docs" / "diagnosis.pdf").is_file()


def test_the_file_of_the_engagement_is_read_as_it_comes_and_with_its_examples(
    tmp_path: Path,
) -> None:
    project = tmp_path / "acme"
    assert fourhats("new", project, "--defaults", "--no-git").code == 0
    file = project / "config" / "engagement.toml"
    text = file.read_text(encoding="utf-8")
    assert read_engagement(project) == Engagement()
    assert read_terms(project, "EUR")[0].day_rate is None
    settings = re.sub(r"^# (?=[a-z_]+ = |\[\[)", "", text, flags=re.MULTILINE)
    file.write_text(settings, encoding="utf-8")
    found = read_engagement(project)
    assert found.whys
    assert found.stakeholders
    assert found.budget
    assert len(found.constraints.words) == 3
    assert read_terms(project, "EUR")[0].day_rate


def test_what_the_wizard_asks_is_read_from_the_file(tmp_path: Path) -> None:
    project = tmp_path / "acme"
    answers = {
        "engagement_today": 'By the "alphabet" \\ and by chance',
        "engagement_costs_today": "12 % leave; 4 Mio € a year",
        "engagement_whys": "by the alphabet | call log; nobody knows who leaves",
        "engagement_alternatives": "a better contract for all; nothing",
        "engagement_stakeholders": "Call centre | has to call; Finance | pays",
        "engagement_done": "The list is used",
        "engagement_deadline": "2027-06-30",
        "engagement_budget": "40000",
        "engagement_explainable": "true",
        "engagement_latency_ms": "200",
        "engagement_on_clients_machines": "true",
        "engagement_personal_data": "no ages",
        "estimate_day_rate": "900.5",
        "estimate_people": "2",
    }
    typed = [word for name, value in answers.items() for word in ("-d", f"{name}={value}")]
    done = fourhats("new", project, "--defaults", "--no-git", *typed)
    assert done.code == 0, done.err
    found = read_engagement(project)
    assert found.today == answers["engagement_today"]
    assert found.costs_today == answers["engagement_costs_today"]
    assert [(why.because, why.evidence) for why in found.whys] == [
        ("by the alphabet", "call log"),
        ("nobody knows who leaves", ASSUMED),
    ]
    assert found.alternatives == ("a better contract for all", "nothing")
    assert [(each.name, each.stake) for each in found.stakeholders] == [
        ("Call centre", "has to call"),
        ("Finance", "pays"),
    ]
    assert (found.done, found.deadline, found.budget) == (
        *("The list is used", date(2027, 6, 30)),
        40_000,
    )
    assert len(found.constraints.words) == 4
    terms = read_terms(project, "EUR")[0]
    assert (terms.day_rate, terms.people) == (900.5, 2)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("engagement_whys=a;b;c;d;e;f", "at most 5"),
        ("engagement_whys=a;;b", "take away a semicolon"),
        ("engagement_stakeholders=Finance", "who | stake"),
        ("engagement_deadline=2027-02-30", "2027-02-30' is no day"),
        (f"engagement_today={'x' * 301}", "at most 300"),
        ("engagement_budget=-1", "at least 0"),
        ("estimate_people=0", "from 1 to 20"),
    ],
)
def test_a_wrong_answer_about_the_engagement_is_refused(
    answer: str, said: str, tmp_path: Path
) -> None:
    done = fourhats("new", tmp_path / "acme", "--defaults", "-d", answer)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "acme").exists()


def _with(text: str, shell: Shell) -> None:
    (shell.folder / "data.csv").write_text(text, encoding="utf-8")


def test_what_does_not_do_is_said_in_a_line_and_nothing_is_written(shell: Shell) -> None:
    _with(
        "age,left\n" + "".join(f"{20 + n % 50},{'yes' if n % 3 else 'no'}\n" for n in range(99)),
        shell,
    )
    typed = ("diagnose", "--client-data", "data.csv", "--target")
    assert "there is no such file" in shell.refused(
        "diagnose", "--client-data", "nothing.csv", "--target", "left", *AMOUNTS
    )
    assert "gone" in shell.refused(*typed, "gone", *AMOUNTS)
    lacking = shell.refused(*typed, "left", "-d", "value_right=100")
    assert "what are decisions worth" in lacking
    assert "--data value_wrong=… --data value_monthly_volume=…" in lacking
    assert "which column is to be predicted" in shell.refused(
        "diagnose", "--client-data", "data.csv", *AMOUNTS
    )
    assert "there is no such folder" in shell.refused("diagnose", "nowhere", *typed[1:], "left")
    assert "is no number above 0" in shell.refused(*typed, "left", *AMOUNTS, "--day-rate", "-1")
    rule = shell.refused(*typed, "left", *AMOUNTS, "--today", "nothing < 3")
    assert "--today: " in rule
    assert "(there are: age)" in rule
    _with("age,left\n" + "".join(f"{20 + n % 50},yes\n" for n in range(99)), shell)
    assert "left" in shell.refused(*typed, "left", *AMOUNTS)


def test_a_library_that_is_not_installed_is_named(
    customers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIBRARIES, "no_such_module", "no-such-library")
    done = fourhats("diagnose", "--client-data", customers, "--target", "churned", *AMOUNTS)
    assert done.code == 2
    assert "no-such-library: install fourhats with its extra `diagnose`" in done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[engagement]\nbudgt = 1\n", "engagement.budgt: Extra inputs are not permitted"),
        ("[engagement]\ndeadline = 'soon'\n", "engagement.deadline"),
        ("[engagement]\npayback_months = 0\n", "engagement.payback_months"),
        ("[[engagement.whys]]\nevidence = 'none'\n", "engagement.whys.0.because: Field required"),
        ("[engagement.constraints]\nlatency_ms = -1\n", "engagement.constraints.latency_ms"),
        ("engagement = 3\n", "engagement"),
    ],
)
def test_a_wrong_answer_in_the_file_is_named(
    customers: Path, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "engagement.toml").write_text(text)
    done = fourhats("diagnose", "--client-data", customers, "--target", "churned", *AMOUNTS)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.splitlines()) == 1
    assert not list(tmp_path.glob("diagnosis.*"))
