"""`clsight score`: how faithful every method is for a checkpoint, over many texts."""

from pathlib import Path
from typing import Annotated

import typer

from viz.cli.terminal import (
    DATA_HELP,
    METHODS_HELP,
    OUTPUT_HELP,
    CheckpointOption,
    LimitOption,
    PairColumnOption,
    TextColumnOption,
    exit_on_error,
    method_list,
    print_text,
)
from viz.cli.windows import (
    WindowOptions,
    WindowPoolingOption,
    WindowsOption,
    WindowStrideOption,
)


def score(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            help=f"{DATA_HELP} Without one, --table alone writes what was measured before.",
            show_default=False,
        ),
    ] = None,
    checkpoint: CheckpointOption = None,
    limit: LimitOption = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help=f"{METHODS_HELP}; by default all that take at most 700 passes.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed for the random orders and the bootstrap.")] = 0,
    search: Annotated[
        bool,
        typer.Option(
            "--search",
            help="Search for the best and the worst order of each text too, between which every "
            "method lies: 600 versions of the text for each, under each operator. What was found "
            "is kept beside the result and not searched for again.",
        ),
    ] = False,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="TWIN",
            help="Measure each order by this checkpoint too: one that `clsight train --masking` "
            "made of the same data and base, to which hidden words are ordinary. Takes as many "
            "passes again as measuring does.",
            show_default=False,
        ),
    ] = None,
    planted: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD",
            help="A word that was planted for a class when the checkpoint was trained: how often "
            "each method puts it first. May be given again for another word.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help=OUTPUT_HELP.format("faithfulness.json"), show_default=False),
    ] = None,
    table: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE.md|.csv|.tex",
            help="A table to cite, as Markdown, CSV or LaTeX, with what it shows and what it "
            "doesn't. May be given again for another format; without --data it is made of the "
            "record that is there.",
            show_default=False,
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            help="Processes on this machine; by default one per core.", show_default=False
        ),
    ] = None,
    text_column: TextColumnOption = None,
    pair_column: PairColumnOption = None,
    windows: WindowsOption = None,
    window_stride: WindowStrideOption = None,
    window_pooling: WindowPoolingOption = None,
) -> None:
    """Measure for a checkpoint how faithful each method is, and save it as faithfulness.json.

    Words are hidden in the order of a method's scores, by deletion and, if the tokenizer has a mask
    token, by masks; what the prediction loses is compared with random orders.  Of a text that is
    read in windows they are hidden in the whole text, sentence by sentence where it has many words.
    An interrupted run resumes where it stopped.
    Under torchrun or accelerate launch the rows are shared among all processes.

    Example: clsight score --checkpoint out/my-model --data validation.csv --limit 200
    Example: clsight score --checkpoint out/my-model --table faithfulness.tex
    """
    with exit_on_error():
        from viz.cli.score_file import ScoreOptions, score_file
        from viz.cli.score_tables import check_tables, require_tables_alone, write_tables
        from viz.faithfulness.score import default_methods
        from viz.faithfulness.score_row import ScoreConfig

        tables = tuple(table or ())
        check_tables(tables, data, output)
        if data is None:
            require_tables_alone(context, tables)
            for file in write_tables(checkpoint, output, tables):
                print_text(str(file))
            return
        names = default_methods() if methods is None else method_list(methods)
        options = ScoreOptions(
            data=data,
            checkpoint=checkpoint,
            limit=limit,
            config=ScoreConfig(names, seed, planted=tuple(planted or ())),
            search=search,
            judge=judge,
            output=output,
            processes=processes,
            columns=(text_column, pair_column, None),
            windows=WindowOptions(windows, window_stride, window_pooling),
        )
        target = score_file(options)
        if target is not None:
            for file in (target, *write_tables(checkpoint, target, tables)):
                print_text(str(file))
