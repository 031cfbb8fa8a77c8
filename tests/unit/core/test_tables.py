"""The one reader of tables: separators, encodings, line ends and what stands for "not known"."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from hilum.core.errors import InputError
from hilum.core.tables import MISSING, count_rows, known, number, read_columns, read_table

ROWS = [
    ["image_id", "label, final", "note"],
    ["f\u00e9,1", "covid", 'says "no"; twice'],
    ["f2", "normal", "a | b\tc"],
]


def written(separator: str, end: str) -> str:
    quoted = (['"' + x.replace('"', '""') + '"' for x in row] for row in ROWS)
    return "".join(separator.join(row) + end for row in quoted)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_reads_alike_whoever_wrote_it(tmp_path: Path, encoding: str, end: str) -> None:
    for separator, told in itertools.product(",;\t|", ("", "sep=")):
        first = f"{told}{separator}{end}" if told else ""
        path = tmp_path / "t.csv"
        path.write_bytes((first + written(separator, end)).encode(encoding))
        table = read_table(path)
        assert table.columns == tuple(ROWS[0])
        assert [list(r.values.values()) for r in table.rows] == ROWS[1:]
        assert [r.line for r in table.rows] == [2 + bool(told), 3 + bool(told)]
        assert read_columns(path, fold=True) == ("image_id", "label,_final", "note")
        assert count_rows(path) == 2


def test_big_endian_utf16_with_its_mark(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xfe\xff" + "a;b\n1;\u00e4\n".encode("utf-16-be"))
    assert read_table(tmp_path / "t.csv").rows[0].values == {"a": "1", "b": "\u00e4"}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("path\na.png\nb.png\n", ("path",)),
        ("path\na,b.png\n", None),
        ("path;label;notes (a, b, c, d)\na.png;covid;\nb.png;normal;x\n", ("path", "label", "notes (a, b, c, d)")),
        ("path,label,seen; by\na,covid,1\nb,normal,2\n", ("path", "label", "seen; by")),
        ("id;p_covid;p_normal\nf1;0,25;0,75\n", ("id", "p_covid", "p_normal")),
        ('"a" , "b, c"\n1, 2\n', ("a", "b, c")),
        ("\n  \na,b\n1,2\n", ("a", "b")),
        (",image,label\n0,a.png,covid\n", ("image", "label")),
        ("a,b\n", ("a", "b")),
    ],
)  # fmt: skip
def test_the_separator_is_told_from_the_rows(
    tmp_path: Path, text: str, columns: tuple[str, ...] | None
) -> None:
    (tmp_path / "t.csv").write_text(text)
    if columns is None:
        with pytest.raises(InputError, match=r"t.csv line 2: expected 1 fields, got 2; .* needs \"quotes\""):
            read_table(tmp_path / "t.csv")
    else:
        assert read_table(tmp_path / "t.csv").columns == columns


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "line 1: expected the names of the columns, got none"),
        (b"a,b,a\n", "line 1: expected the names of the columns, got 'a' twice"),
        (b"a,b\n1,2,3\n", "line 2: expected 2 fields, got 3"),
        (b'a,b\n1,2\n3,"4\n5,6\n', r"a value that begins with a quote \(\"\) is not closed before the end"),
        (b"a,b\nx,1\nf\xe9,2\n", "line 3: expected text in UTF-8 .*Windows-1252 .*0xE9 is 'é'.* iconv -f"),
        (b"a,b\r1,2\r\x93x\x94,2\r", "line 3: .*Windows-1252 .*0x93 is '\u201c'"),
        (b"PK\x03\x04\x14\0\x06\0", "got a zip archive or an Excel workbook; open it and save the sheet as csv"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"a\0b\0\0\0", "bytes that are no text"),
        (b"\xff\xfea\0,\0b\0\n", "UTF-16.* damaged or cut short; save it as UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=says):
        read_table(path)
    assert read_columns(path)[:1] in {(), ("a",)}


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv: no such file"):
        read_table(tmp_path / "gone.csv")
    with pytest.raises(InputError, match="expected a file, got a folder"):
        read_table(tmp_path)


def test_a_wrong_byte_far_down_is_found_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n" + b"x,1\n" * 40_000 + b"\xfc,2\n")
    with pytest.raises(InputError, match=r"t.csv line 40002: .*0xFC is 'ü'"):
        read_table(tmp_path / "t.csv")


def test_what_stands_for_not_known() -> None:
    for text in (
        "",
        " ",
        "nan",
        "NaN",
        "NA",
        "N/A",
        "None",
        "null",
        "NULL",
        "-",
        "--",
        "?",
        "unknown",
        "<NA>",
    ):
        assert known(text) == "", text
    for text in ("0", "P12", "nano", "no", "Nan-1", "x"):
        assert known(text) == text
    assert all(m == m.lower() for m in MISSING)
    assert (number("0,5"), number("1e-3")) == (0.5, 0.001)
    with pytest.raises(ValueError, match="could not convert"):
        number("1,000.5")


def test_a_row_gives_the_first_column_that_is_known(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Patient ID,Other\nnan,P1\nP2\n")
    rows = read_table(tmp_path / "t.csv", fold=True).rows
    assert [r.get("patient_id", "other") for r in rows] == ["P1", "P2"]
    assert rows[0].values["patient_id"] == "nan"


def test_columns_of_a_table_in_another_encoding_are_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("path;label;\u00e9tat\na.png;covid;\u00e9\n".encode("latin-1"))
    assert read_columns(tmp_path / "t.csv") == ("path", "label", "\ufffdtat")
