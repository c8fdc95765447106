"""CSV and TSV: every cell the text it is, every row as long as the header, or a refusal."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from finetune.data.tables import quotes
from finetune.data.tables.header import column_names, require_separator
from finetune.data.tables.lines import Lines
from finetune.data.tables.messages import shown, unreadable
from finetune.data.tables.quotes import Span
from finetune.data.tables.table import Table
from finetune.errors import DataError

COMMA, TAB = ",", "\t"


@dataclass(slots=True)
class _Rows:
    """What was read so far."""

    names: tuple[str, ...] = ()
    rows: list[list[str]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    """Rows over several lines."""


def read_delimited(name: str, file: BinaryIO, separator: str, limit: int | None = None) -> Table:
    """The rows of a CSV or TSV file, or its first *limit*.

    Quotes are read as RFC 4180 has them.  A TSV file of which that makes no sense, and in which
    each line is a row without them, is one without quoting: its quotes belong to the texts.
    One that makes sense both ways is refused.

    Raises:
        DataError: where it is not that, with the line.
    """
    sheet, refused = _Rows(), None
    try:
        sheet = _read(name, file, separator, limit, quoting=True)
        quotes.require_no_swallowed_rows(name, separator, sheet.spans, sheet.rows)
    except quotes.QuoteError as error:
        refused = error
    doubtful = refused is not None or bool(sheet.spans)
    plain = _read_unquoted(name, file, limit) if doubtful and separator == TAB else None
    if plain is None and refused is not None:
        raise refused
    if plain is not None:
        if refused is None or quotes.are_intended(plain.names, plain.rows):  # or both make sense
            raise refused or quotes.swallowed_rows_error(name, separator, sheet.spans[0])
        sheet = plain
    if not sheet.rows:
        raise DataError(f"{shown(name)} has a header but no rows; add some")
    return Table(
        name=name,
        column_names=list(sheet.names),
        cells=tuple(list(column) for column in zip(*sheet.rows, strict=True)),
        places=sheet.places,
    )


def _read_unquoted(name: str, file: BinaryIO, limit: int | None) -> _Rows | None:
    """The rows where each line is one, with its quotes; None where not each has all columns."""
    try:
        sheet = _read(name, file, TAB, limit, quoting=False)
    except DataError:
        return None
    return sheet if len(sheet.names) > 1 else None


def _read(name: str, file: BinaryIO, separator: str, limit: int | None, *, quoting: bool) -> _Rows:
    file.seek(0)
    csv.field_size_limit(2**31 - 1)
    lines, sheet = Lines(name, file), _Rows()
    found = csv.reader(
        lines,
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
        strict=True,
    )
    while limit is None or len(sheet.rows) < limit:
        lines.mark()
        first = lines.number + 1
        try:
            cells = next(found, None)
        except csv.Error as error:
            if not sheet.names:
                require_separator(name, (), lines.since_mark[0], separator)
            raise quotes.quote_error(name, separator, first, lines, str(error)) from error
        if cells is None:
            break
        if _is_blank(cells, len(sheet.names)):
            continue
        if not sheet.names:
            require_separator(name, cells, lines.since_mark[0], separator)
            sheet.names = column_names(cells)
            continue
        if len(lines.since_mark) > 1:
            sheet.spans.append(Span(len(sheet.rows), first, tuple(lines.since_mark)))
        elif quoting and separator == COMMA and '\\"' in lines.since_mark[0]:
            quotes.require_no_backslashes(name, first, lines.since_mark[0], separator)
        sheet.rows.append(_checked_cells(name, cells, sheet.names, first, lines))
        sheet.places.append(first)
    if not sheet.names:
        raise DataError(f"{shown(name)} is empty; it needs a header and rows")
    return sheet


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
