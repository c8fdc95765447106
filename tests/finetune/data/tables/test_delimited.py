"""CSV and TSV: every row as it is, or the line that makes no sense."""

import csv
from pathlib import Path

import pytest

from finetune.data.tables.reader import read_head
from tests.finetune.data.tables.sheets import (
    ROWS,
    as_rows,
    changed,
    joined,
    put,
    read_table,
    refusal,
    write,
)


def test_a_tsv_without_quoting_keeps_its_rows_and_its_quotes(tmp_path: Path) -> None:
    rows = changed(ROWS, {2: '"text that opens', 9: '"another one'})
    assert as_rows(read_table(put(tmp_path, "gl.tsv", joined(rows, "\t")))) == rows


def test_a_tsv_whose_stray_quotes_make_a_cell_by_the_rules_keeps_its_rows(tmp_path: Path) -> None:
    rows = changed(ROWS, {2: '"text that opens', 9: 'and one that closes"'})
    assert as_rows(read_table(put(tmp_path, "gl.tsv", joined(rows, "\t")))) == rows


@pytest.mark.parametrize("text", ["\t\n", "one\ttwo\nthree"])
def test_a_tsv_that_makes_rows_with_and_without_quoting_is_refused(
    text: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "x.tsv", ("text", "label"), [(text, "good"), *ROWS], delimiter="\t")
    assert "the quote that begins in line 2 takes in rows up to line 3" in refusal(path)


def test_a_tsv_with_quoting_is_read_with_it(tmp_path: Path) -> None:
    rows = [('one\ttab and "quotes"', "a"), ("two\nlines", "b"), ("plain", "a")]
    path = write(tmp_path / "x.tsv", ("text", "label"), rows, delimiter="\t")
    assert as_rows(read_table(path)) == rows


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({4: '"so they say', 11: 'he said "no"'}, "line 6 ends inside a cell of line 13"),
        ({4: '"so they say', 11: 'he said no"'}, "line 6 takes in rows up to line 13"),
        ({4: '"so they say', 5: 'he said no"'}, "line 6 takes in rows up to line 7"),
        ({4: '"so, they say', 9: 'he said no"'}, "line 6 takes in rows up to line 11"),
        ({4: '"so they say'}, "the quote that begins in line 6 is never closed"),
        ({4: '"so" they say'}, "in line 6 a cell goes on after its closing quote"),
        ({4: '"so they say', 6: '"'}, "line 6 takes in rows up to line 8"),
        ({4: r'"he said \"x\" twice"'}, 'line 6 has quotes written as \\", which CSV does not'),
        ({4: r"he said \"x\" twice"}, 'line 6 has quotes written as \\"'),
        ({0: r'"ends in \""', 9: '"open'}, 'line 2 has quotes written as \\"'),
        ({4: "one, two"}, "line 6 has 3 cells under 2 column names; put quotes around"),
    ],
)
def test_a_csv_with_stray_quotes_is_refused_with_the_line(
    texts: dict[int, str], told: str, tmp_path: Path
) -> None:
    sentence = refusal(put(tmp_path, "x.csv", joined(changed(ROWS, texts))))
    assert sentence.startswith("'x.csv' can't be read as csv: ")
    assert told in sentence


@pytest.mark.parametrize("label", ["4.5", "3"])
def test_rows_of_numbers_that_a_stray_quote_takes_in_are_told(label: str, tmp_path: Path) -> None:
    rows = [(text, f"{i}.{label[0]}") for i, (text, _) in enumerate(ROWS)]
    path = put(tmp_path, "x.csv", joined(changed(rows, {4: '"so', 9: 'no"'})))
    assert "the quote that begins in line 6 takes in rows up to line 11" in refusal(path)


@pytest.mark.parametrize("label", ["c{}", "{}-x"])
def test_rows_of_many_classes_that_a_stray_quote_takes_in_are_told(
    label: str, tmp_path: Path
) -> None:
    """The classes of the rows within need not be those of the others."""
    rows = [(text, label.format(max(i, 3))) for i, (text, _) in enumerate(ROWS)]
    path = put(tmp_path, "x.csv", joined(changed(rows, {4: '"so', 9: 'no"'})))
    assert "the quote that begins in line 6 takes in rows up to line 11" in refusal(path)


