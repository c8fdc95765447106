"""`python -m viz score`: how faithful every method is for a checkpoint, over many texts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viz.cli.terminal import Data, Folder, PairColumn, TextColumn, one_sentence, say

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.faithfulness.score_row import ScoreConfig


def score(
    data: Data,
    checkpoint: Folder = None,
    limit: Annotated[
        int | None, typer.Option(help="Only the first so many rows.", show_default=False)
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Names with commas, options behind colons: decomposition,lime:rows=200; by "
            "default all that take at most 700 passes.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Of random orders and of the draws of texts for intervals.")
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file; by default faithfulness.json in the checkpoint's folder.",
            show_default=False,
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(help="Processes of this machine; by default one a core.", show_default=False),
    ] = None,
    text_column: TextColumn = None,
    pair_column: PairColumn = None,
) -> None:
    """Measure for a checkpoint how faithful each method is, and save it as faithfulness.json.

    Words are hidden in the order of a method's scores, by masks and by deletion, and what the
    prediction loses is compared with random orders.  An interrupted run goes on where it was.
    Under torchrun or accelerate launch the rows are dealt out to all processes.

    Example: python -m viz score --checkpoint out/my-model --data validation.csv --limit 200
    """
    with one_sentence():
        from viz.cli.score_file import ScoreOptions, score_file

        options = ScoreOptions(
            data=data,
            checkpoint=checkpoint,
            limit=limit,
            config=_score_config(methods, seed),
            output=output,
            processes=processes,
            columns=(text_column, pair_column, None),
        )
        target = score_file(options)
        if target is not None:
            say(str(target))


def _score_config(methods: str | None, seed: int) -> "ScoreConfig":
    from viz.faithfulness.score import default_methods
    from viz.faithfulness.score_row import ScoreConfig

    named = (part.strip() for part in (methods or "").split(","))
    chosen = tuple(part for part in named if part)
    return ScoreConfig(default_methods() if methods is None else chosen, seed)
