"""`python -m viz export`: pictures and numbers of a text, or of a whole data set, as files."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from viz.cli.asked import ExportArguments
from viz.cli.export_text import export_text
from viz.cli.terminal import AgainstName, Folder, Pair, Target, one_sentence

PICTURE, WHAT, FILES, DATA = "Which picture", "What it shows", "Files", "A whole data set"


def export(
    output: Annotated[Path, typer.Option(help="Folder for the files; made where missing.")],
    text: Annotated[
        str | None,
        typer.Argument(
            help="The text; - reads standard input; put -- before one that starts with a dash.",
            show_default=False,
        ),
    ] = None,
    pair: Pair = None,
    checkpoint: Folder = None,
    layer: Annotated[
        int | None,
        typer.Option(help="Layer, counted from 0; alone: all its heads.", rich_help_panel=PICTURE),
    ] = None,
    head: Annotated[
        int | None,
        typer.Option(
            help="Head of that layer, counted from 0: this one alone.", rich_help_panel=PICTURE
        ),
    ] = None,
    arcs: Annotated[
        bool,
        typer.Option(
            "--arcs",
            help="Lines from each token to those it looks at; of --layer and --head if given.",
            rich_help_panel=PICTURE,
        ),
    ] = False,
    atlas: Annotated[
        bool,
        typer.Option("--atlas", help="All heads of all layers.", rich_help_panel=PICTURE),
    ] = False,
    attribution: Annotated[
        str | None,
        typer.Option(
            help="The text in colours, by this method.", metavar="METHOD", rich_help_panel=PICTURE
        ),
    ] = None,
    bertviz: Annotated[
        Literal["head", "model"] | None,
        typer.Option(
            help="BertViz's own view, as a page that needs no network.", rich_help_panel=PICTURE
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--zip",
            help="All of these but BertViz, in every format, in one ZIP.",
            rich_help_panel=PICTURE,
        ),
    ] = False,
    target: Target = None,
    against: AgainstName = "runner-up",
    unit: Annotated[
        Literal["word", "wordpiece"],
        typer.Option(help="What a row stands for.", rich_help_panel=WHAT),
    ] = "word",
    special: Annotated[
        bool,
        typer.Option(help="Whether [CLS] and [SEP] have rows and columns.", rich_help_panel=WHAT),
    ] = True,
    measure: Annotated[
        Literal["weights", "contribution"],
        typer.Option(
            help="weights: where heads look. contribution: what each look hands to the class "
            "or score, with a sign.",
            rich_help_panel=WHAT,
        ),
    ] = "weights",
    contribution: Annotated[
        bool,
        typer.Option(
            "--contribution", help="Short for --measure contribution.", rich_help_panel=WHAT
        ),
    ] = False,
    quadrant: Annotated[
        Literal["all", "A-A", "A-B", "B-A", "B-B"],
        typer.Option(help="Of a pair: only how one text looks at one.", rich_help_panel=WHAT),
    ] = "all",
    format: Annotated[
        list[str] | None,
        typer.Option(
            help="png, svg, pdf, html (pictures), csv, npz, json (numbers); several with commas.",
            show_default="png",
            rich_help_panel=FILES,
        ),
    ] = None,
    dpi: Annotated[
        int, typer.Option(help="Dots per inch of a PNG; 300 for print.", rich_help_panel=FILES)
    ] = 150,
    colormap: Annotated[
        str | None,
        typer.Option(
            help="A colour map of matplotlib, for attention; Blues by default.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Instead of a text: a file with one in each row (.csv .tsv .jsonl .parquet).",
            rich_help_panel=DATA,
        ),
    ] = None,
    text_column: Annotated[
        str | None,
        typer.Option(help="Its column of texts, if not found.", rich_help_panel=DATA),
    ] = None,
    pair_column: Annotated[
        str | None,
        typer.Option(help="Its column of second texts, if not found.", rich_help_panel=DATA),
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(help="Its column of true classes, if not found.", rich_help_panel=DATA),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Only the first so many rows.", rich_help_panel=DATA)
    ] = None,
) -> None:
    """Save what the classifier looks at, as pictures and numbers, and print where it went.

    Without a choice of picture: the mean over all heads of the last layer.

    For example:

    python -m viz export "Oil prices rise" --output pictures --layer 3 --head 7

    python -m viz export "Oil prices rise" --output pictures --atlas --format pdf,npz

    python -m viz export --data reviews.csv --output all --attribution decomposition --format json
    """
    with one_sentence():
        asked = ExportArguments(
            text=text, pair=pair, data=data, output=output, checkpoint=checkpoint,
            layer=layer, head=head, arcs=arcs, atlas=atlas, attribution=attribution,
            bertviz=bertviz, everything=everything, target=target, against=against,
            unit=unit, special=special, measure="contribution" if contribution else measure,
            quadrant=quadrant, format=tuple(format or ()), dpi=dpi, colormap=colormap,
            columns=(text_column, pair_column, label_column), limit=limit,
        )  # fmt: skip
        if data is None:
            export_text(asked)
        else:
            from viz.cli.export_dataset import export_dataset

            export_dataset(asked)
