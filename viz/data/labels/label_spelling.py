"""How the label column of a file writes each class: as a number or a name, alone or in a list."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from finetune.data.class_matching import NUMBER as FRACTION
from finetune.data.class_matching import match_classes
from finetune.data.labels import Key, LabelColumn, class_names, read_labels
from finetune.data.rows import NUMBER, read_rows
from finetune.data.tables.columns import Columns, find_columns
from finetune.data.tables.messages import shown
from finetune.data.tables.table import Table
from finetune.run.column_names import ColumnNames
from viz.errors import SelectionError


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSpelling:
    """The cells by which a file says which classes a row has."""

    column: str
    name_column: str | None
    """The column with the names of numbers, if there is one."""
    lists: bool
    """Whether each row has a list of classes."""
    cells: Mapping[str, object]
    """Of each class that the column can write, by the label of the classifier."""
    names: Mapping[str, object]
    """What the column with the names writes, likewise."""
    name_lists: bool
    """Whether that one has a list in each row."""
    rows: tuple[tuple[str, ...] | None, ...]
    """The classes of each row as they stand, by the labels of the classifier; None without one."""
    where: str
    """The name of the file."""

    def changes(self, labels: Sequence[str]) -> dict[str, object]:
        """The cells of a row that has these classes.

        Raises:
            SelectionError: The column can't write one of them, or not several.
        """
        known = set(self.cells) if self.name_column is None else set(self.cells) & set(self.names)
        unknown = next((label for label in labels if label not in known), None)
        if unknown is not None:
            raise SelectionError(
                f"Column {shown(self.column)} of {shown(self.where)} numbers its classes, and no"
                f" row has {shown(unknown)}, so its number isn't known; write the names of the"
                " classes into the file."
            )
        if len(labels) != 1 and not self.lists:
            raise SelectionError(
                f"Column {shown(self.column)} of {shown(self.where)} has one class in each row;"
                f" {len(labels)} can't be written into it."
            )
        changes: dict[str, object] = {}
        for column, spelled, lists in (
            (self.column, self.cells, self.lists),
            (self.name_column, self.names, self.name_lists),
        ):
            if column is not None:
                cells = [spelled[label] for label in labels]
                changes[column] = cells if lists else cells[0]
        return changes


def read_spelling(table: Table, named: ColumnNames, labels: Sequence[str]) -> LabelSpelling:
    """How *table* writes the classes *labels* of a classifier.

    Raises:
        DataError: The column holds no classes.
    """
    columns = find_columns(table, table.name, named)
    written = read_labels(table, columns)
    cells, names = table[columns.label], _name_cells(table, columns)
    rows = read_rows(table, table.name, named, regression=False)
    match = match_classes(rows, labels)
    label_of = {name: match.labels.get(name, name) for name in written.names.values()}
    spelled = dict[str, object]()
    for key, cell in _items(written, cells):
        spelled.setdefault(label_of[written.names[key]] or "", cell)
    spelled_names = dict[str, object]()
    for key, cell in _items(written, names):
        spelled_names.setdefault(label_of[written.names[key]] or "", cell)
    sample = next((cell for _, cell in _items(written, cells)), "")
    for label in labels:
        if label not in spelled and columns.label_name is None:
            unused = _unused_key(table, columns, written, label, match.numbers)
            if unused is not None:
                spelled[label] = _like(sample, unused)
    return LabelSpelling(
        column=columns.label,
        name_column=columns.label_name,
        lists=written.multi_label,
        cells=spelled,
        names=spelled_names,
        name_lists=any(isinstance(cell, list) for cell in names),
        rows=tuple(
            None if row is None else tuple(label_of[written.names[key]] or "" for key in row)
            for row in written.rows
        ),
        where=table.name,
    )


def _name_cells(table: Table, columns: Columns) -> list[object]:
    return [None] * len(table) if columns.label_name is None else table[columns.label_name]


def _items(written: LabelColumn, cells: Sequence[object]) -> Iterator[tuple[Key, object]]:
    """Each class of each row with what is written for it."""
    for row, cell in zip(written.rows, cells, strict=True):
        items = [item for item in cell if item is not None] if isinstance(cell, list) else [cell]
        if row is not None and len(items) == len(row):
            yield from zip(row, items, strict=True)


def _unused_key(
    table: Table, columns: Columns, written: LabelColumn, label: str, numbers: Mapping[str, str]
) -> Key | None:
    """What the column would write for a class that no row has; None where that isn't known."""
    own = class_names(table, columns.label)
    if own is not None:
        alike = (number for number, name in enumerate(own) if name.casefold() == label.casefold())
        return next(alike, None)
    if numbers:
        return next((int(number) for number, name in numbers.items() if name == label), None)
    if not all(isinstance(key, int) for key in written.names):
        return label
    return int(label) if NUMBER.fullmatch(label) else None  # where classes are called by numbers


def _like(sample: object, key: Key) -> object:
    """A key in the type, and with the zero behind the point, of a cell that is there."""
    if isinstance(sample, float) and FRACTION.fullmatch(str(key)):
        return float(key)
    if isinstance(key, str) or isinstance(sample, bool):
        return key
    if isinstance(sample, str):
        return f"{key}.0" if sample.strip().endswith(".0") else str(key)
    return key