def test_a_line_above_the_header_is_told_by_the_rows(tmp_path: Path) -> None:
    sentence = refusal(put(tmp_path, "x.csv", f"# of today\n{joined(ROWS)}"))
    assert "line 2 has 2 cells under 1 column name; put quotes" in sentence
    assert sentence.endswith("holds the separator, or name each column in the header")


def test_backslash_quotes_are_refused_in_both_kinds(tmp_path: Path) -> None:
    for suffix, separator in ((".csv", ","), (".tsv", "\t")):
        rows = [(r'"he said \"x\" twice"', label) for _, label in ROWS]
        sentence = refusal(put(tmp_path, f"x{suffix}", joined(rows, separator)))
        assert "line 2 has quotes written as" in sentence


def test_a_tsv_that_mixes_both_ways_is_refused(tmp_path: Path) -> None:
    rows = changed(ROWS, {2: '"he ""says"" so"', 9: '"opens'})
    sentence = refusal(put(tmp_path, "x.tsv", joined(rows, "\t")))
    assert "the quote that begins in line 11 is never closed" in sentence


def test_texts_of_several_lines_with_commas_are_read(tmp_path: Path) -> None:
    letter = "Dear Sir,\nI write, as you know,\nto say, well, this\n\nYours, good"
    rows = [(letter, "bad"), *ROWS, ("Pros: fine,\ncons: none", "good")]
    for kind in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        path = write(tmp_path / "x.csv", ("text", "label"), rows, quoting=kind)
        assert as_rows(read_table(path)) == rows


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize("text", ["\r", "one\rtwo", "one\r"])
def test_a_carriage_return_ends_no_row_of_another_file(
    text: str, suffix: str, tmp_path: Path
) -> None:
    """Python's writer and pandas put no quotes around it where lines end in a line feed."""
    separator = "," if suffix == ".csv" else "\t"
    rows = [*ROWS, (text, "good")]
    sentence = refusal(put(tmp_path, f"x{suffix}", joined(rows, separator)))
    assert "line 22 has a carriage return in a cell without quotes" in sentence
    quoted = [(f'"{text}"', label) for text, label in rows]
    assert as_rows(read_table(put(tmp_path, f"y{suffix}", joined(quoted, separator)))) == rows


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_system_ends_them(end: str, tmp_path: Path) -> None:
    rows = [('one "quoted" word', "a"), ("two words", "b")]
    path = write(tmp_path / "x.csv", ("text", "label"), rows, lineterminator=end)
    table = read_table(path)
    assert (as_rows(table), list(table.places)) == (rows, [2, 3])


def test_blank_lines_are_no_rows_and_count_as_lines(tmp_path: Path) -> None:
    table = read_table(put(tmp_path, "x.csv", "\n \ntext,label\n\noil,a\n \n\ngas,b\n\n"))
    assert (as_rows(table), list(table.places)) == ([("oil", "a"), ("gas", "b")], [5, 8])


