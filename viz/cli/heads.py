"""`clsight heads`: which heads matter for a checkpoint, over many texts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.errors import number_of
from viz.cli.head_curve import PICTURES, show_curve
from viz.cli.terminal import (
    CheckpointOption,
    DataOption,
    LabelColumnOption,
    PairColumnOption,
    SmallLimitOption,
    TextColumnOption,
    check_limit,
    check_output,
    exit_on_error,
    load_classifier,
    print_text,
    read_rows,
    refuse_unused,
)
from viz.errors import SelectionError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.export.head_importance import HeadTable
    from viz.model.classifier import Classifier
    from viz.model.text_files import Texts

FORMATS = (".csv", ".json")
MAX_SHOWN = 10
"""Heads that are printed; the file holds all."""


def heads(
    context: typer.Context,
    data: DataOption,
    checkpoint: CheckpointOption = None,
    limit: SmallLimitOption = 20,
    ablation: Annotated[
        bool,
        typer.Option(
            "--ablation", help="Also switch off each head in turn: one pass per head and text."
        ),
    ] = False,
    curve: Annotated[
        bool,
        typer.Option(
            "--curve",
            help="Count right texts as heads go, the least important first; needs labels.",
        ),
    ] = False,
    rows: Annotated[
        int,
        typer.Option(min=1, help="Texts that --curve counts, other than the first N.", metavar="N"),
    ] = 500,
    output: Annotated[
        Path | None,
        typer.Option(
            help="A file for all heads, .csv or .json; for the curve also .png, .svg or .pdf.",
            show_default=False,
        ),
    ] = None,
    text_column: TextColumnOption = None,
    pair_column: PairColumnOption = None,
    label_column: LabelColumnOption = None,
) -> None:
    """Measure which heads matter: how the prediction reacts to a little less of each.

    With --ablation, each head is switched off and the text is read again, and both are compared.
    With --curve, --limit texts drawn at random order the heads, and --rows others show how accuracy
    falls as heads go, against random orders.

    Example: clsight heads --checkpoint out/my-model --data validation.csv --output heads.csv
    """
    with exit_on_error():
        from finetune.run.column_names import ColumnNames
        from viz.export.atomic_files import write
        from viz.model.text_files import Columns, open_texts

        if not curve:
            refuse_unused(
                context, ("rows", "label_column"), "without --curve; leave it out, or give both"
            )
        _check(limit, data, output, curve=curve)
        if curve:
            show_curve(
                checkpoint,
                data,
                ColumnNames(text_column, pair_column, label_column),
                sizes=(limit, rows),
                measure="ablation" if ablation else "gradient",
                output=output,
            )
            return
        texts = open_texts(data, Columns(text_column, pair_column), limit)
        classifier = load_classifier(checkpoint)
        table = _measure(classifier, texts, ablation=ablation)
        print_text("\n".join(_lines(table, regression=classifier.regression)))
        if output is not None:
            content = _content(classifier, texts, table, output.suffix.lower())
            print_text(str(write(output, content)))


def _check(limit: int, data: Path, output: Path | None, *, curve: bool) -> None:
    """Refuse what makes no sense before anything slow begins."""
    check_limit(limit)
    check_output(output, [data])
    formats = FORMATS + PICTURES if curve else FORMATS
    if output is not None and output.suffix.lower() not in formats:
        raise SelectionError(
            f"{output.name!r} can't be written; --output ends in "
            f"{', '.join(formats[:-1])} or {formats[-1]}."
        )


def _measure(classifier: "Classifier", texts: "Texts", *, ablation: bool) -> "HeadTable":
    """Read and measure, with a bar where somebody watches; none in a log file."""
    from tqdm import tqdm

    from viz.export.head_importance import expected_passes, head_table

    total = expected_passes(classifier, len(texts.rows), ablation=ablation)
    with tqdm(total=total, unit="pass", unit_scale=True, leave=False, disable=None) as bar:

        def progress(passes: float) -> None:
            bar.update(passes)

        readings = read_rows(classifier, texts)
        table = head_table(classifier, readings, ablation=ablation, progress=progress)
    if table.n_texts < len(texts.rows):
        unread = number_of(len(texts.rows) - table.n_texts, "text")
        typer.echo(f"Could not be read: {unread}.", err=True)
    return table


def _content(classifier: "Classifier", texts: "Texts", table: "HeadTable", kind: str) -> bytes:
    from viz.export.head_importance import table_csv, table_json

    if kind == ".csv":
        return table_csv(table)
    about = {
        "checkpoint": classifier.name,
        "fingerprint": classifier.fingerprint,
        "data": texts.name,
        "data_fingerprint": texts.fingerprint,
    }
    return table_json(table, about)


def _lines(table: "HeadTable", *, regression: bool) -> list[str]:
    """The heads that matter most, then whether both measures agree."""
    from viz.attribution.descriptions import quantity
    from viz.export.head_importance import agreement_sentence

    places, texts = table.by_size[:MAX_SHOWN], number_of(table.n_texts, "text")
    lines = [f"The {len(places)} heads that matter most in {texts}, means:"]
    for place in places:
        named = ", ".join(
            f"{name.replace('_', ' ')} "
            f"{quantity(float(values[place]), signed=True, regression=regression)}"
            for name, values in table.columns.items()
        )
        lines.append(f"L{place[0]} H{place[1]}: {named}")
    if table.correlation is not None:
        lines.append(agreement_sentence(table.correlation))
    return lines
