"""`clsight predict`: the class of every row of a file, in columns beside those it has."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from viz.cli.terminal import (
    CheckpointOption,
    PairColumnOption,
    TextColumnOption,
    exit_on_error,
    print_text,
)
from viz.cli.windows import (
    WindowOptions,
    WindowPoolingOption,
    WindowsOption,
    WindowStrideOption,
)


def predict(
    data: Annotated[
        Path,
        typer.Option(
            help="A file with a text in each row (.csv .tsv .jsonl .parquet); - reads standard "
            "input, to its end."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            help="The file to write (.csv .tsv .jsonl .parquet); - writes to standard output, "
            "once all rows are predicted."
        ),
    ],
    checkpoint: CheckpointOption = None,
    all_classes: Annotated[
        bool, typer.Option("--all", help="Write the probability of each class as well.")
    ] = False,
    text_column: TextColumnOption = None,
    pair_column: PairColumnOption = None,
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        typer.Option(
            help="Numbers to compute in; auto takes bfloat16 where the processor has it and no "
            "label changes by it."
        ),
    ] = "auto",
    stream_format: Annotated[
        Literal["csv", "tsv", "jsonl", "parquet"] | None,
        typer.Option(
            "--format",
            help="How standard input and output are written; by default output as input, and input "
            "as it begins: jsonl with { or [, parquet with its mark, else csv.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
    windows: WindowsOption = None,
    window_stride: WindowStrideOption = None,
    window_pooling: WindowPoolingOption = None,
) -> None:
    """Predict the class of every row of a file, and write it beside the columns that are there.

    New columns are prediction, probability, unseen_tokens (of texts that are too long) and, where
    texts are read in windows, windows; a column that already has such a name stays, and the new one
    is called, say, prediction_2.  Rows that can't be read keep their columns, without a prediction.
    Rows are read in blocks, so memory does not grow with the file; an interrupted run resumes
    where it stopped.
    Under torchrun or accelerate launch the rows are shared among all processes.

    Example: clsight predict --data reviews.csv --checkpoint out/my-model --output predicted.csv
    """
    with exit_on_error():
        from viz.cli.predict_file import PredictOptions, predict_file

        target = predict_file(
            PredictOptions(
                data=data,
                output=output,
                checkpoint=checkpoint,
                all_classes=all_classes,
                columns=(text_column, pair_column),
                precision=None if precision == "auto" else precision,
                stream_format=stream_format,
                overwrite=overwrite,
                windows=WindowOptions(windows, window_stride, window_pooling),
            )
        )
        if target is not None:
            print_text(str(target))
