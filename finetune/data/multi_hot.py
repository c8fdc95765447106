"""Flags: a 0 or 1 for each class, which doesn't say what the classes are called."""

import re
from collections.abc import Sequence
from itertools import chain

from finetune.data.tables.cell_types import are_binary
from finetune.data.tables.messages import shown
from finetune.errors import DataError

MULTI_HOT_TEXT = re.compile(r"[01]([\s,;|/]+[01])+")


def refuse_multi_hot(values: Sequence[object], column: str) -> None:
    """Refuse a label column in which every row is a list of as many flags, or writes one out.

    Lists such as [0], [1] and [0, 1] differ in length: they name the classes 0 and 1.
    """
    filled = [value for value in values if value is not None and value != ""]
    if not filled:
        return
    if all(isinstance(value, str) and MULTI_HOT_TEXT.fullmatch(value.strip()) for value in filled):
        raise DataError(
            f"column {column!r} holds flags written out, such as {shown(filled[0])}; use JSON Lines"
            f" and {REMEDY}"
        )
    lists = [value for value in filled if isinstance(value, list)]
    lengths = {len(value) for value in lists} - {0}
    if len(lists) < len(filled) or len(lengths) != 1 or not are_binary(chain.from_iterable(lists)):
        return
    (length,) = lengths
    first = next(value for value in lists if value)
    if length > 1:
        raise DataError(
            f"column {column!r} holds lists of {length} flags, such as {first}, one for each class;"
            f" {REMEDY}"
        )
    if all(lists):
        raise DataError(
            f"each label of column {column!r} is a list of one 0 or 1, such as {first}, which can"
            " be a class or a flag; write the class itself, without the brackets"
        )


REMEDY = 'list the names of the classes that apply, such as ["sports", "world"]'
