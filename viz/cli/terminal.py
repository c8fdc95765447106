"""What all commands share: options, one sentence for an error, and lines a terminal can show."""

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from finetune.checkpoint.garbage import collect_less_garbage
from finetune.errors import number_of
from finetune.run.local_paths import is_same_file
from viz.errors import SelectionError, VizError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from tqdm import tqdm

    from viz.documents.document import Document
    from viz.model.classifier import Classifier
    from viz.model.text_files import Texts
    from viz.types import Encoding, Reading

ASCII_SIGNS = str.maketrans("−█·×", "-#,x")
"""What stands for signs that a terminal without Unicode can't show."""

TEXT_ARGUMENT = typer.Argument(
    help="The text; - reads standard input; put -- before one that starts with a dash."
)
DATA_HELP = "A file with a text in each row (.csv .tsv .jsonl .parquet)."
METHOD_HELP = (
    "How words are scored: decomposition, rollout, ...; by default the first that the checkpoint "
    "allows."
)
QUICK = "quick"
"""Stands for all methods that take hardly longer than reading the text."""
METHODS_HELP = (
    "Methods to measure, separated by commas, with options after colons: "
    "decomposition,lime:rows=200; quick stands for all that take at most 2 passes"
)
OUTPUT_HELP = "The file to write; by default {} in the checkpoint's folder."

PairOption = Annotated[str | None, typer.Option(help="Second text, for classifiers of pairs.")]
CheckpointOption = Annotated[
    str | None,
    typer.Option(
        help="Folder of a fine-tuned classifier, or a Hub id; by default the shipped one.",
        show_default=False,
    ),
]
WithoutOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="L.H",
        help="Heads that are off: 3.7 is head 7 of layer 3, 4 all of layer 4; several with commas.",
        show_default=False,
    ),
]
TargetOption = Annotated[
    str | None,
    typer.Option(help="Class to explain; by default the predicted one.", show_default=False),
]
AgainstOption = Annotated[
    str, typer.Option(help="Class to compare with: a name, runner-up, or none.")
]

DataOption = Annotated[Path, typer.Option(help=DATA_HELP)]
LimitOption = Annotated[
    int | None, typer.Option(help="Read only the first N rows.", metavar="N", show_default=False)
]
SmallLimitOption = Annotated[int, typer.Option(help="Read only the first N rows.", metavar="N")]
TextColumnOption = Annotated[
    str | None,
    typer.Option(help="Column of texts; found by its name if not given.", show_default=False),
]
PairColumnOption = Annotated[
    str | None,
    typer.Option(
        help="Column of second texts; found by its name if not given.", show_default=False
    ),
]
LabelColumnOption = Annotated[
    str | None,
    typer.Option(help="Column of labels; found by its name if not given.", show_default=False),
]


@contextmanager
def exit_on_error() -> Iterator[None]:
    """End the command with one sentence and exit code 1 where the user can mend what is wrong."""
    collect_less_garbage()
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "10")
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "5")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries, which a user can't mend
            yield
    except VizError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def check_limit(limit: int | None) -> None:
    """Refuse to read no row."""
    if limit is not None and limit < 1:
        raise SelectionError(f"--limit {limit} leaves no row; give 1 or more.")


def check_output(
    output: Path | None, others: Iterable[Path] = (), *, option: str = "--output"
) -> None:
    """Refuse a folder where a file is to be written, and a file that has another use.

    Args:
        output: The file to write; None for none.
        others: What is read, or written too.
        option: What names it.
    """
    if output is None:
        return
    if output.is_dir():
        raise SelectionError(f"{str(output)!r} is a folder; {option} names a file.")
    if any(is_same_file(output, other) for other in others):
        raise SelectionError(
            f"{str(output)!r} is named for something else too and would be written over; name "
            f"another file with {option}."
        )


def refuse_unused(context: typer.Context, names: Iterable[str], why: str) -> None:
    """Refuse options that nothing would heed, before anything slow begins.

    Args:
        context: Of the command.
        names: Its parameters that nothing heeds as it was called.
        why: What they do nothing with, or without, and what to do.
    """
    options = {each.name: each.opts[0] for each in context.command.params}
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise SelectionError(f"{options[name]} does nothing {why}.")


