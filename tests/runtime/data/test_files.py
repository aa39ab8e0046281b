"""CSV and Parquet files, as somebody hands them over; and only those that are new."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import tracemalloc
import zipfile
from datetime import UTC, datetime, time
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from fourhats_runtime.data import Files, Loaded
from fourhats_runtime.data.files import json_text
from fourhats_runtime.data.files.reading import AS_IT_IS, Reading
from fourhats_runtime.data.table_file import (
    TableFileError,
    matching_files,
    open_file,
    opened_files,
    unique_names,
)
from fourhats_runtime.errors import ProjectError
from pyarrow import parquet

from tests.runtime.data.tables import with_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fourhats_runtime import Project


def opened(path: Path | str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Give the columns of a file, and its rows."""
    with duckdb.connect() as connection:
        rows = open_file(connection, str(path))
        return rows.columns, rows.fetchall()


def write_parquet(query: str, path: Path) -> None:
    with duckdb.connect() as connection:
        connection.sql(query).write_parquet(str(path))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_csv_of_any_common_dialect_is_read_as_texts(
    delimiter: str, encoding: str, tmp_path: Path
) -> None:
    lines = ["Größe, Preis".replace(", ", delimiter), f'"1{delimiter}5"{delimiter}€2', "007 "]
    text = "\n".join([*lines[:2], f"{lines[2]}{delimiter}", ""])
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    columns, rows = opened(tmp_path / "a.csv")
    assert columns == ["Größe", "Preis"]
    assert [[value or "" for value in row] for row in rows] == [
        [f"1{delimiter}5", "€2"],
        ["007 ", ""],
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04xx", "a zip archive or an Excel workbook, and damaged"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "can't be unpacked"),
        (gzip.compress(b" ", mtime=0), "is empty"),
        (b"a,b\n1,\x00\n", "binary data"),
        (b"[1, 2]", "line 1 holds no JSON object"),
        (b'{"a": 1}\n{"a": 2}\n{"a"', "line 3 holds no JSON object"),
        (b'{"a": {"x": 1}, "b": {"x": 1}}', "one JSON object"),
        (b"\n<html>", "HTML"),
        (b"a\n1\n2\n", "no comma, semicolon, tab, | or single blank"),
        (b"full name\nAda Byron\n", "no comma, semicolon, tab, | or single blank"),
        (b"one of us\nnone\nall of them\n", "no comma, semicolon, tab, | or single blank"),
        (b"a b c\n1  2\n3 4 5\n", "no comma, semicolon, tab, | or single blank"),
        (b"1,2\n3,4\n", "not the names of its 2 columns"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1,2\n3\n4,5\n", "line 3 has 1 fields where the header names 2 columns"),
        (b'a,b\n1,"2\n3,4\n', "line 2 opens a quote that is not closed"),
        (b'a,b\n1,"2\n' + b"3,4\n" * 99_999, "line 2 opens a quote that is not closed"),
        (b'a,b\n1,2\n"3\n5",4\n5,"6\n7,"8"\n', "line 5 opens a quote that is not closed"),
        (b'a,b\n1,"2" x\n', "line 2 has a quote amid a value"),
        (b'a,b\n1,5" wide\n3,"4\n', "line 3 opens a quote that is not closed"),
        (b'a,b\n"say ""x""",2\n3,"4\n', "line 3 opens a quote that is not closed"),
    ],
)
def test_what_is_no_table_is_refused_by_its_name_and_place(
    content: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(TableFileError, match=r"a\.csv: ") as refused:
        opened(tmp_path / "a.csv")
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_several_files_have_to_be_of_one_kind_and_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    with pytest.raises(TableFileError, match="has other columns"):
        opened(tmp_path / "*.csv")
    write_parquet("SELECT 1 AS a", tmp_path / "b.csv")
    with pytest.raises(TableFileError, match="both Parquet and CSV"):
        opened(tmp_path / "*.csv")
    with pytest.raises(TableFileError, match="no such file"):
        opened(tmp_path / "*.parquet")
    with pytest.raises(TableFileError, match="is a folder"):
        opened(tmp_path)


def test_parquet_keeps_its_types_and_files_are_put_together_by_name(tmp_path: Path) -> None:
    write_parquet("SELECT 1 AS a, 'x' AS b", tmp_path / "1.parquet")
    write_parquet("SELECT 'y' AS b, 2 AS a, 3 AS c", tmp_path / "2.parquet")
    assert opened(tmp_path / "*.parquet") == (["a", "b", "c"], [(1, "x", None), (2, "y", 3)])


@pytest.mark.parametrize("kind", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_moments_of_any_unit_are_read(kind: str, zone: str | None, tmp_path: Path) -> None:
    moment = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    at = pa.array([moment if zone else moment.replace(tzinfo=None)], pa.timestamp(kind, zone))
    parquet.write_table(pa.table({"moment": at}), tmp_path / "a.parquet")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = open_file(connection, str(tmp_path / "a.parquet"))
        read = rows.project("CAST(moment AS TIMESTAMP)").fetchall()
    assert read == [(moment.replace(tzinfo=None),)]


def test_structs_of_parquet_become_columns_and_times_of_the_day_texts(tmp_path: Path) -> None:
    held = {
        "who": [{"name": "Ann", "at": {"city": "Bonn"}}, None],
        "seen": pa.array([time(7, 5), None]),
        "n": [1, 2],
    }
    parquet.write_table(pa.table(held), tmp_path / "a.parquet")
    columns, rows = opened(tmp_path / "a.parquet")
    assert columns == ["who.name", "who.at.city", "seen", "n"]
    assert rows == [("Ann", "Bonn", "07:05:00", 1), (None, None, None, 2)]
    parquet.write_table(pa.table(held | {"who.name": ["x", "y"]}), tmp_path / "a.parquet")
    assert opened(tmp_path / "a.parquet")[0] == ["who", "seen", "n", "who.name"]


def test_columns_that_sql_cannot_tell_apart_get_names_of_their_own() -> None:
    names = unique_names(("a", "A", "", "b", "column_3", "A#2"))
    assert names == ["a#1", "A#2_", "column_3_", "b", "column_3", "A#2"]


def said_of(path: Path | str, reading: Reading = AS_IT_IS) -> tuple[list[Any], list[str]]:
    """Give the rows of a file, the names first, and what is said of how they were read."""
    with (
        duckdb.connect() as connection,
        opened_files(connection, matching_files(str(path)), str(path), reading) as table,
    ):
        rows = table.relation.fetchall()
        return [tuple(table.relation.columns), *rows], list(table.notes)


NAMES = ("no", "fee", "ok")
ROWS = [("a", "1,5", "yes"), ("b", "2,5", "no"), ("c", "3", "yes"), ("d", "4", "no")]
TABLE = "\n".join(";".join(row) for row in [NAMES, *ROWS]) + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sep=;\n" + TABLE, []),
        ('"sep=;"\r\n' + TABLE.replace("\n", "\r\n"), []),
        ("Fees\nas of 2026\n\n" + TABLE, ["2 lines above the column names left out"]),
        ("Fees, net, of 2026\n" + TABLE, ["1 line above the column names left out"]),
        ("Fees;;\n;;\n" + TABLE, ["1 line above the column names left out"]),
        ("Fees;of 2026\n" + TABLE, ["1 line above the column names left out"]),
        ("# no; fee\n" + TABLE, ["1 line above the column names left out"]),
        (TABLE.replace("b;", "# half\nb;"), ["lines that start with # left out"]),
        (TABLE + "Total;11;\n", ["the last row is a total"]),
        (TABLE + ";11;\n", ["the last row is a total"]),
        (TABLE + "Summe;11,00;-\n\n", ["the last row is a total"]),
        (TABLE + "\nSource: books, 2026\n", ["1 line below the rows left out"]),
        (TABLE + "Total;11;\n\n* not; final\n", ["1 line below", "the last row is a total"]),
        (TABLE + "\nexport of May\nconfidential\n\n", ["2 lines below the rows left out"]),
        (f"2025;;2026\n{TABLE}", ["1 line above the column names left out"]),
        (TABLE.replace("\n", "\r\n", 2), []),
        (TABLE.replace("\n", "\r"), []),
        (TABLE.replace("\n", "\r\r\n"), []),
        (TABLE.replace("\n", ";\n"), ["a column without a name and without a value left out"]),
        (TABLE.replace("\n", ";\n").replace(";\n", "\n", 1), ["a column without a name"]),
        (TABLE.replace("\n", ";\n", 1), []),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_what_is_around_a_table_is_left_out_and_said(
    text: str, said: list[str], encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    rows, notes = said_of(tmp_path / "a.csv")
    assert rows == [NAMES, *ROWS]
    assert len(notes) == len(said)
    for words, note in zip(said, notes, strict=True):
        assert note.startswith("a.csv: ")
        assert words in note


@pytest.mark.parametrize(
    "last", ["Total;1;yes", "Total;x;", "e;5;", "Sum Inc.;7;", ";10;yes", "Totals by K. Smith;7;"]
)
def test_a_row_that_only_looks_like_a_total_stays(last: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{TABLE}{last}\n")
    rows, notes = said_of(tmp_path / "a.csv")
    assert rows[-1] == tuple(value or None for value in last.split(";"))
    assert notes == []


def test_a_category_called_total_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("kind,x\n" + "a,1\nTotal,1\n" * 4 + "Total,\n")
    assert len(said_of(tmp_path / "a.csv")[0]) == 10


def test_a_title_of_several_fields_is_no_row_of_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Fees;in EUR;;;\na;b;c;d;e\n" + "1;2;3;4;5\n" * 3)
    rows, notes = said_of(tmp_path / "a.csv")
    assert (rows[0], len(rows), len(notes)) == (tuple("abcde"), 4, 1)


def test_units_below_the_names_are_no_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("weight;price\nkg;EUR\n" + "1;2\n3;4\n" * 9)
    assert said_of(tmp_path / "a.csv")[0][:3] == [("weight", "price"), ("kg", "EUR"), ("1", "2")]


def test_single_blanks_split_where_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("t 'white blood' sex\n35 1.45 0\n34 1.47 1\n")
    (tmp_path / "b.txt").write_text('t "white blood" sex\n35 1.45 0\n34 1.47 1\n')
    assert opened(tmp_path / "b.txt") == (
        ["t", "white blood", "sex"],
        [("35", "1.45", "0"), ("34", "1.47", "1")],
    )
    with pytest.raises(TableFileError, match="single blank splits its lines"):
        opened(tmp_path / "a.txt")


def test_a_quote_behind_a_backslash_is_one_of_the_value(tmp_path: Path) -> None:
    """So do Spark and MySQL write them."""
    rows = "".join(f'{number},"said \\"no\\", twice",x\n' for number in range(3))
    (tmp_path / "a.csv").write_text(f"n,text,c\n{rows}Total,,\n\nSource: books, of May\n")
    read, notes = said_of(tmp_path / "a.csv")
    assert read[1:4] == [(str(number), 'said "no", twice', "x") for number in range(3)]
    assert "a.csv: a quote within a value stands behind a backslash" in notes


def test_a_folder_that_ends_in_a_backslash_is_no_escape(tmp_path: Path) -> None:
    rows = "".join(f'{number},"C:\\data\\","say ""x"""\n' for number in range(9))
    (tmp_path / "a.csv").write_text(f"n,folder,text\n{rows}")
    read, notes = said_of(tmp_path / "a.csv")
    assert read[1] == ("0", "C:\\data\\", 'say "x"')
    assert notes == []


def test_line_breaks_in_names_are_blanks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('Title\n"a\n(in m)","b\r\nc"\n1,"2\n3"\n')
    assert said_of(tmp_path / "a.csv")[0] == [("a (in m)", "b c"), ("1", "2\n3")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("land,2019,2020,2021\nAT,1,2,3\n", ("land", "2019", "2020", "2021")),
        ("land,2024-01,2024-02\nAT,1,2\n", ("land", "2024-01", "2024-02")),
        ("0,1,2\n7,8,9\n", ("0", "1", "2")),
        ("no,1st,x1\n1,2,3\n", ("no", "1st", "x1")),
        ("?,NA,age\nx,y,3\n", ("?", "NA", "age")),
        ('"a","b"\n"1",5,x\n"2",6,y\n', ("column_1", "a", "b")),
        (",a,b\n1,5,x\n2,6,y\n", ("column_1", "a", "b")),
    ],
)
def test_names_are_told_from_values(text: str, names: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert said_of(tmp_path / "a.csv")[0][0] == names


@pytest.mark.parametrize(
    "text",
    [
        "Ann Lee,34,2020-01-01,1.5\nBen Roe,35,2020-02-01,2.5\n",
        "72, Private, Masters\n23, Self, School\n58, Private, School\n",
        "Wien,ja\nGraz,nein\nWien,ja\n",
        "?,12 kg,Wien\n3,13 kg,Graz\n",
        "1,2\n",
    ],
)
def test_a_file_without_names_is_refused_with_the_way_out(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    width = text.partition("\n")[0].count(",") + 1
    with pytest.raises(TableFileError, match=f"{width} columns: name them with --columns") as no:
        said_of(tmp_path / "a.csv")
    assert "--no-header" in str(no.value)
    message = str(no.value).replace(str(tmp_path), "")
    assert not any(value.strip() in message for value in text.split(",") if len(value) > 2)
    rows, _ = said_of(tmp_path / "a.csv", Reading(header=False))
    assert rows[0] == tuple(f"column_{place}" for place in range(1, width + 1))
    assert len(rows) == text.count("\n") + 1
    named = tuple("abcd"[:width])
    assert said_of(tmp_path / "a.csv", Reading(named))[0] == [named, *rows[1:]]
    with pytest.raises(TableFileError, match=f"has {width} columns, and 5 names"):
        said_of(tmp_path / "a.csv", Reading(tuple("abcde")))


def test_files_are_put_together_by_the_names_of_their_columns(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b,c\n1,2,3\n")
    (tmp_path / "2.csv").write_text("b;C;a\n2;3;1\n")
    (tmp_path / "3.csv").write_text("Title\na,b,c,d\n1,2,3,4\n")
    (tmp_path / "4.csv").write_text("a,b\n1,2\n")
    (tmp_path / "5.csv").write_text("a,b,e\n1,2,5\n")
    rows, notes = said_of(tmp_path / "*.csv")
    assert rows == [
        ("a", "b", "c", "d", "e"),
        ("1", "2", "3", None, None),
        ("1", "2", "3", None, None),
        ("1", "2", "3", "4", None),
        ("1", "2", None, None, None),
        ("1", "2", None, None, "5"),
    ]
    assert [note.partition(":")[0] for note in notes] == [
        *("3.csv", "2.csv", "3.csv", "4.csv", "5.csv", "5.csv")
    ]
    assert "in another order" in notes[1]
    assert "the column d" in notes[2]
    assert "without the column c" in notes[3]
    assert "if c is called e now" in notes[5]
    for number in range(6, 30):
        (tmp_path / f"{number}.csv").write_text("c,b,a\n1,2,3\n")
    assert "more such differences" in said_of(tmp_path / "*.csv")[1][-1]


def zipped(content: bytes, *others: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("data/a.csv", *others):
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        bz2.compress,
        partial(pa.compress, codec="zstd", asbytes=True),
        zipped,
    ],
)
def test_what_is_packed_is_unpacked(
    pack: Callable[[bytes], bytes], encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(pack("größe;b\n1;ü\n".encode(encoding)))
    assert opened(tmp_path / "a.csv") == (["größe", "b"], [("1", "ü")])
    rows, notes = said_of(tmp_path / "a.csv")
    assert rows == [("größe", "b"), ("1", "ü")]
    assert len(notes) == (encoding == "cp1252")
    (tmp_path / "a.csv").write_bytes(pack("a;b\n1;2\n1\n".encode(encoding)))
    with pytest.raises(TableFileError, match=r"a\.csv: line 3 has 1 fields"):
        opened(tmp_path / "a.csv")


def test_a_code_page_is_said_and_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("imię;b\n1;Łódź\n".encode("cp1250"))
    assert "read as Windows-1252" in said_of(tmp_path / "a.csv")[1][0]
    rows, notes = said_of(tmp_path / "a.csv", Reading(encoding="cp1250"))
    assert (rows, notes) == ([("imię", "b"), ("1", "Łódź")], [])
    with pytest.raises(TableFileError, match="no encoding 'cp9'"):
        said_of(tmp_path / "a.csv", Reading(encoding="cp9"))


def test_an_archive_has_one_table(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(b"a,b\n1,2\n", "readme.md"))
    assert "only data/a.csv is read" in said_of(tmp_path / "a.zip")[1][0]
    (tmp_path / "a.zip").write_bytes(zipped(b"a,b\n1,2\n", "b.csv"))
    with pytest.raises(TableFileError, match="archive of 2 files"):
        said_of(tmp_path / "a.zip")


RECORDS = [{"a": 1, "b": {"c": "x", "d": {"e": 1.5}}}, {"a": 2, "f": [1]}]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        "\n".join(map(json.dumps, RECORDS)),
        "\n".join(json.dumps(record, indent=1) for record in RECORDS),
        json.dumps({"count": 2, "data": RECORDS}),
    ],
)
def test_records_of_json_become_rows(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8-sig")
    rows, notes = said_of(tmp_path / "a.json")
    assert rows == [("a", "b.c", "b.d.e", "f"), (1, "x", 1.5, None), (2, None, None, "[1]")]
    assert bool(notes) == ("count" in text)


COLUMNS: dict[str, list[object]] = {"a": [1, 2, 3], "b": ["x", None, "y"]}
KEYED = {name: dict(enumerate(values)) for name, values in COLUMNS.items()}


@pytest.mark.parametrize(
    "held",
    [
        COLUMNS,
        KEYED,
        {place: {name: values[place] for name, values in COLUMNS.items()} for place in range(3)},
        {
            "columns": ["a", "b"],
            "index": [0, 1, 2],
            "data": [*map(list, zip(*COLUMNS.values(), strict=True))],
        },
    ],
)
def test_columns_of_json_are_read_as_rows(held: object, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(held))
    rows, notes = said_of(tmp_path / "a.json")
    assert rows == [("a", "b"), (1, "x"), (2, None), (3, "y")]
    assert notes == ["a.json: holds columns, which are read as rows"]


@pytest.mark.parametrize(
    "held",
    [
        {"a": [1, 2], "b": [1]},
        {"a": [], "b": []},
        {"a": {"0": 1}, "b": {"1": 1}},
        {"a": {"x": 1}, "b": {"x": 1}},
        {"columns": ["a", "b"], "data": [[1]]},
    ],
)
def test_what_may_be_one_record_is_not_taken_for_columns(held: object, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(held))
    with pytest.raises(TableFileError, match="holds one JSON object, and has to hold a list"):
        said_of(tmp_path / "a.json")


def test_a_list_of_json_is_read_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_text, "CHUNK", 7)
    (tmp_path / "a.json").write_text(json.dumps([{"a": number} for number in range(500)]))
    assert said_of(tmp_path / "a.json")[0][1:] == [(number,) for number in range(500)]


def test_a_large_file_is_not_read_into_memory(tmp_path: Path) -> None:
    line = b"12;1,5;" + b"x" * 93 + b"\n"
    with (tmp_path / "a.csv").open("wb") as file:
        file.write(b"Title\nno;fee;text\n")
        file.writelines(line for _ in range(300_000))
        file.write("größe;1;x\nTotal;1;\n".encode("cp1252"))
    tracemalloc.start()
    try:
        with (
            duckdb.connect() as connection,
            opened_files(connection, [tmp_path / "a.csv"]) as table,
        ):
            assert table.relation.aggregate("count(*)").fetchall() == [(300_001,)]
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


def test_only_files_that_are_new_are_read(fresh: Project, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    project = with_table(fresh, "files", path=str(folder / "*.csv"), only_new=True)

    def read(bookmark: str | None) -> tuple[Loaded, list[tuple[Any, ...]]]:
        with duckdb.connect() as connection:
            loaded = Files().load(connection, project, "rows", bookmark)
            assert connection.table("rows").columns == ["a", "b"]
            return loaded, connection.execute("FROM rows").fetchall()

    (folder / "1.csv").write_text("a,b\n1,2\n")
    first, rows = read(None)
    assert (first.whole, rows) == (True, [("1", "2")])
    again, rows = read(first.bookmark)
    assert (again.whole, again.bookmark, rows) == (False, first.bookmark, [])
    (folder / "2.csv").write_text("a,b\n3,4\n")
    second, rows = read(first.bookmark)
    assert (second.whole, rows) == (False, [("3", "4")])
    (folder / "1.csv").write_text("a,b\n1,22\n")
    changed, rows = read(second.bookmark)
    assert (changed.whole, rows) == (True, [("1", "22"), ("3", "4")])
    (folder / "1.csv").unlink()
    gone, rows = read(changed.bookmark)
    assert (gone.whole, rows) == (True, [("3", "4")])


def test_by_itself_everything_is_read_each_time(fresh: Project, tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    project = with_table(fresh, "files", path=str(tmp_path / "1.csv"))
    with duckdb.connect() as connection:
        assert Files().load(connection, project, "rows", "{}") == Loaded()
        assert len(connection.execute("FROM rows").fetchall()) == 1
        (tmp_path / "1.csv").unlink()
        with pytest.raises(ProjectError, match=r"no such file.*files\.path"):
            Files().load(connection, project, "rows", None)
