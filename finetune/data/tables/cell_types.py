"""What the cells of a column look like: texts, names of rows, or flags of one class."""

import re
from collections.abc import Iterable, Sequence

TWO_WORDS = re.compile(r"[^\W\d_]+[^\w\s]*\s+[^\w\s]*[^\W\d_]+")
"""Two words with a blank between them."""
ADDRESS = re.compile(r"(?:\w+://|www\.|/|[A-Za-z]:\\)\S*")
ROW_KEY = re.compile(r"(?=\S*\d)[\w.:/#-]+", re.ASCII)
"""A number or a key, such as doc-0017 or a hash."""
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE)
BINARY_VALUES = frozenset({"0", "1", "0.0", "1.0", "true", "false"})
MIN_WORD_CHARS = 20
"""Letters without a blank that make a text where they are no address."""
MIN_IDEOGRAMS = 5
"""Letters of a script without small letters, which often writes no blanks, that make a text."""


def are_texts(cells: Iterable[object]) -> bool:
    """Whether most cells read like texts of their own, not like names of classes or of rows."""
    filled = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
    texts = sum(_is_text(cell[:2_000]) for cell in filled)
    return bool(filled) and texts * 2 >= len(filled) and len(set(filled)) * 2 > len(filled)


def are_row_keys(cells: Sequence[object]) -> bool:
    """Whether all cells are numbers or keys, and all are different."""
    filled = [str(cell).strip() for cell in cells if cell is not None and str(cell).strip()]
    return (
        len(filled) > 1 and len(set(filled)) == len(filled) and all(map(ROW_KEY.fullmatch, filled))
    )


def are_binary(cells: Iterable[object]) -> bool:
    """Whether every cell says yes or no to one class: 0 or 1, true or false."""
    found = {str(cell).strip().lower() for cell in cells}
    return bool(found) and found <= BINARY_VALUES


def are_numbers(cells: Iterable[object]) -> bool:
    """Whether every cell that is not blank is a number, and one is there."""
    filled = [text for cell in cells if cell is not None and (text := str(cell).strip())]
    return bool(filled) and all(map(NUMBER.fullmatch, filled))


def _is_text(cell: str) -> bool:
    if TWO_WORDS.search(cell):
        return True
    if ADDRESS.fullmatch(cell.strip()) or ROW_KEY.fullmatch(cell.strip()):
        return False
    letters = [letter for letter in cell if letter.isalpha()]
    signs = sum(letter.lower() == letter.upper() for letter in letters)
    return len(letters) >= MIN_WORD_CHARS or signs >= MIN_IDEOGRAMS
