"""A file of rows, put together from parts so that a killed process loses none and doubles none.

Beside the output `out.csv` stands the folder `.out.csv.partial`.  Each part in it holds some rows,
has their numbers in its name, and is there whole or not at all.  Whoever comes next, the same
process or another one of several, writes what is missing.  Once all rows are there, the parts are
joined, the file is read back, and it moves to its name in one step.  Its bytes depend on the rows
alone, not on how they were cut into parts.
"""

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from finetune.checkpoint.run_files import partial_name
from finetune.data.tables.messages import listed, shown
from finetune.data.tables.reader import row_source
from finetune.data.tables.stream import TableStream
from finetune.data.tables.table import Table
from finetune.data.writing import parquet_output
from finetune.data.writing.new_columns import ColumnValues, NewColumn
from finetune.data.writing.text_encoders import DelimitedEncoder, joined, text_encoder
from finetune.errors import DataError, OutputError
from finetune.run.atomic_files import (
    create_atomically,
    remove_atomically,
    remove_partial_files,
    sync,
    write_atomically,
)

OUTPUT_FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
"""How the name of an output can end."""
SETTINGS = "settings.json"
JOINED = "joined"
PART = re.compile(r"rows-(\d{12})-(\d{12})")
_CHECKED_ROWS = 4_096


