"""Names of the columns that hold the text, its pair and the class."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """The columns that are named; None where one is to be found, or there is none."""

    text: str | None = None
    pair: str | None = None
    label: str | None = None
