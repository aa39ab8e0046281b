"""What a column is decided to be: classes, leaks, names of rows, repeats, personal data."""

import csv
import random
import tomllib
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from fourhats_runtime import contract as contract_file
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.profile import Column, Profile, TargetError, profile_file, to_toml
from fourhats_runtime.profile.classes import find_classes

Rows = dict[str, Sequence[object]]
Profiled = Callable[..., Profile]
ROWS = 400
DRAWN = random.Random(48)
TENURE = [DRAWN.randrange(72) for _ in range(ROWS)]
LEFT = [DRAWN.random() < 0.8 - months / 90 for months in TENURE]
OPENED = [date(2024, 1, 1) + timedelta(days=place) for place in range(ROWS)]


@pytest.fixture
def profiled(tmp_path: Path) -> Profiled:
    """Profile columns that stand beside a tenure and the target `gone`, unless they replace it."""

    def profile(columns: Rows, target: str | None = "gone", task: str | None = None) -> Profile:
        table = {"tenure": TENURE, "gone": [int(left) for left in LEFT]} | columns
        path = tmp_path / "table.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(table)
            writer.writerows(zip(*table.values(), strict=True))
        return profile_file(str(path), target, task)

    return profile


def _column(profile: Profile, source: str) -> Column:
    return next(column for column in profile.columns if column.source == source)


def _kept(profile: Profile, tmp_path: Path) -> contract_file.Contract:
    path = tmp_path / "contract.toml"
    path.write_text(to_toml(profile), encoding="utf-8")
    return contract_file.load(path)


# --- the target


def test_spellings_of_a_class_are_one_and_kept(profiled: Profiled, tmp_path: Path) -> None:
    words = [DRAWN.choice(("yes", "YES", "Yes") if left else ("no", "NO", "No ")) for left in LEFT]
    profile = profiled({"gone": words})
    assert (_column(profile, "gone").categories, profile.positive) == (("no", "yes"), "yes")
    assert any('"YES", "Yes" and "yes"' in warning for warning in profile.warnings)
    assert _kept(profile, tmp_path).target.spellings == {"no": ("NO", "No"), "yes": ("YES", "Yes")}


def test_words_for_yes_and_no_are_two_classes() -> None:
    classes = find_classes({"yes": 40, "Y": 12, "true": 3, "no": 50, "n": 5}, 0)
    assert (classes.sizes, classes.positive) == ({"no": 55, "yes": 55}, "yes")


def test_the_class_that_calls_for_action_can_be_said(profiled: Profiled, tmp_path: Path) -> None:
    words = [DRAWN.choice(("Stays", "stays")) if not left else "leaves" for left in LEFT]
    found = profiled({"gone": words})
    profile = found.acting_on("STAYS ")
    assert _kept(profile, tmp_path).positive == profile.positive != found.positive
    assert profile.positive_share == pytest.approx(1 - LEFT.count(True) / ROWS)
    assert found.acting_on("leaves") == found
    with pytest.raises(TargetError, match=r"gone has no class left; its classes are .*leaves"):
        found.acting_on("left")
    with pytest.raises(TargetError, match="two classes"):
        profiled({}, target=None).acting_on("leaves")


@pytest.mark.parametrize(
    ("counted", "positive"),
    [
        ({"ja": 60, "nein": 40}, "ja"),
        ({"oui": 60, "non": 40}, "oui"),
        ({"sí": 60, "no": 40}, "sí"),
        ({"benign": 40, "malignant": 60}, "malignant"),
        ({"Existing Customer": 40, "Attrited": 60}, "Attrited"),
        ({"ok": 30, "zu spät": 70}, "zu spät"),
        ({"1": 60, "2": 40}, "2"),
        ({"red": 60, "blue": 40}, "blue"),
        ({"a": 30, "b": 30, "c": 30}, None),
    ],
)
def test_the_class_that_calls_for_action_is_found(
    counted: dict[str, int], positive: str | None
) -> None:
    assert find_classes(counted, 0).positive == positive


def test_a_class_of_one_row_is_set_aside_and_the_two_others_are_learnt(
    profiled: Profiled, tmp_path: Path
) -> None:
    words = ["minor" if left else "none" for left in LEFT]
    words[77] = "B"
    profile = profiled({"gone": words})
    assert _column(profile, "gone").categories == ("minor", "none")
    assert any("are set aside (set_aside): B (1)" in warning for warning in profile.warnings)
    assert _kept(profile, tmp_path).target.set_aside == ("B",)


