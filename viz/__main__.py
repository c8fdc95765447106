"""The command line: `python -m viz read` and `python -m viz export`."""

import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from viz.errors import MethodError, SelectionError, VizError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.classifier import Classifier
    from viz.export import Kind
    from viz.types import Encoding, Reading

FORMATS = ("png",)
PLAIN = str.maketrans("−█·×", "-#,x")
"""Signs of ours that a terminal without Unicode can't show."""

app = typer.Typer(
    help="See what a fine-tuned BERT-family text classifier looks at, and why it chose a class.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Text = Annotated[
    str,
    typer.Argument(
        help="The text; - reads standard input; put -- before one that starts with a dash."
    ),
]
Pair = Annotated[str | None, typer.Option(help="Second text, for classifiers of pairs.")]
Folder = Annotated[
    str | None,
    typer.Option(
        help="Folder of a fine-tuned classifier, or a Hub id; by default the shipped one.",
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(help="Class to explain; by default the predicted one.", show_default=False),
]
AgainstName = Annotated[
    str, typer.Option(help="Class it is held against: a name, runner-up, or none.")
]


@app.command()
def read(
    text: Text,
    pair: Pair = None,
    checkpoint: Folder = None,
    method: Annotated[
        str, typer.Option(help="How words are scored: decomposition, rollout, ...")
    ] = "decomposition",
    target: Target = None,
    against: AgainstName = "runner-up",
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object, without attention weights."),
    ] = False,
) -> None:
    """Classify a text: its class, all probabilities, and the words that made the difference.

    Example: python -m viz read "Oil prices rise as stocks fall"
    """
    with one_sentence():
        from viz.attribution.named import attribute_named
        from viz.export.report import record, report

        _check_method(method)
        classifier = _load(checkpoint)
        reading = classifier.read(_given(text), pair)
        attribution = attribute_named(classifier, reading, method, target=target, against=against)
        if as_json:
            typer.echo(json.dumps(record(reading, attribution), allow_nan=False))
        else:
            _say("\n".join(report(reading, attribution)))
            _notes(reading.encoding)


@app.command()
def export(
    text: Text,
    output: Annotated[Path, typer.Option(help="Folder for the picture; made where missing.")],
    pair: Pair = None,
    checkpoint: Folder = None,
    layer: Annotated[
        int | None, typer.Option(help="Layer, counted from 0; alone: all its heads.")
    ] = None,
    head: Annotated[
        int | None, typer.Option(help="Head of that layer, counted from 0: this one alone.")
    ] = None,
    atlas: Annotated[bool, typer.Option("--atlas", help="All heads of all layers.")] = False,
    attribution: Annotated[
        str | None, typer.Option(help="The text in colours, by this method.", metavar="METHOD")
    ] = None,
    target: Target = None,
    against: AgainstName = "runner-up",
    unit: Annotated[
        Literal["word", "wordpiece"], typer.Option(help="What a row stands for.")
    ] = "word",
    special: Annotated[
        bool, typer.Option(help="Whether [CLS] and [SEP] have rows and columns.")
    ] = True,
    colormap: Annotated[
        str | None,
        typer.Option(
            help="A colour map of matplotlib, for attention; Blues by default.", show_default=False
        ),
    ] = None,
    format: Annotated[str, typer.Option(help="File format: png.")] = "png",
) -> None:
    """Save a picture of what the classifier looks at, and print where it went.

    Without --layer, --atlas or --attribution: the mean over all heads of the last layer.

    Example: python -m viz export "Oil prices rise" --output pictures --layer 3 --head 7
    """
    with one_sentence():
        picture = Picture(
            layer, head, atlas, attribution, target, against, unit, special, colormap, format
        )
        _check_output(output)
        classifier = _load(checkpoint)
        reading = classifier.read(_given(text), pair)
        path = _write(output / picture.name(reading), picture.draw(classifier, reading))
        _say(str(path))
        _notes(reading.encoding)


