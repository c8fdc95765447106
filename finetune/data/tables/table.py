"""What a file of rows holds: columns of cells, with the line in which each row begins."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, overload

from finetune.data.tables.messages import shown
from finetune.errors import DataError

SAMPLE_CELLS = 1_000
"""Cells looked at to say what a column holds."""


class Cells(Sequence[object], ABC):
    """The cells of one column, turned into Python's values when they are asked for."""

    @abstractmethod
    def values(self, part: slice) -> list[object]:
        """The cells of a part of the rows."""

    @overload
    def __getitem__(self, place: int) -> object: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[object]: ...
    def __getitem__(self, place: int | slice) -> object:
        if isinstance(place, slice):
            return self.values(place)
        return self.values(slice(place, place + 1 or None))[0]

    def __iter__(self) -> Iterator[object]:
        return iter(self.values(slice(None)))


class Columnar(Protocol):
    """Columns of cells by name, as a `Table` and a `datasets.Dataset` have them."""

    @property
    def column_names(self) -> Sequence[str]:
        """The names in their order."""

    @property
    def features(self) -> Mapping[str, Any]:
        """What is known of the type of each column."""

    def __getitem__(self, name: str, /) -> Any:
        """The cells of a column."""

    def __len__(self) -> int:
        """The number of rows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The rows of a file, column by column; only a column that is read has to make sense."""

    name: str
    """Of the file."""
    column_names: list[str]
    """As the file has them: a name can come twice."""
    cells: tuple[Sequence[object], ...]
    """One sequence of cells for each name."""
    places: Sequence[int]
    """The line of the file in which each row begins, counted from 1; without lines, its number."""
    unit: str = "line"
    """What `places` counts: lines or rows."""
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of classes that a column writes by their numbers from 0."""
    features: Mapping[str, Any] = field(default_factory=dict)
    """The types of columns that `datasets` knows, where it has to read them."""
    objects: Sequence[Mapping[str, Any]] | None = None
    """The rows of a JSON file, each with the names that it has."""
    arrow: Any = None
    """The rows of a Parquet file as an Arrow table, with its schema."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Of a table that is a part of a file, why a column of the whole file can't be read."""

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.places)

    def __getitem__(self, name: str) -> list[object]:
        """The cells of the column *name*.

        Raises:
            DataError: where several columns have that name, or the cells are not of one kind.
        """
        require_unique_name(self, self.name, name)
        if name in self.refused:
            raise DataError(self.refused[name])
        cells = list(self.cells[self.column_names.index(name)])
        kind = OneKind(name, self.name, self.unit)
        for place, cell in zip(self.places, cells, strict=True):
            kind.require(place, cell)
        return cells

    def written_labels(self, name: str) -> list[str]:
        """The cells of a label column as text, numbers of classes by their names.

        Raises:
            DataError: where a number has no name.
        """
        cells, names = self[name], self.class_names.get(name)
        if names is None:
            return ["" if cell is None else str(cell) for cell in cells]
        labels = []
        for place, cell in zip(self.places, cells, strict=True):
            numbers: list[Any] = cell if isinstance(cell, list) else [cell]
            known = [number for number in numbers if not _is_none(number)]
            if not all(number in range(len(names)) for number in known):
                raise DataError(
                    f"{self.unit} {place} of {shown(self.name)} has the class {cell} in column"
                    f" {shown(name)}, which names {len(names)} classes from 0 on"
                )
            labels.append(", ".join(names[int(number)] for number in known))
        return labels


class OneKind:
    """A column whose cells have to be of one kind."""

    def __init__(self, column: str, where: str, unit: str) -> None:
        self._column, self._where, self._unit = column, where, unit
        self._first: tuple[str, int] | None = None

    def require(self, place: int, cell: object) -> None:
        """Look at the next cell.

        Raises:
            DataError: it is of another kind than the first one, or binary data.
        """
        kind = _kind(cell)
        if kind == "binary data":
            raise DataError(
                f"{self._unit} {place} of {shown(self._where)} has binary data in column"
                f" {shown(self._column)}; write it as text"
            )
        if kind is None:
            return
        self._first = self._first or (kind, place)
        if kind != self._first[0]:
            raise DataError(
                f"column {shown(self._column)} of {shown(self._where)} has {self._first[0]} in"
                f" {self._unit} {self._first[1]} and {kind} in {self._unit} {place}; write all its"
                " cells in one way"
            )


def require_unique_name(data: Columnar, where: str, name: str) -> None:
    """Refuse a column that is read where several have its name."""
    count = list(data.column_names).count(name)
    if count > 1:
        raise DataError(
            f"{shown(where)} has {count} columns named {shown(name)}; give each its own name"
        )


def written_texts(data: Columnar, name: str) -> list[str]:
    """The cells of a column of texts: numbers written out, missing ones empty.

    Raises:
        DataError: where it holds something else.
    """
    cells = list(data[name])
    odd = next((cell for cell in cells if isinstance(cell, list | dict | bytes)), None)
    if odd is not None:
        raise DataError(
            f"column {shown(name)} holds {type(odd).__name__} values; a text column holds plain"
            " text"
        )
    missing = (cell is None or (isinstance(cell, float) and math.isnan(cell)) for cell in cells)
    return ["" if lacks else str(cell) for cell, lacks in zip(cells, missing, strict=True)]


def sample_cells(data: Columnar, name: str) -> list[object]:
    """The first cells of a column, whatever they are; none of pictures and sounds."""
    if isinstance(data, Table):
        return list(data.cells[data.column_names.index(name)][:SAMPLE_CELLS])
    dtype = str(getattr(data.features[name], "dtype", ""))
    if not dtype.startswith(("string", "large_string", "int", "uint", "float", "bool")):
        return []
    return list(islice(iter(data[name]), SAMPLE_CELLS))


def _is_none(number: object) -> bool:
    """Whether the number of a class says that there is none."""
    return number is None or number == -1 or number != number


def _kind(cell: object) -> str | None:
    """What a cell is; None where it is missing, or a list with nothing in it."""
    match cell:
        case None:
            return None
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case bytes():
            return "binary data"
        case list():
            kinds = set(_kinds_within(cell))
            if len(kinds) > 1:
                return "a list of several kinds"
            return f"a list of {_PLURALS.get(kinds.pop(), 'other things')}" if kinds else None
        case dict():
            return "an object"
        case _:
            return f"a {type(cell).__name__}"


def _kinds_within(cells: Sequence[object]) -> Iterator[str]:
    for cell in cells:
        kind = "a list" if isinstance(cell, list) else _kind(cell)
        if kind is not None:
            yield kind


_PLURALS = {"a number": "numbers", "a text": "texts", "true or false": "true and false"}