def test_many_rare_classes_are_merged(profiled: Profiled) -> None:
    words = ["yes" if left else "no" for left in LEFT]
    words[:16] = list("ABCDEFGH") * 2
    target = _column(profiled({"gone": words}), "gone")
    assert target.categories == ("no", "other", "yes")
    assert target.spellings == {"other": tuple("ABCDEFGH")}


def test_one_value_or_nothing_is_two_classes_where_blanks_are_many(
    profiled: Profiled, tmp_path: Path
) -> None:
    profile = profiled({"gone": ["returned" if left else "" for left in LEFT]})
    assert (profile.task, profile.positive) == ("classification", "returned")
    assert any("blanks are taken for the class not returned" in w for w in profile.warnings)
    assert _kept(profile, tmp_path).target.blank == "not returned"


@pytest.mark.parametrize(
    ("name", "values", "task"),
    [
        ("golds", range(9), "regression"),
        ("wine_class", range(9), "classification"),
        ("rooms", range(4), "classification"),
        ("stars", (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0), "regression"),
    ],
)
def test_small_counts_are_numbers_and_it_is_said_how_to_have_classes(
    profiled: Profiled, name: str, values: Sequence[float], task: str
) -> None:
    counts = [DRAWN.choice(values) for _ in TENURE]
    profile = profiled({name: counts}, name)
    other = "classification" if task == "regression" else "regression"
    assert profile.task == task
    assert any(f'answer task with "{other}"' in warning for warning in profile.warnings)
    assert profiled({name: counts}, name, other).task == other


def test_the_tail_of_a_count_is_no_rare_class(profiled: Profiled) -> None:
    counts = [0] * 300 + [1] * 60 + [2] * 35 + [3] * 4 + [4]
    assert profiled({"claims": counts}, "claims").task == "regression"


# --- leaks


def _priced(weight: Callable[[float], float]) -> Rows:
    price = [300 + months * 60 + DRAWN.randrange(60) for months in TENURE]
    return {"price": price, "weight": [weight(amount) for amount in price], "tenure": LEFT}


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("alive", ["no" if left else "yes" for left in LEFT], "in other words"),
        ("body", [n if left and n % 9 else "" for n, left in enumerate(LEFT, 1)], "one class only"),
        ("paid_back", [n * 3 if left else 0 for n, left in enumerate(LEFT, 1)], "one class only"),
        (
            "exit_status",
            [("x" if left == (n % 6 > 0) else "yz"[n % 2]) for n, left in enumerate(LEFT)],
            "known only afterwards, by its name",
        ),
        (
            "gone_score",
            [("x" if left == (n % 6 > 0) else "yz"[n % 2]) for n, left in enumerate(LEFT)],
            "is called like the target",
        ),
    ],
)
def test_a_leak_is_left_out_until_it_is_accepted(
    profiled: Profiled, tmp_path: Path, name: str, values: Sequence[object], reason: str
) -> None:
    profile = profiled({name: values})
    column = _column(profile, name)
    assert (column.role, column.leak, column.switch) == (
        *("ignore", "suspected"),
        'leak = "accepted"',
    )
    assert reason in column.note
    (said,) = (warning for warning in profile.warnings if warning.startswith(f"{name}: left out"))
    assert "rows" in said, "it says how much it tells"
    assert name not in {feature.name for feature in _kept(profile, tmp_path).features}
    path = tmp_path / "contract.toml"
    path.write_text(path.read_text().replace('leak = "suspected"', 'leak = "accepted"'))
    accepted = next(c for c in contract_file.load(path).features if c.name == name)
    assert accepted.type == column.type


def test_a_feature_that_is_suspected_is_refused_with_the_line_to_write(
    profiled: Profiled, tmp_path: Path
) -> None:
    text = to_toml(profiled({"alive": LEFT}))
    path = tmp_path / "contract.toml"
    path.write_text(text.replace('role = "ignore"', 'role = "feature"'), encoding="utf-8")
    with pytest.raises(ProjectError, match="set leak = 'accepted'"):
        contract_file.load(path)