def record_path(
    checkpoint: str | None, output: Path | None, name: str, *, use: str = "write {} into"
) -> Path:
    """The file of a record: *output*, or the file *name* in the checkpoint's folder.

    Raises:
        CheckpointError: where there is no such folder, and no id of the Hub is of that form.
        SelectionError: where the checkpoint has no folder that it could lie in.
    """
    from viz.model.checkpoint import local_folder, place_of
    from viz.model.classifier import default_checkpoint

    if output is not None:
        return output
    folder = default_checkpoint() if checkpoint is None else local_folder(checkpoint)
    if folder is None:
        place_of(str(checkpoint))  # says so where it is not an id of the Hub either
        raise SelectionError(
            f"{checkpoint!r} has no folder on this machine to {use.format(name)}; name a file with "
            "--output."
        )
    return folder / name


def method_list(methods: str) -> tuple[str, ...]:
    """The methods between the commas of an option.

    Raises:
        MethodError: for an unknown method or a wrong option.
        SelectionError: where none is named.
    """
    parts = [part.strip() for part in methods.split(",")]
    names = tuple(name for part in parts if part for name in _methods(part, parts))
    if not names:
        raise SelectionError("No method was named; give at least one with --methods.")
    for name in names:
        check_method(name)
    return names


def _methods(part: str, parts: Sequence[str]) -> tuple[str, ...]:
    """The methods that one part of a list stands for, which the others don't name."""
    if part != QUICK:
        return (part,)
    from viz.faithfulness.score import quick_methods

    return tuple(name for name in quick_methods() if name not in parts)


def check_method(method: str) -> None:
    """Refuse a method that doesn't exist before anything slow begins."""
    from viz.attribution.method_spec import MethodSpec

    MethodSpec.parse(method)


def load_classifier(checkpoint: str | None, without: Sequence[str] | None = None) -> "Classifier":
    """The checkpoint that is named, or the shipped one, with the heads off that are listed."""
    from viz.model.classifier import Classifier, default_checkpoint

    classifier = Classifier.load(default_checkpoint() if checkpoint is None else checkpoint)
    return classifier.without(classifier.heads_named(",".join(without or ())))


@contextmanager
def progress_bar(total: float, unit: str) -> "Iterator[tqdm[NoReturn]]":
    """A bar where somebody watches, for what takes longer than a second; none in a log file."""
    from tqdm import tqdm

    form = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(total=total, unit=unit, delay=1, leave=False, disable=None, bar_format=form) as bar:
        yield bar


def read_rows(classifier: "Classifier", texts: "Texts") -> "Iterator[Reading]":
    """The rows that can be read, one after another.

    Raises:
        SelectionError: behind the last, where there was none.
    """
    from viz.model.many_readings import readable

    n_read = 0
    for reading in readable(classifier, ((row.text, row.pair) for row in texts.rows)):
        n_read += 1
        yield reading
    if not n_read:
        rows = number_of(len(texts.rows), "row")
        raise SelectionError(
            f"Of {rows} of {texts.name!r} none can be read; give rows with a text."
        )


def text_or_stdin(text: str) -> str:
    """The text itself, or what standard input holds."""
    return typer.get_text_stream("stdin", errors="replace").read() if text == "-" else text


def print_notes(source: "Encoding | Document") -> None:
    """Say on stderr what a reader must know of the text."""
    for note in source.notes:
        typer.echo(note, err=True)


def print_missing_fonts(reading: "Reading") -> None:
    """Say on stderr which fonts to install, where a picture had to leave characters out."""
    from viz.figures.text.missing_fonts import missing_fonts

    encoding = reading.encoding
    for sentence in missing_fonts((encoding.text, encoding.pair or "", *reading.prediction.labels)):
        typer.echo(sentence, err=True)


def print_text(text: str) -> None:
    """Print lines without control characters; what the terminal can't show becomes a `?`."""
    shown = "".join(c if c.isprintable() or c in "\n\u00a0" else "\ufffd" for c in text)
    encoding = sys.stdout.encoding or "utf-8"
    if "utf" not in encoding.lower():
        shown = shown.translate(ASCII_SIGNS)
    typer.echo(shown.encode(encoding, "replace").decode(encoding))
