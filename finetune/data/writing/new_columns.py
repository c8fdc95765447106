"""Columns that are added to those of a file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

ColumnValues = Mapping[str, Sequence[object]]
"""The cells of added columns by name, one for each row; None where a row has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewColumn:
    """A column to write behind those of the source."""

    name: str
    kind: Literal["text", "integer", "number", "flag", "texts", "numbers"]
    """What each cell is: a str, int, float, bool, or a list of str or of float."""


def unused_name(wanted: str, taken: Collection[str]) -> str:
    """*wanted*, or the first of `wanted_2`, `wanted_3` and so on that is not among *taken*."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name