def test_the_same_strength_without_a_telling_name_is_honest(profiled: Profiled) -> None:
    half = [("x" if left == (n % 6 > 0) else "yz"[n % 2]) for n, left in enumerate(LEFT)]
    assert _column(profiled({"segment": half}), "segment").role == "feature"
    weak = ["x" if left == (n % 3 > 0) else "y" for n, left in enumerate(LEFT)]
    assert _column(profiled({"exit_status": weak}), "exit_status").role == "feature"


def test_a_zero_is_one_of_a_scale_where_the_amounts_tell_little(profiled: Profiled) -> None:
    held = [0 if not left and n % 3 else 1 + n % 6 for n, left in enumerate(LEFT)]
    assert _column(profiled({"party": held}), "party").role == "feature"
    gaps = [number or "" for number in held]
    assert _column(profiled({"party": gaps}), "party").leak == "suspected"


def test_a_strong_honest_number_stays_with_a_warning_and_a_copy_does_not(
    profiled: Profiled,
) -> None:
    honest = profiled(_priced(lambda price: round(price / 60 + DRAWN.gauss(0, 0.3), 2)), "price")
    assert _column(honest, "weight").role == "feature"
    assert any("weight: tells nearly everything" in warning for warning in honest.warnings)
    for again in (lambda price: round(price * 1.1), lambda price: -price):
        assert _column(profiled(_priced(again), "price"), "weight").leak == "suspected"


def test_a_date_that_is_known_only_afterwards_is_a_leak_and_no_time(profiled: Profiled) -> None:
    closed = [day + timedelta(days=3 + 20 * left) for day, left in zip(OPENED, LEFT, strict=True)]
    profile = profiled({"opened": OPENED, "closed_at": closed})
    assert (_column(profile, "opened").role, _column(profile, "closed_at").leak) == (
        *("time", "suspected"),
    )
    assert "comes after opened" in _column(profile, "closed_at").note
    mixed = [day + timedelta(days=9 if n % 3 else -9) for n, day in enumerate(OPENED)]
    assert not _column(profiled({"opened": OPENED, "closed_at": mixed}), "closed_at").leak


# --- names of rows


def test_an_id_is_told_by_evidence(profiled: Profiled) -> None:
    numbered = _column(profiled({"id": [f"{n}.0" for n in range(1, ROWS + 1)]}), "id")
    assert (numbered.role, numbered.type) == ("id", "text")
    measured = _column(profiled({"weight": [n * 1.37 for n in range(ROWS)]}), "weight")
    assert measured.role == "feature"
    for counted in (range(5_001, 5_001 + ROWS), range(9_000, 9_000 - ROWS, -1)):
        assert _column(profiled({"ticket": counted}), "ticket").role == "id"
    for name, whole in (
        ("year", range(1_600, 1_600 + ROWS)),  # a row a year
        ("dose", DRAWN.sample(range(5_001, 5_001 + ROWS), ROWS)),  # all of them, in any order
        ("reading", range(0, 2 * ROWS, 2)),
    ):
        assert _column(profiled({name: whole}), name).role != "id", name
    index = _column(profiled({"Unnamed: 0": DRAWN.sample(range(9999), ROWS)}), "Unnamed: 0")
    assert (index.role, index.note) == ("ignore", "numbers the rows, which says nothing about them")


def test_no_name_breaks_a_contract(profiled: Profiled, tmp_path: Path) -> None:
    names = ("id", "label", "_row", "_source", "raw", "select", "prediction", "probabilities")
    columns = {name: [DRAWN.randrange(30) for _ in TENURE] for name in names}
    contract = _kept(profiled(columns), tmp_path)
    assert {column.source for column in contract.features} == {*names, "tenure"}


# --- columns that say nothing of their own


def test_a_copy_of_a_column_is_left_out_and_one_in_another_order_is_not(
    profiled: Profiled,
) -> None:
    profile = profiled({"months": TENURE, "reversed": TENURE[::-1]})
    assert _column(profile, "months").note == "holds the same as tenure in every row"
    assert _column(profile, "reversed").role == "feature"


def test_what_is_collected_only_since_late_is_left_out(profiled: Profiled) -> None:
    late = [place % 9 if place > ROWS * 0.9 else "" for place in range(ROWS)]
    spread = [place % 9 if place % 10 == 0 else "" for place in range(ROWS)]
    profile = profiled({"day": OPENED, "score": late, "rating": spread})
    assert "known only since 2024-12-27" in _column(profile, "score").note
    assert (_column(profile, "score").role, _column(profile, "rating").role) == (
        *("ignore", "feature"),
    )


