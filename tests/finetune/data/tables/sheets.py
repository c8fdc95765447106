"""Files of rows, written for the tests of the reader."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from finetune.data.tables.reader import read_table
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


def as_rows(table: Table) -> list[tuple[object, ...]]:
    """The cells row by row."""
    return list(zip(*(list(cells) for cells in table.cells), strict=True))


def refusal(path: Path) -> str:
    """The one sentence by which a file is refused."""
    with pytest.raises(DataError) as caught:
        read_table(path)
    sentence = str(caught.value)
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
