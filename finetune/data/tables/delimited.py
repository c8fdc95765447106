"""CSV and TSV: every cell the text it is, every row as long as the header, or a refusal."""

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

from finetune.data.tables import quotes
from finetune.data.tables.header import (
    column_names,
    repeats_header,
    require_header,
    require_separator,
)
from finetune.data.tables.lines import Lines, Position
from finetune.data.tables.messages import shown, unreadable
from finetune.data.tables.quotes import DelimitedRow
from finetune.data.tables.row_source import INDEX_STEP, RowSource
from finetune.data.tables.table import SAMPLE_CELLS, Table
from finetune.errors import DataError

COMMA, TAB = ",", "\t"


class DelimitedRows:
    """The rows of a CSV or TSV file with quoting or without, read again each time, or kept."""

    def __init__(self, name: str, file: BinaryIO, separator: str, *, quoting: bool) -> None:
        self.name, self.separator, self.quoting = name, separator, quoting
        self.names: tuple[str, ...] = ()
        self.n_rows = 0
        self.over_lines: DelimitedRow | None = None
        """The first row that stands on several lines."""
        self.all_quoted = True
        """Whether all other rows stand in quotes from the first cell to the last."""
        self.header_again: int | None = None
        """The line in which the header comes again."""
        self.first_rows: list[DelimitedRow] = []
        """As many as are looked at to say what a column holds."""
        self._file = file
        self._limit: int | None = None
        self._kept: list[DelimitedRow] | None = None
        self._positions: list[Position] = []
        self._position = Position()

    def check(self, limit: int | None, *, keep: bool) -> None:
        """Read all rows, or the first *limit*.

        Raises:
            DataError: where one of them is not as it has to be.
        """
        kept = list[DelimitedRow]()
        self._limit = limit
        for row in islice(self._read(), limit):
            if self.n_rows % INDEX_STEP == 0:
                self._positions.append(self._position)
            self.n_rows += 1
            if row.over_lines:
                self.over_lines = self.over_lines or row
            elif self.all_quoted:
                self.all_quoted = quotes.is_line_quoted(row.lines[0], self.separator)
            if self.header_again is None and repeats_header(row.cells, self.names):
                self.header_again = row.first
            if keep:
                lines = row.lines if row.over_lines else ()
                kept.append(DelimitedRow(row.cells, row.first, lines))
            if self.n_rows <= SAMPLE_CELLS:
                self.first_rows.append(row)
        self._kept = kept if keep else None

    def __iter__(self) -> Iterator[DelimitedRow]:
        """The rows that were checked."""
        return iter(self._kept) if self._kept is not None else islice(self._read(), self._limit)

    def rows_from(self, start: int) -> Iterator[DelimitedRow]:
        """The rows of the file, with their lines, from the row *start* on."""
        step = min(start // INDEX_STEP, len(self._positions) - 1)
        return islice(self._read(self._positions[step]), start - step * INDEX_STEP, None)

    def _read(self, start: Position | None = None) -> Iterator[DelimitedRow]:
        csv.field_size_limit(quotes.MAX_CELL_CHARS)
        lines = Lines(self.name, self._file, start)
        rows = csv.reader(
            lines,
            delimiter=self.separator,
            quoting=csv.QUOTE_MINIMAL if self.quoting else csv.QUOTE_NONE,
            strict=True,
        )
        names, n_rows = self.names if start else (), 0
        while True:
            lines.mark()
            if n_rows % INDEX_STEP == 0:
                self._position = lines.position
            first = lines.number + 1
            try:
                cells = next(rows, None)
            except csv.Error as error:
                if not names:
                    require_separator(self.name, (), lines.since_mark[0], self.separator)
                raise quotes.quote_error(
                    self.name, self.separator, first, lines, str(error)
                ) from error
            if cells is None:
                break
            if _is_blank(cells, len(names)):
                continue
            if not names:
                require_separator(self.name, cells, lines.since_mark[0], self.separator)
                self.names = names = column_names(cells)
                continue
            if self.quoting and len(lines.since_mark) == 1 and self.separator == COMMA:
                line = lines.since_mark[0]
                if '\\"' in line:
                    quotes.require_no_backslashes(self.name, first, line, self.separator)
            checked = _checked_cells(self.name, cells, names, first, lines)
            n_rows += 1
            yield DelimitedRow(checked, first, tuple(lines.since_mark))
        if not names:
            raise DataError(f"{shown(self.name)} is empty; it needs a header and rows")


class DelimitedSource(RowSource):
    """The rows of a CSV or TSV file.

    Quotes are read as RFC 4180 has them.  A TSV file of which that makes no sense, and in which
    each line is a row without them, is one without quoting: its quotes belong to the texts.
    One that makes sense both ways is refused, unless its header stands in quotes.
    """

    def __init__(self, name: str, file: BinaryIO, separator: str) -> None:
        super().__init__(name, file)
        self.separator = separator
        self.rows = DelimitedRows(name, file, separator, quoting=True)

    def check(self, limit: int | None = None, *, keep: bool = False) -> None:
        """Read all rows, or the first *limit*; raises a DataError with the line that is wrong."""
        self.rows = rows = self._chosen_rows(limit, keep)
        if not rows.n_rows:
            raise DataError(f"{shown(self.name)} has a header but no rows; add some")
        self.column_names, self.n_rows = list(rows.names), rows.n_rows
        require_header(self._table(rows.first_rows), rows.header_again)

    def table(self) -> Table:
        """All rows that were kept."""
        return self._table(list(self.rows))

    def batches(self, size: int, start: int = 0) -> Iterator[Table]:
        """Tables of *size* rows from the row *start* on."""
        rows = self.rows.rows_from(start)
        while batch := list(islice(rows, size)):
            yield self._table(batch)

    def _chosen_rows(self, limit: int | None, keep: bool) -> DelimitedRows:
        """The rows with quoting or without, whichever makes sense."""
        rows, refused = DelimitedRows(self.name, self.file, self.separator, quoting=True), None
        try:
            rows.check(limit, keep=keep)
            if rows.over_lines is not None:
                quotes.require_no_swallowed_rows(
                    self.name,
                    self.separator,
                    rows,
                    len(rows.names),
                    all_quoted=rows.all_quoted,
                )
        except quotes.QuoteError as error:
            refused = error
        plain = None
        if self.separator == TAB and (refused or rows.over_lines):
            plain = self._unquoted_rows(limit, keep)
        if plain is None:
            if refused is not None:
                raise refused
            return rows
        if refused is None and rows.over_lines is not None:  # both make sense
            if quotes.are_names_quoted(plain.names):
                return rows
            raise quotes.swallowed_rows_error(self.name, self.separator, rows.over_lines)
        if refused is not None and quotes.are_intended(plain.names, (row.cells for row in plain)):
            raise refused
        return plain

    def _unquoted_rows(self, limit: int | None, keep: bool) -> DelimitedRows | None:
        """The rows where each line is one, with its quotes; None where not each has all columns."""
        rows = DelimitedRows(self.name, self.file, TAB, quoting=False)
        try:
            rows.check(limit, keep=keep)
        except DataError:
            return None
        return rows if len(rows.names) > 1 else None

    def _table(self, rows: Sequence[DelimitedRow]) -> Table:
        return Table(
            name=self.name,
            column_names=list(self.column_names),
            cells=tuple(list(column) for column in zip(*(row.cells for row in rows), strict=True)),
            places=[row.first for row in rows],
        )


def _is_blank(cells: Sequence[str], columns: int) -> bool:
    """Whether a line is blank; one of blanks is a cell where there is but one column."""
    return not cells or (columns != 1 and len(cells) == 1 and not cells[0].strip())


def _checked_cells(
    name: str, cells: list[str], names: Sequence[str], first: int, lines: Lines
) -> list[str]:
    """The cells of a row, as many as names; empty ones beyond them are left away."""
    surplus = cells[len(names) :]
    if len(cells) < len(names) or any(surplus):
        place = f"line {first}" if lines.number == first else f"lines {first} to {lines.number}"
        message = (
            f"{unreadable(name)}: {place} {'has' if lines.number == first else 'have'}"
            f" {len(cells)} {'cell' if len(cells) == 1 else 'cells'} under {len(names)} column"
            f" {'name' if len(names) == 1 else 'names'}; "
        )
        if '"' in "".join(islice(lines.since_mark, 100)):
            raise quotes.QuoteError(message + quotes.REMEDY)
        lacks = "write all cells, or remove it"
        alone = ", or name each column in the header" if len(names) == 1 else ""
        quoted = f"put quotes around a cell that holds the separator{alone}"
        raise DataError(message + (quoted if any(surplus) else lacks))
    return cells[: len(names)]
