"""`clsight compare`: two texts, or one text and two checkpoints, side by side."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viz.cli.terminal import (
    METHOD_HELP,
    TEXT_ARGUMENT,
    CheckpointOption,
    PairOption,
    check_method,
    exit_on_error,
    print_notes,
    print_text,
    refuse_unused,
    text_or_stdin,
)
from viz.errors import SelectionError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.comparison.readings import ReadingComparison
    from viz.figures.comparison_kinds import ComparisonSpec

FIGURES = "words, distances, difference"


def compare(
    context: typer.Context,
    text: Annotated[str, TEXT_ARGUMENT],
    other_text: Annotated[
        str | None,
        typer.Argument(
            help="The other text; left out, two checkpoints read the same.", show_default=False
        ),
    ] = None,
    pair: PairOption = None,
    other_pair: Annotated[
        str | None,
        typer.Option(
            help="Second text of the other text; where that is left out, of the same one.",
            show_default=False,
        ),
    ] = None,
    checkpoint: CheckpointOption = None,
    with_checkpoint: Annotated[
        str | None,
        typer.Option(
            help="Another checkpoint, which reads the other text, or the same one.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[str | None, typer.Option(help=METHOD_HELP, show_default=False)] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="Class to explain in both; by default that of the second.", show_default=False
        ),
    ] = None,
    against: Annotated[
        str,
        typer.Option(help="Class to compare with: a name, runner-up (that of the first), or none."),
    ] = "runner-up",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with all numbers.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for figures; created if missing.", show_default=False),
    ] = None,
    figure: Annotated[
        str, typer.Option(help=f"What is saved: {FIGURES}; several with commas.")
    ] = FIGURES,
    format: Annotated[
        str, typer.Option(help="png, svg, pdf, html, csv, npz, json; several with commas.")
    ] = "png",
    layer: Annotated[
        int | None,
        typer.Option(
            help="Layer of the difference; by default the head that changed most.",
            show_default=False,
        ),
    ] = None,
    head: Annotated[
        int | None, typer.Option(help="Head of that layer.", show_default=False)
    ] = None,
) -> None:
    """Compare two texts, or what two checkpoints make of one: class, words and heads.

    Heads are compared by the Jensen-Shannon distance of where they look.

    Example: clsight compare "Oil prices rise" "Ticket prices rise" --output pictures
    """
    with exit_on_error():
        if other_text is None and other_pair is None and with_checkpoint is None:
            raise SelectionError(
                "There is nothing to compare with; give another text, or a checkpoint with "
                "--with-checkpoint."
            )
        if head is not None and layer is None:
            raise SelectionError("--head needs --layer, for every layer has heads of its own.")
        if output is None:
            refuse_unused(
                context,
                ("layer", "figure", "format"),
                "without --output; leave it out, or name a folder",
            )
        if method is not None:
            check_method(method)
        kinds, formats = _names(figure), _names(format)
        _check_names(kinds, formats)
        compared = _compare(
            (text, text if other_text is None else other_text),
            (pair, pair if other_text is None and other_pair is None else other_pair),
            (checkpoint, with_checkpoint),
            method=method,
            target=target,
            against=against,
        )
        specs = [] if output is None else _specs(compared, kinds, layer, head)
        _print(compared, as_json=as_json)
        if output is not None:
            from viz.export.atomic_files import write
            from viz.export.comparison_files import comparison_files

            for name, content in comparison_files(specs, formats):
                typer.echo(str(write(output / name, content)), err=as_json)


def _names(option: str) -> list[str]:
    return [name for part in option.split(",") if (name := part.strip())]


def _check_names(kinds: list[str], formats: list[str]) -> None:
    """Refuse an unknown name, or none at all, before anything slow begins."""
    from viz.export.comparison_files import FORMATS
    from viz.figures.comparison_kinds import COMPARISON_KINDS

    for what, names, known in (("Figure", kinds, COMPARISON_KINDS), ("Format", formats, FORMATS)):
        if not names:
            option = what.lower()
            raise SelectionError(
                f"No {option} was named; give at least one of {', '.join(known)} with --{option}."
            )
        for name in names:
            if name not in known:
                raise SelectionError(f"{what} {name!r} is unknown; known are {', '.join(known)}.")


def _compare(
    texts: tuple[str, str],
    pairs: tuple[str | None, str | None],
    checkpoints: tuple[str | None, str | None],
    *,
    method: str | None,
    target: str | None,
    against: str,
) -> "ReadingComparison":
    from viz.comparison.compare import compare, open_model
    from viz.model.classifier import default_checkpoint

    classifier = open_model(checkpoints[0] or default_checkpoint())
    other = classifier if checkpoints[1] is None else open_model(checkpoints[1])
    written = text_or_stdin(texts[0])
    other_text = written if texts[1] == texts[0] else text_or_stdin(texts[1])
    readings = classifier.read(written, pairs[0]), other.read(other_text, pairs[1])
    return compare((classifier, other), readings, method=method, target=target, against=against)


def _specs(
    compared: "ReadingComparison", kinds: list[str], layer: int | None, head: int | None
) -> "list[ComparisonSpec]":
    """The figures; of networks without maps, those that need none."""
    from viz.figures.comparison_kinds import COMPARISON_KINDS, ComparisonSpec

    if compared.heads is None:
        typer.echo(compared.refused["heads"], err=True)
        kinds = [kind for kind in kinds if not COMPARISON_KINDS[kind].needs_heads]
    elif layer is None:
        layer, head = compared.heads.most_changed[0]
    return [ComparisonSpec(compared, kind, layer, head) for kind in kinds]


def _print(compared: "ReadingComparison", *, as_json: bool) -> None:
    if as_json:
        from viz.export.comparison_record import comparison_values

        typer.echo(json.dumps(comparison_values(compared), allow_nan=False))
        return
    from viz.export.comparison_report import comparison_report

    print_text("\n".join(comparison_report(compared)))
    print_notes(compared.first.encoding)
    print_notes(compared.second.encoding)
