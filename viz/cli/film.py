"""`clsight film`: one text over the course of fine-tuning."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from viz.cli.terminal import (
    METHOD_HELP,
    TEXT_ARGUMENT,
    CheckpointOption,
    PairOption,
    check_method,
    check_output,
    exit_on_error,
    load_classifier,
    print_notes,
    print_text,
    text_or_stdin,
)
from viz.errors import CheckpointError, SelectionError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.comparison.film.film import Film


def film(
    text: Annotated[str, TEXT_ARGUMENT],
    pair: PairOption = None,
    checkpoint: CheckpointOption = None,
    method: Annotated[str | None, typer.Option(help=METHOD_HELP, show_default=False)] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="A file for the film: .html plays it without a network, .json and .csv hold its "
            "numbers.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show how fine-tuning changed what a classifier makes of a text, at each step it kept.

    The checkpoint has to come from `clsight train --keep-epochs` or `--keep-steps N`.

    Example: clsight film "Oil prices rise" --checkpoint out/my-model --output film.html
    """
    with exit_on_error():
        from viz.export.atomic_files import write
        from viz.export.film import FORMATS, film_file
        from viz.runs.history import history_of_checkpoint

        check_output(output)
        if output is not None and output.suffix.lower() not in FORMATS:
            *others, last = FORMATS
            names = f"{', '.join(others)} or {last}"
            raise SelectionError(f"{output.name!r} can't be written; --output ends in {names}.")
        if method is not None:
            check_method(method)
        folder = _folder(checkpoint)
        shown = _read(folder, checkpoint, text_or_stdin(text), pair, method)
        print_text("\n".join(_lines(shown)))
        print_notes(shown.encoding)
        if output is not None:
            run = history_of_checkpoint(folder)
            print_text(str(write(output, film_file(shown, output.suffix.lower(), run))))


def _folder(checkpoint: str | None) -> Path:
    """Where the checkpoint lies; one on the Hub has no history."""
    from viz.model.checkpoint import local_folder, place_of
    from viz.model.classifier import default_checkpoint

    folder = default_checkpoint() if checkpoint is None else local_folder(checkpoint)
    if folder is None:
        place_of(str(checkpoint))  # says so where it is not an id of the Hub either
        raise CheckpointError(
            f"{checkpoint!r} is on the Hub and has no history; name a folder that clsight train "
            "--keep-epochs wrote."
        )
    return folder


def _read(
    folder: Path, checkpoint: str | None, text: str, pair: str | None, method: str | None
) -> "Film":
    """Read all frames, with a bar where somebody watches; none in a log file."""
    from tqdm import tqdm

    from viz.comparison.film.reader import film as read_film
    from viz.comparison.film.reader import history_of

    total = len(history_of(folder).frames)  # says what is wrong before a checkpoint is loaded
    classifier = load_classifier(checkpoint)
    with tqdm(total=total, unit="frame", leave=False, disable=None) as bar:

        def progress(frames: float) -> None:
            bar.update(frames)

        return read_film(
            folder, text, pair, classifier=classifier, method=method, progress=progress
        )


def _lines(film: "Film") -> Iterator[str]:
    """A line for each frame, then when each word began to matter."""
    from viz.attribution.descriptions import verdict
    from viz.comparison.film.descriptions import changes, step_name
    from viz.comparison.film.film import FilmFrame

    for index, (step, frame) in enumerate(zip(film.steps, film.frames, strict=True)):
        if isinstance(frame, FilmFrame):
            name, probability = verdict(frame.prediction)
            yield f"{step_name(step)}: {name} {probability}. {changes(film, index)}"
        elif frame is not None:
            yield f"{step_name(step)}: {frame.reason}"
    onsets = film.onsets()
    if onsets:
        yield "When each word began to matter:"
    for index in sorted(set(onsets.values())):
        words = " · ".join(film.spans[word].label for word in onsets if onsets[word] == index)
        yield f"{step_name(film.steps[index])}: {words}"
