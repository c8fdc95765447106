"""Parts of a file that a reader can name: by a cell, a range of numbers or dates, a length, a word.

What parts there are never depends on where the errors are, or a test of them would mean nothing.
"""

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.data.check.missing_values import is_written_by_programs
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import RowPredictions
from viz.jobs.cancellation import check_cancelled

MIN_ROWS = 5
"""Rows that a part needs."""
N_RANGES = (5, 10)
"""Numbers, dates and lengths are cut into so many ranges of about as many rows each; a part that is
bad through and through is told best by wide ones, one with a sharp edge by narrow ones."""
MAX_VALUES = 10
"""Up to so many different numbers or dates each stand for themselves."""
MAX_WRITTEN = 80
"""Letters of a cell that a reader is shown, unless more are needed to tell it from others."""
FIRST_SECOND = datetime(1, 1, 1, tzinfo=UTC).timestamp()
LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
EMPTY, CUT_OFF, TOKENS = "(empty)", "cut off", "tokens"

Kind = Literal["column", "length", "word"]
Part = TypeVar("Part", float, str)


@dataclass(frozen=True, slots=True, eq=False)
class RowGroup:
    """Some rows and what they have in common."""

    by: Kind
    column: str
    value: str
    rows: IntArray
    """Their numbers, rising.  (n,)"""


def row_groups(
    rows: AuditRows,
    predictions: RowPredictions,
    words: Sequence[tuple[str, ...]],
    labels: Sequence[str],
    usable: IntArray,
) -> Iterator[RowGroup]:
    """All parts of at least MIN_ROWS rows and fewer than all: by column, by length, by word.

    Args:
        rows: The file.
        predictions: Of its rows.
        words: The words of each row, as `row_words` gives them.
        labels: The names of the classes.
        usable: The rows that count, rising; others are in no part.
    """
    for group in _all_groups(rows, predictions, words, labels, usable):
        if MIN_ROWS <= len(group.rows) < len(usable):
            yield group


def _all_groups(
    rows: AuditRows,
    predictions: RowPredictions,
    words: Sequence[tuple[str, ...]],
    labels: Sequence[str],
    usable: IntArray,
) -> Iterator[RowGroup]:
    texts = rows.columns.text or "text"
    yield from _by_class(rows, labels, usable)
    for column, cells in rows.table.items():
        if column not in (rows.columns.text, rows.columns.pair, rows.columns.label):
            check_cancelled()
            yield from _by_cell(column, cells, usable)
    lengths = predictions.n_tokens[usable].astype(np.float64)
    for value, chosen in _ranges(lengths, NUMBERS):
        yield RowGroup("length", TOKENS, value, usable[chosen])
    yield RowGroup("length", TOKENS, CUT_OFF, usable[predictions.n_unseen[usable] > 0])
    check_cancelled()
    yield from _by_word(texts, words, usable)


def _by_class(rows: AuditRows, labels: Sequence[str], usable: IntArray) -> Iterator[RowGroup]:
    """The rows of each true class, whatever the file calls it."""
    if rows.gold is None:
        return
    column = rows.columns.label or "label"
    gold = rows.gold[usable]
    for number, label in enumerate(labels):
        inside = gold == number if gold.ndim == 1 else gold[:, number] == 1
        yield RowGroup("column", column, label, usable[inside])


def _by_cell(column: str, cells: Sequence[Any], usable: IntArray) -> Iterator[RowGroup]:
    """Ranges of a column of many numbers or dates, else its values; the empty cells apart."""
    values = [_value(cells[row]) for row in usable.tolist()]
    filled = np.array([value is not None for value in values], dtype=bool)
    yield RowGroup("column", column, EMPTY, usable[~filled])
    full = [value for value in values if value is not None]
    places = usable[filled]
    for parse, spellings in ((_as_number, NUMBERS), (_as_seconds, MOMENTS)):
        if not full or (numbers := _parsed(full, parse)) is None:
            continue
        if len(np.unique(numbers)) > MAX_VALUES:
            for value, chosen in _ranges(numbers, spellings):
                yield RowGroup("column", column, value, places[chosen])
            return
        break
    frequent = dict(_values([_written(value) for value in full]))
    names = _spelled(frequent, CELLS)
    for value, chosen in frequent.items():
        yield RowGroup("column", column, names[value], places[chosen])