# --- personal data


@pytest.mark.parametrize(
    ("name", "values", "what"),
    [
        ("kontakt", ("Anna Schmidt", "Dupont, Marie", "José García", "Olu Rossi"), "names"),
        ("wo", ("Lindenweg 3", "Hauptstr. 17a", "12 rue de Lyon", "Via Roma 8"), "postal"),
        ("g", ("männlich", "weiblich", "divers"), "sex, a special category"),
        ("glaube", ("katholisch", "evangelisch", "konfessionslos"), "religion"),
        ("group", ("White", "Black", "Asian"), "origin"),
        ("Sex (1 = M, 2 = F)", (1, 2), "sex, a special category"),
        ("customer_gender_code", (1, 2, 9), "sex, a special category"),
        ("religion: 1 none 2 any", (1, 2), "religion"),
        ("prénom", ("A", "B"), "names"),
        ("name", ("A", "B"), "names"),
        ("Nacionalidad", ("ES", "FR"), "origin"),
        ("handicap", ("oui", "non"), "health"),
        ("codice fiscale", ("RSSMRA80A01H501U", "VRDLGI80A01H501U"), "numbers of documents"),
    ],
)
def test_personal_data_is_known_by_name_and_by_value(
    profiled: Profiled, name: str, values: Sequence[str], what: str
) -> None:
    column = _column(profiled({name: [DRAWN.choice(values) for _ in TENURE]}), name)
    assert (column.role, column.pii) == ("ignore", True)
    assert column.note.count("personal data") == 1
    assert f"personal data: {what}" in column.note
    assert column.switch == 'role = "feature" and pii = false'


def test_a_date_of_birth_gives_an_age_and_it_is_said(profiled: Profiled) -> None:
    born = [f"19{80 + place % 19}-01-{place % 28 + 1:02}" for place, _ in enumerate(TENURE)]
    profile = profiled({"fecha de nacimiento": born})
    column = _column(profile, "fecha de nacimiento")
    assert (column.role, column.pii, column.parts[0]) == ("feature", False, "year")
    (said,) = (warning for warning in profile.warnings if "date of birth" in warning)
    assert 'role = "ignore" leaves it out' in said


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("city", ("Paris", "London", "Victoria", "Florence")),
        ("colour", ("white", "black", "red")),
        ("nombre_enfants", (0, 1, 2, 3)),
        ("product", ("Max Pro", "Basic", "Plus One", "Air")),
        ("name", ("amc rebel sst", "buick skylark 320", "ford galaxie 500")),
    ],
)
def test_what_names_nobody_stays(profiled: Profiled, name: str, values: Sequence[object]) -> None:
    column = _column(profiled({name: [DRAWN.choice(values) for _ in TENURE]}), name)
    assert (column.role, column.pii) == ("feature", False)


def test_a_table_about_health_keeps_what_it_is_about_and_says_so(profiled: Profiled) -> None:
    pregnant = [DRAWN.randrange(2) for _ in TENURE]
    profile = profiled({"pregnant": pregnant, "disease": LEFT}, "disease")
    assert _column(profile, "pregnant").role == "feature"
    assert any(
        warning.startswith("pregnant: about people's health") for warning in profile.warnings
    )
    assert _column(profiled({"pregnant": pregnant}), "pregnant").pii


# --- what is left out is listed


def test_every_column_that_is_left_out_has_its_reason_and_the_line_that_would_use_it(
    profiled: Profiled,
) -> None:
    profile = profiled(
        {
            "constant": ["x"] * ROWS,
            "months": TENURE,
            "mail": [f"p{place}@example.org" for place in range(ROWS)],
            "copy": LEFT,
        }
    )
    left_out = {c.source: c for c in profile.columns if c.role == "ignore"}
    assert left_out.keys() == {"constant", "months", "mail", "copy"}
    text = to_toml(profile)
    for column in left_out.values():
        assert column.note
        assert f'role = "ignore"  # to use it: {column.switch}' in text
    assert len(tomllib.loads(text)["columns"]) == len(profile.columns)
