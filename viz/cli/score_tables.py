"""Tables of a faithfulness record that can be cited, by `score` with or without measuring."""

from collections.abc import Sequence
from pathlib import Path

import typer

from viz.cli.terminal import check_output, record_path, refuse_unused
from viz.errors import SelectionError

WITHOUT_DATA = {"checkpoint", "output", "table"}
"""What may be named where nothing is measured."""


def check_tables(tables: Sequence[Path], *others: Path | None) -> None:
    """Refuse files that say no format or have another use, before anything slow begins.

    Args:
        tables: The files to write.
        others: What is read, or written too.
    """
    from viz.export.score_table_formats import format_of

    for number, table in enumerate(tables):
        check_output(table, [*filter(None, others), *tables[:number]], option="--table")
        format_of(table)


def require_tables_alone(context: typer.Context, tables: Sequence[Path]) -> None:
    """Refuse what makes no sense where no file of texts is named.

    Raises:
        SelectionError: where there is no table to write either, or an option says how to measure.
    """
    if not tables:
        raise SelectionError(
            "No texts were named: give a file with --data, or write the record that is there as a "
            "table with --table."
        )
    refuse_unused(
        context,
        [name for name in context.params if name not in WITHOUT_DATA],
        "without --data, where the record that is there is written as a table; leave it out, or "
        "name a file of texts",
    )


def write_tables(
    checkpoint: str | None, output: Path | None, tables: Sequence[Path]
) -> Sequence[Path]:
    """Write the record of a checkpoint, or the one in *output*, as tables.

    Returns:
        The same files.

    Raises:
        RecordError: where there is no record, or it is damaged.
        SelectionError: where a table can't be written.
    """
    from viz.export.atomic_files import write
    from viz.export.score_table_formats import format_of
    from viz.faithfulness.record import FILE, load

    if not tables:
        return ()
    record = load(record_path(checkpoint, output, FILE, use="read {} from"))
    return [write(table, format_of(table).write(record)) for table in tables]
