"""Quotes of CSV that are not what they should be: where they begin, and what they take in."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from finetune.data.tables.known_cells import CellTest, known_cells
from finetune.data.tables.lines import Lines
from finetune.data.tables.messages import unreadable
from finetune.errors import DataError

REMEDY = (
    'in CSV a cell with a quote stands in quotes and has each quote of its text doubled ("");'
    " JSON Lines needs no such care"
)
BACKSLASHES = (
    'has quotes written as \\", which CSV does not know; double each quote of a text ("") or save'
    " the rows as JSON Lines"
)
MAX_CELL_CHARS = 2**26
"""The longest cell: what takes in more is a stray quote."""
ESCAPED = re.compile(r'"(?:[^"]|"")*"')


class QuoteError(DataError):
    """A file whose quotes make no sense."""


@dataclass(frozen=True, slots=True)
class DelimitedRow:
    """A row of cells, and where it stands."""

    cells: list[str]
    first: int
    """The number of its first line."""
    lines: tuple[str, ...]
    """Its lines as they stand; none of them where it was kept and is but one."""

    @property
    def over_lines(self) -> bool:
        """Whether it stands on several lines."""
        return len(self.lines) > 1


def are_intended(names: Sequence[str], rows: Iterable[Sequence[str]]) -> bool:
    """Whether cells that were read without quoting are quoted all the same.

    So they are where quotes stand around names, around most cells of a column, or around a text
    in which other quotes are written out.
    """
    if are_names_quoted(names):
        return True
    n_rows, quoted = 0, Counter[int]()
    for row in rows:
        n_rows += 1
        for column, cell in enumerate(row):
            if '"' in cell and _is_quoted(cell):
                quoted[column] += 1
                if '\\"' in cell or ('"' in cell[1:-1] and ESCAPED.fullmatch(cell)):
                    return True
    return any(count * 2 > n_rows for count in quoted.values())


def are_names_quoted(names: Sequence[str]) -> bool:
    """Whether quotes stand around a name of a header that was read without quoting."""
    return any(map(_is_quoted, names))


def _is_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


def quote_error(name: str, separator: str, first: int, lines: Lines, why: str) -> QuoteError:
    """What is wrong with the row that begins in the line *first* and was read so far."""
    whole = "".join(lines.since_mark)
    begins = first + whole.count("\n", 0, _last_opening(whole, separator))
    if '\\"' in whole:
        here = next(i for i, line in enumerate(lines.since_mark) if '\\"' in line)
        return QuoteError(f"{unreadable(name)}: line {first + here} {BACKSLASHES}")
    if "new-line" in why:
        number = lines.number
        return QuoteError(
            f"{unreadable(name)}: line {number} has a carriage return in a cell without quotes; put"
            " the cell in quotes, or remove it"
        )
    if "field limit" in why:
        problem = (
            f"the quote that begins in line {begins} takes in more than"
            f" {MAX_CELL_CHARS // 2**20} million characters"
        )
    elif "unexpected end" in why:
        problem = f"the quote that begins in line {begins} is never closed"
    elif begins == lines.number:
        problem = f"in line {begins} a cell goes on after its closing quote"
    else:
        problem = (
            f"the quote that begins in line {begins} ends inside a cell of line {lines.number}"
        )
    return QuoteError(f"{unreadable(name)}: {problem}; {REMEDY}")


def require_no_backslashes(name: str, number: int, line: str, separator: str) -> None:
    r"""Refuse a line with \" in a cell without quotes around it, as other writers have it."""
    place, outside = 0, []
    for start, end in _openings(line, separator):
        outside.append(line[place:start])
        place = end
    if '\\"' in "".join([*outside, line[place:]]):
        raise QuoteError(f"{unreadable(name)}: line {number} {BACKSLASHES}")


def require_no_swallowed_rows(
    name: str, separator: str, rows: Iterable[DelimitedRow], columns: int, *, all_quoted: bool
) -> None:
    """Refuse a quoted cell over several lines that look like rows of their own.

    A stray quote and a later one make such a cell, which is right by the rules and wrong in fact.
    A text of several lines has commas too, but few of its lines end in the name of a class.

    Args:
        name: Of the file.
        separator: Of its cells.
        rows: All rows, gone through twice.
        columns: The cells of each.
        all_quoted: Whether all rows of one line stand in quotes from the first cell to the last.
    """
    known = known_cells((row.cells for row in rows if not row.over_lines), columns)
    for row in rows:
        if not row.over_lines:
            continue
        *inner, _ = [line for line in row.lines if line.strip()]
        alike = sum(
            _looks_like_row(line.rstrip("\r\n"), separator, columns, known)
            and (is_line_quoted(line, separator) or not all_quoted)
            for line in inner
        )
        if alike * 2 >= len(inner) and alike:
            raise swallowed_rows_error(name, separator, row)


def is_line_quoted(line: str, separator: str) -> bool:
    """Whether a line begins with a quoted cell and ends with one."""
    begins = not line.startswith('""') or line.startswith(f'""{separator}')
    return begins and _is_quoted(line.rstrip("\r\n"))


def swallowed_rows_error(name: str, separator: str, row: DelimitedRow) -> QuoteError:
    """A quoted cell over lines that are rows of their own."""
    whole = "".join(row.lines)
    begins = row.first + whole.count("\n", 0, _first_opening_over_lines(whole, separator))
    return QuoteError(
        f"{unreadable(name)}: the quote that begins in line {begins} takes in rows up to line"
        f" {row.first + len(row.lines) - 1}; {REMEDY}"
    )


def _looks_like_row(line: str, separator: str, columns: int, known: Mapping[int, CellTest]) -> bool:
    cells = line.split(separator)
    if len(cells) < columns:
        return False
    verdicts = []
    for column, is_known in known.items():
        if len(cells) == columns or column in (0, columns - 1):
            cell = cells[-1 if column == columns - 1 else column].strip('"')
            verdicts.append(is_known(cell))
    return bool(verdicts) and sum(verdicts) * 2 >= len(verdicts)


def _openings(text: str, separator: str) -> Iterator[tuple[int, int]]:
    """Where quoted cells begin and end in *text*; an end is the length where there is none."""
    place, size = 0, len(text)
    while place < size:
        if text[place] == '"':
            end = place + 1
            while end < size:
                if text[end] != '"':
                    end += 1
                elif text[end + 1 : end + 2] == '"':
                    end += 2
                else:
                    break
            yield place, end
            place = end + 1
        # To the beginning of the next cell, or of the next line.
        while place < size and text[place] not in (separator, "\r", "\n"):
            place += 1
        place += 1


def _last_opening(text: str, separator: str) -> int:
    """Where the last quoted cell begins."""
    return max((start for start, _ in _openings(text, separator)), default=0)


def _first_opening_over_lines(text: str, separator: str) -> int:
    """Where the first quoted cell that ends in another line begins."""
    return next((start for start, end in _openings(text, separator) if "\n" in text[start:end]), 0)
