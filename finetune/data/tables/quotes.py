"""Quotes of CSV that are not what they should be: where they begin, and what they take in."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from finetune.data.tables import cell_types
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
ESCAPED = re.compile(r'"(?:[^"]|"")*"')
SINGLE_WORD = re.compile(r"[^\s\"]{1,30}")
"""A name without a blank: all labels of a file can be such, and no sentence is one."""
MIN_RECURRING_SHARE = 0.5
"""Share of the cells of a column that recur in it, at least, where these are names of classes."""


_Test = Callable[[str], bool]


class QuoteError(DataError):
    """A file whose quotes make no sense."""


@dataclass(frozen=True, slots=True)
class Span:
    """A row over several lines."""

    row: int
    """Its place among the rows, from 0."""
    first: int
    """The number of its first line."""
    lines: tuple[str, ...]


def are_intended(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether cells that were read without quoting are quoted all the same.

    So they are where quotes stand around names, around most cells of a column, or around a text
    in which other quotes are written out.
    """
    if any(map(_is_quoted, names)):
        return True
    quoted = [
        (column, cell)
        for row in rows
        for column, cell in enumerate(row)
        if '"' in cell and _is_quoted(cell)
    ]
    columns = Counter(column for column, _ in quoted)
    return any(count * 2 > len(rows) for count in columns.values()) or any(
        '\\"' in cell or ('"' in cell[1:-1] and ESCAPED.fullmatch(cell)) for _, cell in quoted
    )


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
    if "unexpected end" in why:
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
    name: str, separator: str, spans: Sequence[Span], rows: Sequence[Sequence[str]]
) -> None:
    """Refuse a quoted cell over several lines that look like rows of their own.

    A stray quote and a later one make such a cell, which is right by the rules and wrong in fact.
    A text of several lines has commas too, but few of its lines end in the name of a class.
    """
    if not spans:
        return
    over_lines, columns = {span.row for span in spans}, len(rows[0])
    alone = [row for number, row in enumerate(rows) if number not in over_lines]
    known = dict(_known_cells(alone, columns))
    for span in spans:
        *inner, _ = [line for line in span.lines if line.strip()]
        alike = sum(
            _looks_like_row(line.rstrip("\r\n"), separator, columns, known) for line in inner
        )
        if alike * 2 >= len(inner) and alike:
            raise swallowed_rows_error(name, separator, span)


def swallowed_rows_error(name: str, separator: str, span: Span) -> QuoteError:
    """A quoted cell over lines that are rows of their own."""
    whole = "".join(span.lines)
    begins = span.first + whole.count("\n", 0, _first_opening_over_lines(whole, separator))
    return QuoteError(
        f"{unreadable(name)}: the quote that begins in line {begins} takes in rows up to line"
        f" {span.first + len(span.lines) - 1}; {REMEDY}"
    )


def _known_cells(rows: Sequence[Sequence[str]], columns: int) -> Iterator[tuple[int, _Test]]:
    """By what a cell of each column is known: it recurs there, or all are numbers or keys."""
    for column in range(columns):
        counts = Counter(row[column] for row in rows)
        again = {cell: count for cell, count in counts.items() if count > 1}
        if again and len(again) == len(counts):
            yield column, frozenset(again).__contains__
        elif cell_types.are_numbers(counts):
            yield column, lambda cell: cell_types.are_numbers([cell])
        elif counts and all(
            map(SINGLE_WORD.fullmatch, counts)
        ):  # others of their like may be swallowed
            yield column, lambda cell: SINGLE_WORD.fullmatch(cell) is not None
        elif again and sum(again.values()) >= len(rows) * MIN_RECURRING_SHARE:
            yield column, frozenset(again).__contains__


def _looks_like_row(line: str, separator: str, columns: int, known: Mapping[int, _Test]) -> bool:
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
