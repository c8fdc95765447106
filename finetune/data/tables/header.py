"""The header of a CSV or TSV file: names of columns, or a first row that is none."""

import re
from collections.abc import Sequence

from finetune.data.tables import cell_types
from finetune.data.tables.columns import usual_names
from finetune.data.tables.messages import shown
from finetune.data.tables.table import Table, sample_cells
from finetune.errors import DataError

SEPARATORS = ("\t", ";", ",", "|")
"""What parts cells in some files."""
SEPARATOR_LINE = re.compile(r'"?sep=.{0,2}"?,*\s*')
"""The line by which a file tells Excel its separator."""
UNNAMED = "Unnamed: "


def column_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Names of columns without the blanks around them; those without one by their number."""
    # A file that was joined or saved twice has more than one mark of its encoding.
    return tuple(
        cell.strip("\ufeff").strip() or f"{UNNAMED}{number}" for number, cell in enumerate(cells)
    )


def require_separator(name: str, cells: Sequence[str], line: str, separator: str) -> None:
    """Refuse a header that another separator would part, and JSON."""
    if SEPARATOR_LINE.fullmatch(line):
        raise DataError(
            f"the first line of {shown(name)} names a separator, {shown(line.strip())}; remove that"
            " line, and save the file with commas as .csv or with tabs as .tsv"
        )
    if re.match(r'\s*(\[\s*)?\{\s*"', line):
        raise DataError(f"{shown(name)} holds JSON; rename it to end in .jsonl")
    if len(cells) != 1:
        found = None if usual_names(cells) else _likely_separator(line, separator)
    else:
        found = next((mark for mark in SEPARATORS if mark in cells[0]), None)
    if found == separator:  # in the one cell
        raise DataError(
            f"the header of {shown(name)} is one quoted cell, {shown(cells[0])}; leave out the"
            " quotes around whole lines"
        )
    if found is not None:
        raise DataError(
            f"the separator of {shown(name)} looks like {found!r}; save it with commas as .csv or"
            " with tabs as .tsv"
        )


def _likely_separator(line: str, separator: str) -> str | None:
    """The mark that parts a header into usual names."""
    others = (mark for mark in SEPARATORS if mark != separator and mark in line)
    return next((mark for mark in others if usual_names(column_names(line.split(mark)))), None)


def repeats_header(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a row of several cells is the header again."""
    return len(names) > 1 and cells[0].strip() == names[0] and column_names(cells) == tuple(names)


def require_header(table: Table, again: int | None) -> None:
    """Refuse a file whose first line reads like a row, or in which the header comes again.

    Args:
        table: Its first rows.
        again: The line in which the header comes again, if it does.
    """
    if again is not None:
        raise DataError(f"line {again} of {shown(table.name)} is the header again; remove it")
    if _reads_like_a_row(table):
        raise DataError(
            f"{shown(table.name)} seems to have no header line; add one, such as"
            f" {'text' if len(table.column_names) == 1 else 'text,label'!r}, that names the columns"
        )


def _reads_like_a_row(table: Table) -> bool:
    names = [name for name in table.column_names if not name.startswith(UNNAMED)]
    numbered = names == [str(number) for number in range(len(names))]
    if numbered or usual_names(names):
        return False
    columns = {name: sample_cells(table, name) for name in dict.fromkeys(names)}
    if any(name in cells for name, cells in columns.items()):
        return True
    numbers = any(cell_types.are_numbers([name, *cells]) for name, cells in columns.items())
    return numbers and any(
        cell_types.are_texts([name]) and cell_types.are_texts(cells)
        for name, cells in columns.items()
    )
