"""By what a cell of a column is known: it recurs there, or all cells are numbers or single words.

All cells of a file are looked at, in memory that hardly grows with their number: what is kept of
each is a hash, on disk, and those of one column at a time are read back.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from finetune.data.tables import cell_types

SINGLE_WORD = re.compile(r"[^\s\"]{1,30}")
"""A name without a blank: all labels of a file can be such, and no sentence is one."""
MIN_RECURRING_SHARE = 0.5
"""Share of the cells of a column that recur in it, at least, where these are names of classes."""
_HELD_HASHES = 2**20

CellTest = Callable[[str], bool]


def known_cells(rows: Iterable[Sequence[str]], columns: int) -> Mapping[int, CellTest]:
    """A test of further cells for each column, by its number, where there is one."""
    numbers, words, filled = [True] * columns, [True] * columns, [False] * columns
    held = array("q")
    with TemporaryFile() as file:
        for row in rows:
            held.extend(map(hash, row))
            if len(held) > _HELD_HASHES:
                file.write(held)
                del held[:]
            for column, cell in enumerate(row):
                if cell.strip():
                    filled[column] = True
                    numbers[column] = numbers[column] and cell_types.are_numbers([cell])
                words[column] = words[column] and SINGLE_WORD.fullmatch(cell) is not None
        file.write(held)
        n_rows = file.tell() // held.itemsize // columns
        tests = dict[int, CellTest]()
        for column in range(columns) if n_rows else ():
            hashes = _column(file, n_rows, columns, column)
            distinct, counts = np.unique(hashes, return_counts=True)
            again = counts > 1
            if again.all():
                tests[column] = _is_among(distinct)
            elif filled[column] and numbers[column]:
                tests[column] = _is_number
            elif words[column]:  # others of their like may be swallowed
                tests[column] = _is_single_word
            elif counts[again].sum() >= n_rows * MIN_RECURRING_SHARE:
                tests[column] = _is_among(distinct[again])
    return tests


def _column(file: BinaryIO, n_rows: int, columns: int, column: int) -> npt.NDArray[np.int64]:
    whole = np.memmap(file, dtype=np.int64, mode="r", shape=(n_rows, columns))
    return np.array(whole[:, column])


def _is_among(hashes: npt.NDArray[np.int64]) -> CellTest:
    def test(cell: str) -> bool:
        place = int(np.searchsorted(hashes, hash(cell)))
        return place < len(hashes) and int(hashes[place]) == hash(cell)

    return test


def _is_number(cell: str) -> bool:
    return cell_types.are_numbers([cell])


def _is_single_word(cell: str) -> bool:
    return SINGLE_WORD.fullmatch(cell) is not None
