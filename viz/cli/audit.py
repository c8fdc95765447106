"""`clsight audit`: find what is wrong on a file of labeled rows, and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from viz.cli.terminal import (
    CheckpointOption,
    DataOption,
    LabelColumnOption,
    LimitOption,
    PairColumnOption,
    TextColumnOption,
    check_limit,
    exit_on_error,
    load_classifier,
    print_text,
)
from viz.cli.windows import (
    WindowOptions,
    WindowPoolingOption,
    WindowsOption,
    WindowStrideOption,
)
from viz.errors import SelectionError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from finetune.run.column_names import ColumnNames
    from viz.data.audit.run import AuditRun

TrainedOn = Literal["auto", "yes", "no"]


def audit(
    data: DataOption,
    output: Annotated[Path, typer.Option(help="The folder for what is found out.")],
    checkpoint: CheckpointOption = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Earlier rows to compare with, such as last month's.", show_default=False
        ),
    ] = None,
    limit: LimitOption = None,
    text_column: TextColumnOption = None,
    pair_column: PairColumnOption = None,
    label_column: LabelColumnOption = None,
    labels: Annotated[
        bool, typer.Option("--labels/--no-labels", help="Read the labels where there are any.")
    ] = True,
    trained_on: Annotated[
        TrainedOn,
        typer.Option(
            help="Whether the checkpoint was trained on these rows; auto asks the record of its "
            "training."
        ),
    ] = "auto",
    folds: Annotated[
        int,
        typer.Option(
            min=0,
            help="Find label errors by so many real trainings, 2 or more; 0 trains a linear head.",
        ),
    ] = 0,
    explain: Annotated[
        int, typer.Option(min=1, help="Rows whose words are taken apart, at most.", metavar="N")
    ] = 2_000,
    cells: Annotated[
        int,
        typer.Option(min=0, help="Cells of the confusion matrix to give reasons for.", metavar="N"),
    ] = 6,
    counterfactuals: Annotated[
        int,
        typer.Option(min=0, help="Rows to flip by as few edits as possible.", metavar="N"),
    ] = 20,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Seed for what is drawn at random.")
    ] = 0,
    windows: WindowsOption = None,
    window_stride: WindowStrideOption = None,
    window_pooling: WindowPoolingOption = None,
) -> None:
    """Find what goes wrong on a file of rows, and why: labels, slices, words, heads and shifts.

    Writes audit.json, rows.csv, rows.parquet, report.html and report.pdf into the folder.  What was
    read and found out is kept there, so that an interrupted audit goes on, and the same one again
    takes no time.

    Example: clsight audit --data tuesday.csv --checkpoint out/my-model --output audit
    """
    with exit_on_error():
        from finetune.run.column_names import ColumnNames
        from viz.data.audit.run import AuditRun
        from viz.data.options import AuditOptions
        from viz.data.rows.audit_rows import open_rows
        from viz.export.atomic_files import locked_folder
        from viz.export.audit_files import check_output, write_audit
        from viz.model.row_windows import require_single_texts

        check_limit(limit)
        if folds == 1:
            raise SelectionError("--folds 1 leaves nothing to train on; give 2 or more, or 0.")
        if output.exists() and not output.is_dir():
            raise SelectionError(f"{str(output)!r} is a file; --output names a folder.")
        check_output(output, [data] if reference is None else [data, reference])
        reading = WindowOptions(windows, window_stride, window_pooling)
        classifier = reading.of(load_classifier(checkpoint))
        columns = ColumnNames(text_column, pair_column, label_column)
        rows = open_rows(data, classifier, columns, limit=limit, labeled=labels)
        if reading.requested:
            require_single_texts(rows.columns.pair)
        earlier = None
        if reference is not None:
            earlier = open_rows(
                reference, classifier, columns, labeled=labels, requires_label=False
            )
        print_text(_columns_read(rows.columns))
        options = AuditOptions(
            trained_on=trained_on,
            folds=folds,
            max_explained=explain,
            n_cells=cells,
            n_counterfactuals=counterfactuals,
            seed=seed,
        )
        with locked_folder(output):
            run = AuditRun(classifier, rows, options, reference=earlier, folder=output)
            _run(run)
            files = write_audit(run.latest, output)
        _print_summary(run)
        for file in files:
            print_text(str(file))


def _columns_read(columns: "ColumnNames") -> str:
    """Which columns were chosen, since there may be others like them."""
    texts = f"Texts are read from column {columns.text!r}"
    if columns.pair is not None:
        texts += f", second texts from {columns.pair!r}"
    return texts + ("." if columns.label is None else f", labels from {columns.label!r}.")


def _run(run: "AuditRun") -> None:
    """Make the audit, with a bar where somebody watches."""
    from tqdm import tqdm

    bar = tqdm(total=run.expected_passes, unit="pass", leave=False, disable=None)
    with bar:
        run.run(bar.update)


def _print_summary(run: "AuditRun") -> None:
    """The first things to know, a line each."""
    from viz.data.audit.summary import summary

    for line in summary(run.latest.record):
        print_text(line)
