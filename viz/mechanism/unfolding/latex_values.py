r"""Numbers, vectors, matrices and texts as LaTeX that KaTeX and matplotlib's mathtext both set."""

import math
import unicodedata

import numpy as np

from finetune.checkpoint.arrays import FloatArray

MAX_ENTRIES = 4
"""Numbers of a vector that are written out where there are no more; of a longer one the first two
and the last."""
VECTOR_DIGITS, SCALAR_DIGITS = 3, 5
"""Significant digits of an entry, and of a number that stands alone."""
LARGEST_INTEGER = 1e9
"""Whole numbers below it, such as ids, keep all their digits."""

_ESCAPED = frozenset("$%#&_{}")
_REPLACED = {"\\": r"}\backslash\text{", "^": "\u02c6", "~": "\u02dc", "`": "\u2018"}
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def text_latex(text: str) -> str:
    r"""A text as `\text{...}`, whatever characters it has.

    What LaTeX reads as a command is escaped, each blank is a plain one, joiners of emoji are left
    out, and what can't be seen or turns the direction of writing is `U+FFFD`.
    """
    return r"\text{" + "".join(_character(character) for character in text) + "}"


def _character(character: str) -> str:
    if character in _ESCAPED:
        return "\\" + character
    if character in _REPLACED:
        return _REPLACED[character]
    if character.isspace():
        return " "
    if character in "\u200d\ufe0e\ufe0f":
        return ""
    return "\ufffd" if unicodedata.category(character) in _UNSEEN else character


def number_latex(value: float, digits: int = SCALAR_DIGITS) -> str:
    """A number with so many significant digits; very large or small ones with a power of ten."""
    value = float(value)
    if math.isnan(value):
        return text_latex("NaN")
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    if value.is_integer() and abs(value) < LARGEST_INTEGER:
        return str(int(value))
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    power = int(exponent)
    if -4 < power < digits + 1:
        return f"{value:.{max(digits - 1 - power, 0)}f}"
    return rf"{mantissa}{{\cdot}}10^{{{power}}}"


def values_latex(values: FloatArray) -> str:
    r"""A number, or the first and last numbers of a vector or matrix, with its dimensions.

    Such as `(0.120, -0.400, \ldots, 0.310)_{384}`; a matrix is read row by row.
    """
    array = np.asarray(values)
    if array.ndim == 0:
        return number_latex(float(array))
    entries = array.reshape(-1)
    shown = [*entries] if entries.size <= MAX_ENTRIES else [*entries[:2], None, entries[-1]]
    inside = ", ".join(
        r"\ldots" if entry is None else number_latex(entry, VECTOR_DIGITS) for entry in shown
    )
    dimensions = r" \times ".join(str(size) for size in array.shape)
    return f"({inside})_{{{dimensions}}}"


def operand_latex(values: FloatArray) -> str:
    """The same as a part of an equation, where a negative number stands in parentheses."""
    written = values_latex(values)
    return f"({written})" if written.startswith("-") else written


def entry_latex(value: float) -> str:
    """A number as a factor, short, and in parentheses where it is negative."""
    written = number_latex(value, VECTOR_DIGITS)
    return f"({written})" if written.startswith("-") else written
