"""What is written is read back exactly; what is damaged gives the same rows or a refusal."""

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from finetune.data.sources import open_source
from finetune.errors import DataError
from tests.finetune.data.tables.sheets import as_rows, put, read_table, write
from viz.errors import SelectionError
from viz.model.text_files import open_texts

NASTY = st.text(
    st.sampled_from(
        [*"\"',;|=+-@\\ab1 \n\r\t", "é", "好", "😀", "\u2028", "\x0b", "\x85", "\ufeff"]
    )
    | st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    max_size=12,
)
PLAIN = st.text(st.sampled_from("ab \"',\\"), min_size=1, max_size=8)
"""Cells of one line."""
CLASSES = st.sampled_from(["good", "bad"])
HEADER = ("text", "label")
WHOLE = [("one", "good"), ("two", "bad"), ("three", "good"), ("four", "bad")]


def sheets(cells: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Rows of a text and a class, of which none repeats the header."""
    return st.lists(st.tuples(cells, CLASSES), min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
@given(rows=sheets(NASTY), end=st.sampled_from(["\n", "\r\n"]), all_quoted=st.booleans())
@pytest.mark.parametrize("separator", [",", "\t"])
def test_what_a_csv_writer_writes_is_read_back(
    separator: str, rows: list[tuple[str, str]], end: str, all_quoted: bool
) -> None:
    # It writes a carriage return without quotes where lines end in a line feed.
    assume(all_quoted or end == "\r\n" or not any("\r" in text for text, _ in rows))
    quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    with TemporaryDirectory() as folder:
        path = Path(folder) / ("x.csv" if separator == "," else "x.tsv")
        write(path, HEADER, rows, delimiter=separator, lineterminator=end, quoting=quoting)
        lines = path.read_text("utf-8").split("\n")
        # Then its lines make as good a file of rows without quoting.
        twofold = separator == "\t" and all(line.count("\t") == 1 for line in lines if line)
        assert (twofold and _is_refused(path)) or both(path) == rows


def _is_refused(path: Path) -> bool:
    try:
        read_table(path)
    except DataError:
        return True
    return False


@settings(max_examples=60, deadline=None)
@given(rows=sheets(NASTY), how=st.sampled_from(["lines", "list", "indented"]), ascii=st.booleans())
def test_what_json_writes_is_read_back(rows: list[tuple[str, str]], how: str, ascii: bool) -> None:
    objects = [dict(zip(HEADER, row, strict=True)) for row in rows]
    if how == "lines":
        content = "\n".join(json.dumps(row, ensure_ascii=ascii) for row in objects)
    else:
        content = json.dumps(objects, ensure_ascii=ascii, indent=1 if how == "indented" else None)
    with TemporaryDirectory() as folder:
        assert both(put(Path(folder), "x.jsonl", content)) == rows


@settings(max_examples=20, deadline=None)
@given(rows=sheets(NASTY))
def test_what_pandas_writes_as_parquet_is_read_back(rows: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        pd.DataFrame(rows, columns=list(HEADER)).to_parquet(path)
        assert both(path) == rows


@settings(max_examples=300, deadline=None, derandomize=True)
@given(rows=sheets(PLAIN), data=st.data())
@pytest.mark.parametrize("separator", [",", "\t"])
def test_quotes_put_in_or_taken_out_never_merge_or_drop_a_row(
    separator: str, rows: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Each row is one line here, so the lines count the rows; only quotes may differ in a text.

    Whole rows at the end tell which classes there are.
    """
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=separator, lineterminator="\n").writerows([HEADER, *rows])
    content, rows = buffer.getvalue(), rows + WHOLE
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(len("text,label\n"), len(content)))
        taken_out = content[place : place + 1] == '"'
        content = content[:place] + ("" if taken_out else '"') + content[place + taken_out :]
    content += "".join(separator.join(row) + "\n" for row in WHOLE)
    with TemporaryDirectory() as folder:
        path = put(Path(folder), "x.csv" if separator == "," else "x.tsv", content)
        try:
            found = both(path)
        except DataError:
            return
    assert len(found) == len(rows)
    assert [bare(row, separator) for row in found] == [bare(row, separator) for row in rows]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    rows=sheets(NASTY), share=st.floats(0, 1), suffix=st.sampled_from([".csv", ".tsv", ".jsonl"])
)
def test_a_file_that_was_cut_gives_the_rows_before_the_cut_or_none(
    rows: list[tuple[str, str]], share: float, suffix: str
) -> None:
    """The last cell can be cut in its middle, of which nothing tells."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"x{suffix}"
        if suffix == ".jsonl":
            lines = (json.dumps(dict(zip(HEADER, row, strict=True))) + "\n" for row in rows)
            path.write_text("".join(lines), "utf-8")
        else:
            write(path, HEADER, rows, delimiter="," if suffix == ".csv" else "\t")
        content = path.read_bytes()
        assume(content)
        path.write_bytes(content[: int(len(content) * share)])
        try:
            found = both(path)
        except DataError:
            return
    *whole, last = found
    assert whole == rows[: len(whole)]
    wanted = rows[len(whole)]
    if suffix == ".tsv" and last[0] != wanted[0]:  # cut within quotes, and read without quoting
        assert last[0].startswith('"')
        return
    assert last[0] == wanted[0]
    assert wanted[1].startswith(last[1])


def bare(row: tuple[str, str], separator: str) -> str:
    """A row as a line without quotes."""
    return separator.join(row).replace('"', "")


def both(path: Path) -> list[tuple[str, str]]:
    """The rows as fine-tuning and the app read them alike; a DataError where both refuse."""
    try:
        table = read_table(path)
    except DataError:
        with pytest.raises(SelectionError):
            open_texts(path)
        raise
    rows = [(str(text), str(label)) for text, label in as_rows(table)]
    texts = open_texts(path)
    assert [(row.text, row.gold_label) for row in texts.rows] == rows
    (split,) = open_source(str(path)).values()
    assert list(zip(split["text"], split["label"], strict=True)) == rows
    return rows
