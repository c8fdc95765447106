"""Files of rows, written for the tests of the reader."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from finetune.data.tables import reader
from finetune.data.tables.stream import open_stream
from finetune.data.tables.table import Table
from finetune.errors import DataError

ROWS = [(f"text number {i}", "bad" if i % 2 else "good") for i in range(20)]
"""Ten of each class."""


def joined(
    rows: Iterable[Sequence[str]], separator: str = ",", header: Sequence[str] = ("text", "label")
) -> str:
    """The rows under a header as they stand, without any quoting."""
    return "".join(separator.join(row) + "\n" for row in [header, *rows])


def changed(rows: Sequence[tuple[str, str]], texts: dict[int, str]) -> list[tuple[str, str]]:
    """The rows with other texts at some places."""
    return [(texts.get(i, text), label) for i, (text, label) in enumerate(rows)]


def put(folder: Path, name: str, content: str | bytes) -> Path:
    """The file *name* with this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_table(path: Path) -> Table:
    """The rows of a file, which are the same where it is read in pieces."""
    table = reader.read_table(path)
    with open_stream(path) as stream:
        assert (len(stream), stream.column_names) == (len(table), table.column_names)
        assert (stream.unit, stream.head.class_names) == (table.unit, table.class_names)
        for size, start in ((max(len(table) // 3, 1), 0), (len(table) + 1, len(table) // 2)):
            pieces = list(stream.batches(size, start))
            assert [len(piece) for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
            places = [place for piece in pieces for place in piece.places]
            assert places == list(table.places[start:])
            for index, name in enumerate(table.column_names[:10]):
                if problem(table, name) is None:
                    read = [cell for piece in pieces for cell in piece.cells[index]]
                    assert read == list(table.cells[index])[start:]
        for name in table.column_names[:10]:
            assert problem(stream.head, name) == problem(table, name)
    return table


def problem(table: Table, name: str) -> str | None:
    """Why the column *name* can't be read, if it can't."""
    try:
        table[name]
    except DataError as error:
        return str(error)
    return None


def as_rows(table: Table) -> list[tuple[object, ...]]:
    """The cells row by row."""
    return list(zip(*(list(cells) for cells in table.cells), strict=True))


def refusal(path: Path) -> str:
    """The one sentence by which a file is refused, whole or read in pieces."""
    with pytest.raises(DataError) as caught:
        reader.read_table(path)
    sentence = str(caught.value)
    with pytest.raises(DataError) as caught, open_stream(path):
        pass
    assert str(caught.value) == sentence
    assert "\n" not in sentence
    assert str(path.parent) not in sentence
    assert len(sentence) < 500
    return sentence


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], **how: object) -> Path:
    """What Python's own writer makes of rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, **how)  # type: ignore[arg-type]
        writer.writerow(header)
        writer.writerows(rows)
    return path