@dataclass(frozen=True, slots=True)
class Picture:
    """Which picture is asked for; refused where the options contradict each other."""

    layer: int | None
    head: int | None
    atlas: bool
    attribution: str | None
    target: str | None
    against: str
    unit: Literal["word", "wordpiece"]
    special: bool
    colormap: str | None
    format: str

    def __post_init__(self) -> None:
        """Check what can be checked before a checkpoint is loaded."""
        if self.format not in FORMATS:
            raise SelectionError(
                f"Format {self.format!r} is unknown; {', '.join(FORMATS)} is what can be written."
            )
        wanted = [
            name
            for name, given in (
                ("--layer", self.layer is not None or self.head is not None),
                ("--atlas", self.atlas),
                ("--attribution", self.attribution is not None),
            )
            if given
        ]
        if len(wanted) > 1:
            raise SelectionError(f"{' and '.join(wanted)} are different pictures; ask for one.")
        if self.head is not None and self.layer is None:
            raise SelectionError("--head needs --layer, for every layer has heads of its own.")
        if self.attribution is not None:
            _check_method(self.attribution)
            if self.colormap is not None:
                raise SelectionError("--colormap is for attention; an attribution has its own.")

    @property
    def kind(self) -> "Kind":
        """What `file_name` calls it."""
        if self.attribution is not None:
            return "attribution"
        if self.atlas:
            return "atlas"
        return "head" if self.layer is None or self.head is not None else "layer"

    def _layer(self, reading: "Reading") -> int:
        return reading.attention.n_layers - 1 if self.layer is None else self.layer

    def name(self, reading: "Reading") -> str:
        """The file name."""
        from viz.export import file_name

        return file_name(
            reading,
            kind=self.kind,
            layer=self._layer(reading),
            head=self.head,
            method=self.attribution,
            extension=self.format,
        )

    def draw(self, classifier: "Classifier", reading: "Reading") -> bytes:
        """The picture as a file's content."""
        from viz import export as draw
        from viz.attribution.named import attribute_named

        unit, special, colormap = self.unit, self.special, self.colormap or "Blues"
        if self.attribution is not None:
            made = attribute_named(
                classifier, reading, self.attribution, target=self.target, against=self.against
            )
            return draw.attribution_png(reading, made, unit=unit)
        if self.atlas:
            return draw.atlas_png(reading, unit=unit, special=special, colormap=colormap)
        layer = self._layer(reading)
        if self.kind == "layer":
            return draw.layer_png(
                reading, layer=layer, unit=unit, special=special, colormap=colormap
            )
        return draw.head_png(
            reading, layer=layer, head=self.head, unit=unit, special=special, colormap=colormap
        )


@contextmanager
def one_sentence() -> Iterator[None]:
    """Whatever the user can mend ends the command with one sentence and exit code 1."""
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


def _check_method(method: str) -> None:
    from viz.attribution import METHODS

    if method not in METHODS:
        raise MethodError(f"Unknown method {method!r}; known are {', '.join(METHODS)}.")


def _load(checkpoint: str | None) -> "Classifier":
    from viz.classifier import Classifier, default_checkpoint

    return Classifier.load(default_checkpoint() if checkpoint is None else checkpoint)


def _given(text: str) -> str:
    """The text itself, or what standard input holds."""
    return typer.get_text_stream("stdin", errors="replace").read() if text == "-" else text


def _notes(encoding: "Encoding") -> None:
    """Say on stderr what a reader must know of the text."""
    for note in encoding.notes:
        typer.echo(note, err=True)


def _check_output(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise SelectionError(
            f"{str(output)!r} is a file; --output names the folder for the picture."
        )


def _write(path: Path, content: bytes) -> Path:
    """Put a file in place whole, or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or "the system refuses"
        raise SelectionError(
            f"{str(path)!r} can't be written: {reason}; choose another folder."
        ) from error
    return path


def _say(text: str) -> None:
    """Print lines without control characters; what the terminal can't show becomes a `?`."""
    shown = "".join(c if c.isprintable() or c in "\n\u00a0" else "\ufffd" for c in text)
    encoding = sys.stdout.encoding or "utf-8"
    if "utf" not in encoding.lower():
        shown = shown.translate(PLAIN)
    typer.echo(shown.encode(encoding, "replace").decode(encoding))


if __name__ == "__main__":
    app(prog_name="python -m viz")
