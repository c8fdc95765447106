"""`clsight prune`: write a checkpoint without some heads, smaller on disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viz.cli.terminal import (
    DATA_HELP,
    CheckpointOption,
    PairColumnOption,
    SmallLimitOption,
    TextColumnOption,
    check_limit,
    exit_on_error,
    load_classifier,
    print_text,
    read_rows,
    refuse_unused,
)
from viz.errors import SelectionError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.attention.heads import Heads
    from viz.model.classifier import Classifier
    from viz.model.text_files import Texts


def prune(
    context: typer.Context,
    output: Annotated[Path, typer.Option(help="The folder to write; a new one.")],
    checkpoint: CheckpointOption = None,
    heads: Annotated[
        str | None,
        typer.Option(
            help="The heads to cut: 3.7 is head 7 of layer 3, 3 the whole layer.",
            show_default=False,
        ),
    ] = None,
    lowest: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Cut so many heads that matter least for the texts of --data.",
            metavar="N",
            show_default=False,
        ),
    ] = None,
    fraction: Annotated[
        float | None,
        typer.Option(help="The same as a share of all heads, such as 0.5.", show_default=False),
    ] = None,
    data: Annotated[Path | None, typer.Option(help=DATA_HELP, show_default=False)] = None,
    limit: SmallLimitOption = 64,
    text_column: TextColumnOption = None,
    pair_column: PairColumnOption = None,
) -> None:
    """Write a checkpoint without some heads, which plain transformers opens, smaller on disk.

    Its logits are those of the checkpoint with these heads off, or nothing is written.  Families
    that have as many heads in every layer lose as many in each; BERT and its kin lose whole layers
    of heads.

    Example: clsight prune --checkpoint out/my-model --heads 3,4 --output out/smaller
    """
    with exit_on_error():
        from viz.attention.heads import head_list, parse_heads
        from viz.mechanism.pruning import prune as write_pruned

        _check(heads, lowest, fraction, data, limit)
        if data is None:
            refuse_unused(
                context,
                ("limit", "text_column", "pair_column"),
                "without --data; leave it out, or name a file",
            )
        classifier = load_classifier(checkpoint)
        texts = None
        if data is not None:
            from viz.model.text_files import Columns, open_texts

            texts = open_texts(data, Columns(text_column, pair_column), limit)
        if heads is not None:
            cut = parse_heads(heads, classifier.n_layers, classifier.n_heads)
        else:
            assert texts is not None  # or it was refused
            cut = _least_important(classifier, texts, lowest, fraction)
            print_text(f"Least important: {head_list(cut, classifier.n_heads)}")
        rows = () if texts is None else [(row.text, row.pair) for row in texts.rows]
        pruned = write_pruned(classifier, cut, output, texts=rows)
        print_text(f"{pruned.sentence}\n{pruned.folder}")


def _check(
    heads: str | None,
    lowest: int | None,
    fraction: float | None,
    data: Path | None,
    limit: int,
) -> None:
    """Refuse what makes no sense before anything slow begins."""
    check_limit(limit)
    if sum(given is not None for given in (heads, lowest, fraction)) != 1:
        raise SelectionError("Say which heads go by one of --heads, --lowest and --fraction.")
    if heads is None and data is None:
        raise SelectionError("What matters least is measured on texts; name a file with --data.")
    if fraction is not None and not 0 < fraction < 1:
        raise SelectionError(f"--fraction {fraction:g} is not a share; give one between 0 and 1.")


def _least_important(
    classifier: "Classifier",
    texts: "Texts",
    lowest: int | None,
    fraction: float | None,
) -> "Heads":
    from viz.attribution.head_importance import importance
    from viz.mechanism.pruning.selection import least_important, n_heads_left

    worth = importance(classifier, read_rows(classifier, texts))
    number = lowest if fraction is None else round(fraction * n_heads_left(classifier))
    return least_important(classifier, worth, number or 0)