def _by_word(column: str, words: Sequence[tuple[str, ...]], usable: IntArray) -> Iterator[RowGroup]:
    """The rows that have a word, of each word."""
    keys: dict[str, int] = {}
    codes: list[IntArray] = []
    for row in usable.tolist():
        distinct = sorted(set(words[row]))
        codes.append(
            np.fromiter((keys.setdefault(key, len(keys)) for key in distinct), dtype=np.int64)
        )
    names = list(keys)
    for code, places in _grouped(
        np.concatenate([*codes, np.zeros(0, dtype=np.int64)]),
        np.repeat(usable, [len(each) for each in codes]),
    ):
        yield RowGroup("word", column, names[code], places)


def _values(values: Sequence[str]) -> Iterator[tuple[str, IntArray]]:
    """Each value, and where it stands."""
    keys: dict[str, int] = {}
    codes = np.fromiter((keys.setdefault(value, len(keys)) for value in values), dtype=np.int64)
    names = list(keys)
    for code, places in _grouped(codes, np.arange(len(codes))):
        yield names[code], places


def _grouped(codes: IntArray, places: IntArray) -> Iterator[tuple[int, IntArray]]:
    """The places of each code that has MIN_ROWS of them, in the order of the codes."""
    order = np.argsort(codes, kind="stable")
    distinct, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
    for code, start, count in zip(distinct.tolist(), starts.tolist(), counts.tolist(), strict=True):
        if count >= MIN_ROWS:
            yield code, places[order[start : start + count]]


def _ranges(
    numbers: FloatArray, spellings: Sequence[Callable[[float], str]]
) -> Iterator[tuple[str, IntArray]]:
    """Ranges of about as many numbers each, named by the least and the greatest in them.

    Each comes once: of few different numbers, a wide one may be a narrow one, too.
    """
    if not len(numbers):
        return
    ranges: dict[tuple[float, float], IntArray] = {}
    for n_ranges in N_RANGES:
        shares = np.arange(1, n_ranges) / n_ranges
        edges = np.unique(np.quantile(numbers, shares, method="inverted_cdf"))
        bins = np.searchsorted(edges, numbers, side="left")
        for number in range(len(edges) + 1):
            chosen = np.flatnonzero(bins == number)
            if len(chosen):
                inside = numbers[chosen]
                ranges[float(inside.min()), float(inside.max())] = chosen
    names = _spelled([end for ends in ranges for end in ends], spellings)
    for (low, high), chosen in ranges.items():
        yield (names[low] if low == high else f"{names[low]} to {names[high]}"), chosen


def _spelled(values: Iterable[Part], spellings: Sequence[Callable[[Part], str]]) -> dict[Part, str]:
    """How each value is written: as short as tells all of them apart."""
    names: dict[Part, str] = {}
    for spell in spellings:
        names = {value: spell(value) for value in values}
        if len(set(names.values())) == len(names):
            break
    return names


def _value(cell: Any) -> Any:
    """A cell as a value that can be compared; None where it is empty."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)) or cell != cell:  # NaT
        return None
    if isinstance(cell, str):
        text = cell.strip()
        return None if text in ("", EMPTY) or is_written_by_programs(text) else text
    if isinstance(cell, list | tuple | dict | set | bytes):
        return json.dumps(cell, ensure_ascii=False, sort_keys=True, default=str)
    return cell


def _parsed(values: Sequence[Any], parse: Callable[[Any], float | None]) -> FloatArray | None:
    """All values as numbers; None where one isn't."""
    numbers = np.empty(len(values))
    for index, value in enumerate(values):
        number = parse(value)
        if number is None:
            return None
        numbers[index] = number
    return numbers


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool | np.bool_):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _as_seconds(value: Any) -> float | None:
    """A date as the seconds since 1970; of a time without a zone, as if it were UTC's."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, date):
        return None
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return min(max(seconds, FIRST_SECOND), LAST_SECOND)  # UTC may be in the year 0 or 10000


def _number(value: float, digits: int) -> str:
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.{digits}g}"


def _moment(seconds: float, unit: str) -> str:
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return str(moment.date()) if moment.time() == time() else moment.isoformat(" ", unit)


def _written(value: Any) -> str:
    """A value as its file has it, in one line."""
    return " ".join(str(value).split())


def _short(line: str, most: int) -> str:
    return line if len(line) <= most else f"{line[: most - 2]} …"


NUMBERS = tuple(partial(_number, digits=digits) for digits in range(6, 18))
MOMENTS = tuple(partial(_moment, unit=unit) for unit in ("minutes", "seconds", "microseconds"))
CELLS = tuple(partial(_short, most=most) for most in (MAX_WRITTEN, 4 * MAX_WRITTEN, sys.maxsize))
"""Ways to write values, the shortest first; by the last no two are written alike."""