class RowWriter:
    """Writes all rows of *source*, with columns that are added, to the file *output*.

    Args:
        output: Its name ends in .csv, .tsv, .jsonl or .parquet.
        source: The file whose rows are written; its columns are kept as they are.
        added: The columns behind them; none has the name of another one.
        settings: What the added cells depend on, such as the checkpoint.  Parts that were written
            with others are refused.
        overwrite: Whether a file that is there may be replaced, and parts that were written with
            other settings removed.

    Raises:
        OutputError: There is such a file, or parts that were written with other settings; or the
            system refuses.
        DataError: This kind of file can't hold the columns.
    """

    def __init__(
        self,
        output: Path,
        source: TableStream,
        added: Sequence[NewColumn],
        settings: Mapping[str, str | int | float | bool | None] | None = None,
        *,
        overwrite: bool = False,
    ) -> None:
        self.output, self.n_rows = output, len(source)
        self.folder = output.with_name(partial_name(output.name))
        """Where the parts are."""
        self._overwrite, self._added = overwrite, tuple(added)
        self._names = [*source.column_names, *(column.name for column in added)]
        self._suffix = output.suffix.lower()
        self._require_names()
        if output.is_dir():
            raise OutputError(f"{shown(output.name)} is a folder; give the name of a file")
        if source.reads(output):
            raise OutputError(f"{shown(output.name)} is the file that is read; give another output")
        if os.path.lexists(output) and not (overwrite or self.folder.is_dir()):
            raise OutputError(
                f"{shown(output.name)} is there already; give another output, or overwrite it"
            )
        self._schema = (
            parquet_output.arrow_schema(source, added) if self._suffix == ".parquet" else None
        )
        self._dictionaries: parquet_output.Dictionaries = {}
        if self._schema is not None and source.schema is not None:
            tables = (table.arrow for table in source.batches(_CHECKED_ROWS))
            self._dictionaries = parquet_output.source_dictionaries(tables, source.schema)
        self._encoder = text_encoder(self._suffix, source.column_names, added)
        if self._schema is None and (source.head.objects or source.schema) is not None:
            for table in source.batches(_CHECKED_ROWS):  # a cell that is refused is refused now
                self._encoder.encode(table)
        known = {
            "format": 1,
            "source": source.sha256,
            "rows": self.n_rows,
            "added": [[column.name, column.kind] for column in added],
            "settings": dict(settings or {}),
        }
        self._settings = json.dumps(known, indent=1, ensure_ascii=False) + "\n"
        self._start()

    def missing(self, size: int) -> list[range]:
        """The rows that no part holds, in runs of at most *size*.

        Where all parts were written by runs of that size, they begin at multiples of it, so that
        several processes can share them out.
        """
        found, start = list[range](), 0
        for part in [*self._parts(), range(self.n_rows, self.n_rows)]:
            while start < part.start:
                stop = min(start - start % size + size, part.start)
                found.append(range(start, stop))
                start = stop
            start = max(start, part.stop)
        return found

    def write(self, table: Table, start: int, values: ColumnValues) -> None:
        """Keep the rows of *table*, the first of which is the row *start* of the source.

        Args:
            table: Rows of the source.
            start: Counted from 0.
            values: The cells of each added column.

        Raises:
            DataError: A cell can't stand in such a file.
            OutputError: Another process has finished the file, or begun it with other settings.
            OSError: The disk is full.
        """
        self._require_own()
        if self._schema is None:
            content = self._encoder.encode(table, values)
        else:
            content = parquet_output.part_bytes(
                parquet_output.arrow_rows(self._schema, table, values)
            )
        name = f"rows-{start:012}-{start + len(table):012}"
        write_atomically(self.folder / name, content)

    def finish(self) -> Path:
        """Join all parts to the output, and remove them; one process calls it, once all are there.

        Returns:
            The output.

        Raises:
            OutputError: Rows are missing, or the file would not be read back as it is.
            OSError: The disk is full.
        """
        self._require_own()
        missing = self.missing(self.n_rows or 1)
        if missing:
            raise OutputError(f"{shown(self.output.name)} lacks rows from {missing[0].start} on")
        whole = self.folder / JOINED
        self._join(whole)
        sync(whole)
        if os.path.lexists(self.output) and not self._overwrite and not self._is_output(whole):
            raise OutputError(
                f"{shown(self.output.name)} was made by somebody else meanwhile; move it away"
            )
        whole.replace(self.output)
        sync(self.output.parent)
        remove_atomically(self.folder)
        return self.output

    def discard(self) -> None:
        """Remove all parts."""
        remove_atomically(self.folder)

    def _require_names(self) -> None:
        if self._suffix not in OUTPUT_FORMATS:
            raise OutputError(
                f"{shown(self.output.name)} ends in none of {listed(OUTPUT_FORMATS)}; give an"
                " output that does"
            )
        twice = next((name for name in self._names if self._names.count(name) > 1), None)
        if twice is not None and self._suffix in (".jsonl", ".parquet"):
            raise DataError(
                f"{self._names.count(twice)} columns are named {shown(twice)}, which a"
                f" {self._suffix} file can't hold; give each its own name"
            )

    def _start(self) -> None:
        """Go on from the parts that are there, if they were written with the same settings."""
        if self.folder.is_symlink():  # what lies behind it is somebody else's
            raise OutputError(f"{shown(self.folder.name)} is a link; remove it")
        try:
            self.folder.mkdir(exist_ok=True)
            if (self.folder / SETTINGS).is_file() and not self._is_own():
                if self._parts() and not self._overwrite:
                    raise OutputError(
                        f"the folder {shown(self.folder.name)} holds rows that were written from"
                        " another file or with other settings; remove it, overwrite it, or give"
                        " another output"
                    )
                remove_atomically(self.folder)
                self.folder.mkdir(exist_ok=True)
            with suppress(FileExistsError):  # another process of several was quicker
                create_atomically(self.folder / SETTINGS, self._settings)
        except OSError as error:
            raise OutputError(
                f"{shown(self.output.name)} can't be written:"
                f" {(error.strerror or 'the system refuses').lower()}; give another output"
            ) from error

    def _is_own(self) -> bool:
        """Whether the parts are of the same settings."""
        try:
            return (self.folder / SETTINGS).read_text("utf-8") == self._settings
        except FileNotFoundError:
            return False

    def _require_own(self) -> None:
        if not self._is_own():
            raise OutputError(
                f"another process has finished {shown(self.output.name)} or begun it with other"
                " settings; start again, or give another output"
            )

    def _parts(self) -> list[range]:
        """The rows of the parts that are there, in their order."""
        found = (PART.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(
            (range(int(part[1]), int(part[2])) for part in found if part),
            key=lambda part: (part.start, part.stop),
        )

    def _paths(self) -> list[Path]:
        parts, stop = list[Path](), 0
        for part in self._parts():
            if part.start != stop:
                raise OutputError(
                    f"the folder {shown(self.folder.name)} holds row {part.start} twice; remove it,"
                    " and start again"
                )
            stop = part.stop
            parts.append(self.folder / f"rows-{part.start:012}-{part.stop:012}")
        return parts

    def _join(self, path: Path) -> None:
        remove_partial_files(self.folder)
        if self._schema is not None:
            parquet_output.write_parts(path, self._schema, self._paths(), self._dictionaries)
            return
        with path.open("wb") as file:
            file.write(self._encoder.begin())
            for part in self._paths():
                with part.open("rb") as rows:
                    shutil.copyfileobj(rows, file)
        wrong = self._why_not_read_back(path, quote_all=False)
        if wrong is not None and isinstance(self._encoder, DelimitedEncoder):
            self._quote_all(path)
            wrong = self._why_not_read_back(path, quote_all=True)
        if wrong is not None:
            raise OutputError(
                f"{shown(self.output.name)} would not be read back as it was written: {wrong}; give"
                " an output that ends in .jsonl or .parquet"
            )

    def _why_not_read_back(self, path: Path, *, quote_all: bool) -> str | None:
        """Why the strict reader doesn't find the rows in the file that were written to it."""
        encoder = text_encoder(self._suffix, self._names, (), quote_all=quote_all)
        with path.open("rb") as file:
            source = row_source(self.output.name, file)
            try:
                source.check()
                read = hashlib.sha256()
                for piece in joined(encoder, source.batches(_CHECKED_ROWS)):
                    read.update(piece)
            except DataError as error:
                return str(error)
            file.seek(0)
            written = hashlib.file_digest(file, "sha256")
        same = source.n_rows == self.n_rows and read.digest() == written.digest()
        return None if same else "its quotes can be taken in two ways"

    def _quote_all(self, path: Path) -> None:
        """Write all cells of a CSV or TSV file in quotes, by which texts of several lines are told.

        The reader else takes some of them for rows that a stray quote takes in.
        """
        separator = "\t" if self._suffix == ".tsv" else ","
        encoder = DelimitedEncoder(self._names, (), separator, quote_all=True)
        quoted = path.with_name("quoted")
        with (
            path.open(encoding="utf-8", newline="") as plain,
            quoted.open("w", encoding="utf-8", newline="") as file,
        ):
            csv.field_size_limit(2**31 - 1)
            file.writelines(map(encoder.line, csv.reader(plain, delimiter=separator)))
        quoted.replace(path)

    def _is_output(self, whole: Path) -> bool:
        """Whether the output holds the same, as it does where removing the parts was cut off."""
        if not self.output.is_file():
            return False
        return _digest(self.output) == _digest(whole)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
