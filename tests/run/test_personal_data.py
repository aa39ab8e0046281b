"""Personal data reaches nothing that the project keeps: planted, run, served, looked for."""

from __future__ import annotations

import csv
import json
import tomllib
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import pytest
import xlsxwriter

from tests.services.rendered import Project, command, example_record, install, render, serve
from tests.services.tables import deliveries

if TYPE_CHECKING:
    from pathlib import Path

ROWS, OPEN_ROWS = 900, 60
KEY = {"PSEUDONYM_KEY": "0123456789abcdef0123456789abcdef", "TRAINING__TRIALS": "2"}
DOMAIN = "planted.example"
PHONE = "+49 171 5550"
JOIN = """
[[joins]]
source = "excel"
on = ["e_mail"]

[[columns]]"""


@dataclass(frozen=True)
class Client:
    """A project, and its customers: a CSV with who they are, a workbook with how loyal they are."""

    project: Project
    orders: Path

    def write(self, open_rows: int) -> None:
        """Write the CSV, of which the last rows have no outcome yet."""
        plain = self.orders.with_name("plain.csv")
        deliveries(plain, ROWS, open_rows)
        with plain.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for number, row in enumerate(rows):
            del row["order_no"]
            row |= {"e_mail": f"c{number}@{DOMAIN}", "phone": f"{PHONE}{number:04}"}
        with self.orders.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def run(self, *words: str) -> str:
        """Run the project's command; gives what it says."""
        done = command(self.project, *words, env=KEY)
        return done.stdout + done.stderr

    def warehouse(self, query: str) -> list[tuple[object, ...]]:
        """Look into the warehouse."""
        path = self.project.folder / "artifacts" / "warehouse.duckdb"
        with duckdb.connect(path, read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    folder = tmp_path_factory.mktemp("personal")
    project = render(
        folder / "delivery-times",
        project_name="Delivery times",
        task="regression",
        worked_example=False,
        data_sources=["excel", "files"],
        excel_path=str(folder / "loyalty.xlsx"),
        files_path=str(folder / "orders.csv"),
        serving=["api", "batch"],
        orchestrator="none",
        value_tolerance=4.0,
    )
    client = Client(install(project), folder / "orders.csv")
    client.write(OPEN_ROWS)
    with xlsxwriter.Workbook(folder / "loyalty.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["e_mail", "years"])
        for row in range(0, ROWS, 2):
            sheet.write_row(row // 2 + 1, 0, [f"c{row}@{DOMAIN}", row % 9])
    command(project, "contract", "infer", str(client.orders), "--target", "hours", "--force")
    contract = project.folder / "config" / "contract.toml"
    text = contract.read_text(encoding="utf-8")
    assert text.count("pii = true") == 2
    before, column, after = text.partition('name = "e_mail"')
    after = after.replace('role = "ignore"', 'role = "id"', 1)
    after += '\n[[columns]]\nname = "years"\nsource = "years"\ntype = "integer"\nnullable = true\n'
    text = (before + column + after).replace("\n[[columns]]", JOIN, 1)
    contract.write_text(text, encoding="utf-8")
    return client


@pytest.fixture(scope="module")
def answered(client: Client) -> str:
    """Run the line, ask the API and its page with an e-mail address; gives the request's id."""
    said = client.run("run")
    assert "files joined with excel by e_mail: 450 of 900 rows found one" in said
    someone = f"c{ROWS - 1}@{DOMAIN}"
    record = example_record(client.project) | {"e_mail": someone}
    with serve(client.project, env=KEY) as url:
        body = json.dumps([record]).encode()
        with urllib.request.urlopen(f"{url}/predict", body) as answer:
            given = json.load(answer)
        form = {name: str(value) for name, value in record.items() if value is not None}
        with urllib.request.urlopen(f"{url}/", urllib.parse.urlencode(form).encode()) as page:
            assert page.status == 200
    client.write(0)
    for step in ("extract", "validate", "transform", "monitor", "report"):
        client.run(step)
    return str(given["request_id"])


def test_no_file_of_the_project_holds_any_of_it(client: Client, answered: str) -> None:
    assert answered
    kept = [
        path
        for path in client.project.folder.rglob("*")
        if path.is_file() and ".venv" not in path.parts
    ]
    assert {"warehouse.duckdb", "report.html", "lineage.md"} <= {path.name for path in kept}
    found = [
        str(path)
        for path in kept
        if DOMAIN.encode() in path.read_bytes() or PHONE.encode() in path.read_bytes()
    ]
    assert found == []


def test_the_rows_that_monitoring_compares_with_hold_features_alone(
    client: Client, answered: str
) -> None:
    assert answered
    registry = client.project.folder / "artifacts" / "registry"
    (rows,) = registry.glob("versions/*/training_rows.parquet")
    names = client.warehouse(f"SELECT name FROM parquet_schema('{rows}')")  # noqa: S608 - our own
    assert {("weight_kg",), ("years",)} <= set(names)
    assert not {("e_mail",), ("phone",)} & set(names)


def test_the_lineage_tells_both_sources_and_what_is_left_out(client: Client, answered: str) -> None:
    assert answered
    page = (client.project.folder / "docs" / "lineage.md").read_text(encoding="utf-8")
    assert "| `years` | `years` of `raw_excel` | integer |" in page
    assert "| `weight_kg` | `weight_kg` of `raw_files` | number |" in page
    assert "| `phone` | personal data |" in page


def test_no_table_of_the_warehouse_holds_any_of_it(client: Client, answered: str) -> None:
    assert answered
    tables = client.warehouse("SELECT table_name FROM information_schema.tables")
    assert {("raw",), ("clean",), ("quarantine",), ("predictions",), ("scores",)} <= set(tables)
    for (table,) in tables:
        texts = client.warehouse(f"SELECT string_agg(t::VARCHAR, ' ') FROM {table} AS t")  # noqa: S608 - our own
        assert DOMAIN not in str(texts)
        assert PHONE not in str(texts)
    names = {name for (name,) in client.warehouse("SELECT column_name FROM (DESCRIBE raw)")}
    assert {"e_mail", "years"} <= names
    assert "phone" not in names


def test_a_persons_outcome_still_meets_the_prediction(client: Client, answered: str) -> None:
    query = f"SELECT actual FROM predictions WHERE prediction_id = '{answered}-0'"  # noqa: S608 - our own
    ((actual,),) = client.warehouse(query)
    assert float(str(actual)) > 0


def test_without_the_key_nothing_starts(client: Client, answered: str) -> None:
    assert answered
    for step in ("extract", "serve"):
        done = command(client.project, step, check=False, timeout=60)
        assert done.returncode == 2
        *log, said = done.stderr.splitlines()
        assert "PSEUDONYM_KEY is not set" in said
        assert all(json.loads(line)["level"] == "error" for line in log)
        assert not log or step == "serve"


def test_a_contract_inferred_anew_keeps_the_join_and_marks_what_is_personal(client: Client) -> None:
    path = client.project.folder / "config" / "contract.toml"
    text = path.read_text(encoding="utf-8")
    try:
        said = client.run("contract", "infer", "--target", "hours", "--force")
        inferred = tomllib.loads(path.read_text(encoding="utf-8"))
    finally:
        path.write_text(text, encoding="utf-8")
    assert "files joined with excel by e_mail: 450 of 900 rows found one" in said
    assert inferred["joins"] == tomllib.loads(text)["joins"]
    assert "years" in {column["name"] for column in inferred["columns"]}
    assert {c["name"] for c in inferred["columns"] if c.get("pii")} == {"phone", "e_mail"}
    database = client.project.folder / "artifacts" / "warehouse.duckdb"
    assert DOMAIN.encode() not in database.read_bytes()
    assert not list(database.parent.glob("staging*"))


def test_the_projects_own_tests_pass_whatever_is_marked(client: Client) -> None:
    python = client.project.folder / ".venv" / "bin" / "python"
    tests = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    command(Project(client.project.folder, python.name), *tests)
