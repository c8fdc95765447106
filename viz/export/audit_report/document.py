"""A document: sections of texts, tables and pictures, before it is laid out as HTML or PDF."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from PIL import Image

TextKind = Literal["plain", "heading", "guide", "note", "missing"]
"""A guide says how to read a part; what is missing, why there is none."""
GUIDE = "How to read it:"
"""Stands before every guide."""
ColumnKind = Literal["text", "long", "number", "bar"]
"""Of long texts, cells are sentences or rows of the file."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, or a heading within a section."""

    text: str
    kind: TextKind = "plain"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    kind: ColumnKind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; of a column of bars, cells are numbers and how they are written."""

    columns: tuple[Column, ...]
    rows: tuple[tuple["Cell", ...], ...]

    def largest(self, column: int) -> float:
        """The size of the longest bar of a column, 1 where all are 0."""
        cells = (row[column] for row in self.rows)
        return max((abs(cell.value) for cell in cells if isinstance(cell, Bar)), default=0.0) or 1.0

    def is_signed(self, column: int) -> bool:
        """Whether a bar of a column goes to the left."""
        cells = (row[column] for row in self.rows)
        return any(isinstance(cell, Bar) and cell.value < 0 for cell in cells)


@dataclass(frozen=True, slots=True)
class Bar:
    """A number that is drawn; negative ones go to the left."""

    value: float
    text: str


Cell = str | Bar


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on a white ground."""

    png: bytes
    dpi: float
    """Dots per inch at its natural size."""
    alternative: str
    """What it shows, for those who can't see it."""

    @property
    def size(self) -> tuple[int, int]:
        """Dots along its width and height."""
        with Image.open(BytesIO(self.png)) as image:
            return image.size


Block = Text | Table | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the document under its own heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """All of it."""

    title: str
    maker: str
    """What it was made by, with its version."""
    sections: tuple[Section, ...]


def first(items: Sequence[object], most: int, where: str) -> tuple[Text, ...]:
    """A note where only the first of some items are listed."""
    if len(items) <= most:
        return ()
    return (Text(f"The first {most:,} of {len(items):,}; all of them are in {where}.", "note"),)