def test_in_one_column_a_quoted_nothing_is_a_row(tmp_path: Path) -> None:
    rows = [("one",), ("",), (" ",), ("two",)]
    assert as_rows(read_table(write(tmp_path / "x.csv", ("text",), rows))) == rows


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("text,label\noil,a\ngas\n", "line 3 has 1 cell under 2 column names; write all cells"),
        ("text,label\noil,a\ngas,b,c\n", "line 3 has 3 cells under 2 column names"),
        ("text,label\noil,a\ntext,label\ngas,b\n", "line 3 of 'x.csv' is the header again"),
        ("text,label\n", "has a header but no rows"),
        ("", "is empty; it needs a header and rows"),
        ("\n\n", "is empty; it needs a header and rows"),
        ("text,label\noil,a\ng\0s,b\n", "line 3 of 'x.csv' has a NUL character"),
        (b"text,label\noil,a\ncaf\xe9,b\n", "is not UTF-8; save it as UTF-8 (see line 3)"),
        ("text;label\noil, gas;a\n", "the separator of 'x.csv' looks like ';'; save it with"),
        ("text|label\noil|a\n", "the separator of 'x.csv' looks like '|'"),
        ("text\tlabel\noil\ta\n", r"the separator of 'x.csv' looks like '\t'"),
        ("sep=,\ntext,label\noil,a\n", "the first line of 'x.csv' names a separator, 'sep=,'"),
        ("sep=;\ntext;label\noil;a\n", "the first line of 'x.csv' names a separator, 'sep=;'"),
        ('"text,label"\n"oil,a"\n', "the header of 'x.csv' is one quoted cell, 'text,label'"),
        ('{"text": "oil", "label": "a"}\n', "'x.csv' holds JSON; rename it to end in .jsonl"),
        (b"PK\x03\x04 xl/workbook.xml", "'x.csv' is an Excel workbook; save the sheet as CSV"),
        (b"PK\x03\x04 abc", "'x.csv' is a ZIP file or an Excel workbook; decompress it, or save"),
        (b"PK\x03\x04 mimetypeapplication/vnd.oasis.opendocument", "'x.csv' is a spreadsheet"),
        (b"\x1f\x8b\x08 abc", "'x.csv' is a compressed file (gzip); decompress it first"),
        (b"\xd0\xcf\x11\xe0 abc", "'x.csv' is an old Excel workbook or another Office file"),
        (b"%PDF-1.7", "'x.csv' is a PDF"),
        (b"PAR1 abc", "'x.csv' is a Parquet file; rename it to end in .parquet"),
        (b"<!DOCTYPE html>\n<html>", "'x.csv' is a web page, not a file of rows"),
        (b"version https://git-lfs.github.com/spec/v1\n", "'x.csv' is a pointer of Git LFS"),
        ("text,label\noil,a\n".encode("utf-16"), "'x.csv' is not UTF-8 but UTF-16"),
        ("text,label\noil,a\n".encode("utf-16-le"), "'x.csv' is not UTF-8 but looks like UTF-16"),
    ],
)  # fmt: skip
def test_what_is_no_csv_is_told_what_it_is(content: str | bytes, told: str, tmp_path: Path) -> None:
    assert told in refusal(put(tmp_path, "x.csv", content))


@pytest.mark.parametrize("mark", [",", ";", "|"])
def test_a_tsv_with_another_separator_is_told(mark: str, tmp_path: Path) -> None:
    sentence = refusal(put(tmp_path, "x.tsv", f"text{mark}label\noil{mark}a\n"))
    assert f"the separator of 'x.tsv' looks like '{mark}'" in sentence


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", '"3","Wall St. Bears","Reuters - short sellers"\n"4","New chip","AP - it is"\n'
         '"3","Oil and Gas","AFP - prices rise"\n'),
        ("x.csv", "a fine day,pos\na bad day,neg\nso so,pos\n"),
        ("x.tsv", "4.5\ta fine film\n3.5\ta film so so\n1.0\ta bad film\n"),
        ("x.csv", "0,the first text\n1,another text\n0,one more text\n"),
    ],
)  # fmt: skip
def test_a_first_row_is_not_taken_for_a_header(name: str, content: str, tmp_path: Path) -> None:
    sentence = refusal(put(tmp_path, name, content))
    assert f"'{name}' seems to have no header line; add one" in sentence


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (",text,label", ["Unnamed: 0", "text", "label"]),
        (" text,\tlabel ,note", ["text", "label", "note"]),
        ("0,1,2", ["0", "1", "2"]),
        ("utterance,emotion,id", ["utterance", "emotion", "id"]),
        ("text,note,note", ["text", "note", "note"]),
    ],
)
def test_names_of_columns_are_read_without_blanks_around_them(
    header: str, names: list[str], tmp_path: Path
) -> None:
    path = put(tmp_path, "x.csv", f"\ufeff{header}\n0,oil prices,1\n1,peace talks,2\n")
    assert read_table(path).column_names == names


def test_a_cell_of_any_length_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", f"text,label\n{'x' * 300_000},a\n")
    assert as_rows(read_table(path)) == [("x" * 300_000, "a")]


def test_the_first_rows_are_those_of_the_whole_file(tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", joined([*ROWS, ("no label",)]))
    assert as_rows(read_head(path, 3)) == ROWS[:3]
    assert "line 22 has 1 cell" in refusal(path)
