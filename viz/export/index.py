"""The index of an exported data set: one line a row, entered when its files are there.

`file` names them, separated by semicolons; a row with nothing to save has none, and a note.  Rows
are counted from 0.  At the end of a run the lines stand in the order of the rows, and tables whose
columns don't depend on the words of a row are put together in `numbers.csv`.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from math import isfinite
from pathlib import Path
from typing import ClassVar, Self

from finetune.errors import RecordError
from finetune.run.json_files import read_bytes
from viz.errors import SelectionError, as_sentence
from viz.export.atomic_files import write
from viz.export.csv_cells import guarded, unguarded

COLUMNS = ("row", "file", "label", "probability", "gold_label", "note")
MAX_NAME_CHARS = 255
MAX_BYTES = 2**30
"""The largest index that is read."""


@dataclass(frozen=True, slots=True)
class IndexRow:
    """What became of one row."""

    row: int
    files: tuple[str, ...] = ()
    label: str = ""
    probability: float | None = None
    gold: str | None = None
    note: str = ""

    def as_line(self) -> str:
        """The line of the index, on one line whatever its cells hold."""
        share = "" if self.probability is None else repr(self.probability)
        texts = (self.label, share, self.gold or "", self.note)
        flat = (" ".join(text.split("\n")).replace("\r", " ").replace("\0", " ") for text in texts)
        cells = [str(self.row), ";".join(self.files), *map(guarded, flat)]
        line = StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        return line.getvalue()

    @classmethod
    def read(cls, cells: list[str]) -> Self:
        """The row that `as_line` wrote.

        Raises:
            ValueError: where it is not one.
        """
        row, files, label, share, gold, note = cells
        number, names = int(row), tuple(files.split(";")) if files else ()
        # Only what this row was given: a name leads to no other file, here or elsewhere.
        start, unsafe = f"{number:06d}-", {*"/\\\0"}
        if number < 0 or not all(
            name.startswith(start) and len(name) <= MAX_NAME_CHARS and unsafe.isdisjoint(name)
            for name in names
        ):
            raise ValueError(f"{files!r} are not files of row {row}")
        probability = float(share) if share else None
        if probability is not None and not isfinite(probability):
            raise ValueError(f"{share!r} is not a probability")
        return cls(
            number,
            names,
            unguarded(label),
            probability,
            unguarded(gold) or None,
            unguarded(note),
        )


class ExportIndex:
    """The rows of one folder, on disk and in memory."""

    NAME: ClassVar[str] = "index.csv"

    def __init__(self, folder: Path, rows: dict[int, IndexRow]) -> None:
        self.folder, self.rows = folder, rows

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The index that a run left, without lines that were cut short or lost their files."""
        index = cls(folder, {})
        for row in _rows(folder / cls.NAME):
            if all((folder / name).is_file() for name in row.files):
                index.rows[row.row] = row
        index._rewrite()
        return index

    def __contains__(self, row: int) -> bool:
        """Whether a row is done."""
        return row in self.rows

    def add(self, row: IndexRow) -> None:
        """Add one row; it is on disk when this returns."""
        try:
            with (self.folder / self.NAME).open("ab") as file:
                file.write(row.as_line().encode())
        except OSError as error:
            raise SelectionError(
                f"{self.NAME} can't be written: {error.strerror or 'the system refuses'}; "
                "free up disk space, and run the same command again to resume."
            ) from error
        self.rows[row.row] = row

    def close(self, together: Sequence[str] = ()) -> None:
        """Put the lines in the order of the rows, and tables together.

        Args:
            together: How the names of these tables begin, behind the number of their row.
        """
        self._rewrite()
        tables = [
            (row, name)
            for row in sorted(self.rows)
            for name in self.rows[row].files
            if name.endswith(".csv")
            and name.startswith(tuple(f"{row:06d}-{start}" for start in together))
        ]
        if tables:
            write(self.folder / "numbers.csv", _concatenated(self.folder, tables))

    def _rewrite(self) -> None:
        lines = (self.rows[row].as_line() for row in sorted(self.rows))
        write(self.folder / self.NAME, "".join((",".join(COLUMNS) + "\n", *lines)).encode())


def _rows(path: Path) -> Iterator[IndexRow]:
    """The whole lines of an index; the one that a kill cut short has no line break."""
    if not os.path.lexists(path):
        return
    try:
        content = read_bytes(path, most=MAX_BYTES)
    except RecordError as error:
        sentence = f"{as_sentence(error)[:-1]}; choose another folder, or delete it."
        raise SelectionError(sentence) from error
    for line in content[: content.rfind(b"\n") + 1].split(b"\n")[1:-1]:
        # One that was edited by hand or is damaged is left out, and its row is made again.
        with suppress(ValueError, csv.Error, StopIteration):
            yield IndexRow.read(next(csv.reader([line.decode()])))


def _concatenated(folder: Path, tables: list[tuple[int, str]]) -> bytes:
    """The tables below each other, with the number of their row in front.

    They have the columns of all: cells are empty where one lacks them, as a short text sentences.
    """
    columns: dict[str, None] = {}
    for _, name in tables:
        columns |= dict.fromkeys(_table(folder / name)[0])
    target = BytesIO()
    text = TextIOWrapper(target, "utf-8", newline="")
    table = csv.DictWriter(text, ["row", *columns], restval="", lineterminator="\n")
    table.writeheader()
    for row, name in tables:
        header, *cells = _table(folder / name)
        table.writerows({"row": row, **dict(zip(header, line, strict=True))} for line in cells)
    text.flush()
    return target.getvalue()


def _table(path: Path) -> list[list[str]]:
    """The cells of a table that was made here."""
    try:
        content = read_bytes(path, most=MAX_BYTES).decode()
        cells = list(csv.reader(StringIO(content, newline="")))
    except (RecordError, ValueError, csv.Error) as error:
        raise _damaged(path.name) from error
    if not cells or not cells[0] or any(len(line) != len(cells[0]) for line in cells):
        raise _damaged(path.name)
    return cells


def _damaged(name: str) -> SelectionError:
    return SelectionError(f"{name!r} is damaged; delete it, and run the same command again.")
