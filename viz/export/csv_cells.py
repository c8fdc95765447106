"""Cells of a CSV: numbers to the last digit, and texts that no spreadsheet runs as a formula.

A spreadsheet takes a cell that begins with = + - @ (or their full-width forms), a tab or a line
break for a formula, even a quoted one, and a text can be written so that it does harm.  As OWASP
advises ("CSV Injection"), such a text gets a leading apostrophe.  So does one that begins with
apostrophes before such a sign, which keeps the rule reversible: where a cell matches `GUARDED`,
drop its first character.  Every other text, `'s` among them, is written as it is.
"""

import re

import numpy as np

SIGNS = "=+\\-@\t\r\n＝＋－＠"
GUARDED = re.compile(f"'+[{SIGNS}]")
_DANGEROUS = re.compile(f"'*[{SIGNS}]")


def guarded(text: str) -> str:
    """A text as a cell that no spreadsheet runs."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def unguarded(cell: str) -> str:
    """The text that `guarded` made a cell of."""
    return cell[1:] if GUARDED.match(cell) else cell


def written(value: object) -> str:
    """A number as the shortest digits that give it back; None is an empty cell."""
    if value is None:
        return ""
    return str(value) if isinstance(value, np.generic) else repr(value)
