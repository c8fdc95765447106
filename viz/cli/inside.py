"""`clsight inside`: every equation behind one attention weight, with the numbers of a text."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viz.cli.terminal import (
    TEXT_ARGUMENT,
    CheckpointOption,
    PairOption,
    WithoutOption,
    exit_on_error,
    load_classifier,
    print_missing_fonts,
    print_notes,
    print_text,
    refuse_unused,
    text_or_stdin,
)
from viz.errors import SelectionError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.mechanism.unfolding.step import Step
    from viz.mechanism.unfolding.unfolding import Unfolding

EXPORTED = "score"
"""The step that is saved where none is named."""


def inside(
    context: typer.Context,
    text: Annotated[str, TEXT_ARGUMENT],
    pair: PairOption = None,
    checkpoint: CheckpointOption = None,
    without: WithoutOption = None,
    layer: Annotated[
        int | None,
        typer.Option(help="Layer, counted from 0; by default the last one.", show_default=False),
    ] = None,
    head: Annotated[
        int | None,
        typer.Option(
            help="Head of that layer; by default the one that looks hardest at a word.",
            show_default=False,
        ),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(
            help="The token that looks, a word or a position; by default the one the class is "
            "read from.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="The token looked at; by default the word that the head looks at most.",
            show_default=False,
        ),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(help="Only this step, such as query, score or weights.", show_default=False),
    ] = None,
    all_layers: Annotated[
        bool, typer.Option("--all", help="Print the equations of all layers.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, with the numbers of all terms.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            help=f"Folder for a picture of the step (by default {EXPORTED}).", show_default=False
        ),
    ] = None,
    format: Annotated[
        str, typer.Option(help="png, svg, pdf, html, tex; several with commas.")
    ] = "png",
) -> None:
    """Unfold one attention weight: every equation from the text to its class.

    Each is printed with its numbers, and with the largest difference when it is computed again.

    Example: clsight inside "Oil prices rise as stocks fall" --layer 3 --head 7 --key stocks
    """
    with exit_on_error():
        from viz.export.step.record import unfolding_record
        from viz.export.step.report import steps_report, unfolding_report
        from viz.mechanism.unfolding.cell import default_cell
        from viz.mechanism.unfolding.choice import step_named, token_position
        from viz.mechanism.unfolding.unfold import unfold

        if as_json and output is not None:
            raise SelectionError("--json prints and --output saves a file; ask for one of them.")
        if output is None:
            refuse_unused(context, ["format"], "without --output; leave it out, or name a folder")
        for option, given in {"--step": step, "--json": as_json, "--output": output}.items():
            if given:
                refuse_unused(context, ["all_layers"], f"with {option}; leave one of them out")
        formats = _formats(format, output)
        classifier = load_classifier(checkpoint, without)
        reading = classifier.read(text_or_stdin(text), pair)
        query_at, key_at = (
            None if named is None else token_position(reading, named) for named in (query, key)
        )
        at = reading.attention.n_layers - 1 if layer is None else layer
        cell = default_cell(reading, layer=at, head=head, query=query_at, key=key_at)
        unfolding = unfold(classifier, reading, *cell)
        steps = unfolding.steps if step is None else [step_named(unfolding, step)]
        if output is not None:
            exported = steps[0] if step is not None else step_named(unfolding, EXPORTED)
            for file in _save(unfolding, exported, output, formats):
                print_text(str(file))
            print_missing_fonts(reading)
        elif as_json:
            typer.echo(json.dumps(unfolding_record(unfolding, steps), allow_nan=False))
        elif step is not None:
            print_text("\n".join(steps_report(unfolding, steps)))
        else:
            print_text("\n".join(unfolding_report(unfolding, all_layers=all_layers)))
        print_notes(reading.encoding)


def _formats(format: str, output: Path | None) -> list[str]:
    """The formats between the commas, each of which exists.

    Raises:
        SelectionError: for one that doesn't, or where a file stands in the place of the folder.
    """
    from viz.export.step.file import check_step_format

    if output is not None and output.is_file():
        raise SelectionError(f"{str(output)!r} is a file; --output names the folder for the files.")
    formats = [part.strip() for part in format.split(",") if part.strip()]
    for name in formats:
        check_step_format(name)
    if not formats:
        raise SelectionError("No format was named; give at least one with --format.")
    return formats


def _save(unfolding: "Unfolding", step: "Step", output: Path, formats: list[str]) -> list[Path]:
    from viz.export.atomic_files import write
    from viz.export.step.file import export_step, step_file_name

    return [
        write(output / step_file_name(unfolding, step, name), export_step(unfolding, step, name))
        for name in formats
    ]
