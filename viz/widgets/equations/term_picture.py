"""A term as a small picture: all of its values, or of a large one the strongest of each block."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray

MAX_VECTOR = 16_384
"""Numbers of a vector that are sent; of a longer one the strongest of each block."""
MAX_MATRIX = 8_192
"""The same of a matrix in a card."""
MAX_FOCUSED = 32_768
"""The same of the term that is followed."""
MAX_ROWS, MAX_COLUMNS = 32, 48
"""Blocks of a matrix that is too large."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn of a term."""

    values: FloatArray
    """(rows, columns), float32."""
    rows: int
    """Of the whole term, seen as one matrix."""
    columns: int
    block: tuple[int, int] = (1, 1)
    """Rows and columns of the term that one cell stands for, by the strongest of them."""


def picture(values: FloatArray, *, focused: bool = False) -> Picture:
    """Draw a number, a vector, a matrix, or the matrices of all heads one below the other.

    Args:
        values: Of the term.
        focused: Whether the term is the one that is followed, of which more is sent.
    """
    whole = values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values.reshape(1, -1)
    rows, columns = whole.shape
    limit = MAX_FOCUSED if focused else MAX_VECTOR if rows == 1 else MAX_MATRIX
    if whole.size <= limit:
        return Picture(_float32(whole), rows, columns)
    n_columns = MAX_ROWS * MAX_COLUMNS if rows == 1 else MAX_COLUMNS
    block = (-(-rows // MAX_ROWS), -(-columns // n_columns))
    return Picture(strongest(whole, block), rows, columns, block=block)


def strongest(values: FloatArray, block: tuple[int, int]) -> FloatArray:
    """Of each block of a matrix the value that is farthest from 0; with both signs the positive.

    Args:
        values: (m, n)
        block: Rows and columns of a block; those at the ends may be smaller.

    Returns:
        (ceil(m / rows), ceil(n / columns)), float32.
    """
    (rows, columns), (height, width) = values.shape, block
    lines, bars = -(-rows // height), -(-columns // width)
    padded = np.zeros((lines * height, bars * width), np.float32)
    padded[:rows, :columns] = values
    blocks = padded.reshape(lines, height, bars, width)
    highest, lowest = blocks.max((1, 3)), blocks.min((1, 3))
    return _float32(np.where(highest >= -lowest, highest, lowest))


def largest(values: FloatArray) -> float:
    """What the color scale reaches: what a mask puts there, almost infinite, is left out."""
    sizes = np.abs(values[np.isfinite(values)])
    sizes = sizes[sizes < 1e30]
    return float(sizes.max(initial=0.0))


def indices_of(shape: Sequence[int], row: int, column: int) -> tuple[int, ...]:
    """Where a cell of the picture lies in its term.

    Args:
        shape: Of the term.
        row: Of the whole term, seen as one matrix.
        column: The same.
    """
    if len(shape) < 2:
        return (column,) if shape else ()
    if len(shape) == 2:
        return row, column
    return row // shape[1], row % shape[1], column


def _float32(values: FloatArray) -> FloatArray:
    return np.ascontiguousarray(values, np.float32)
