"""The options of commands for texts that are too long for a model, and how these are read."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from viz.errors import SelectionError

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.documents.document import Document
    from viz.model.classifier import Classifier
    from viz.types import Reading

WindowsOption = Annotated[
    bool | None,
    typer.Option(
        "--windows/--no-windows",
        help="Read texts that are too long in overlapping windows, or cut them; by default as the "
        "checkpoint was trained.",
        show_default=False,
    ),
]
WindowStrideOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Tokens from one window to the next at most; by default as the checkpoint was "
        "trained, or else half a window.",
        show_default=False,
    ),
]
WindowPoolingOption = Annotated[
    Literal["mean", "max", "first"] | None,
    typer.Option(
        help="How the logits of windows become those of the text; by default as the checkpoint was "
        "trained, or else their mean.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """What the options say; nothing leaves it to the checkpoint."""

    windows: bool | None = None
    stride: int | None = None
    pooling: Literal["mean", "max", "first"] | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.windows is False and self.named:
            raise SelectionError(
                "--no-windows cuts texts that are too long; leave it out, or --window-stride and "
                "--window-pooling."
            )

    @property
    def named(self) -> bool:
        """Whether it is said how windows are read."""
        return self.stride is not None or self.pooling is not None

    @property
    def requested(self) -> bool:
        """Whether texts are to be read in windows, whatever the checkpoint says."""
        return bool(self.windows) or self.named

    def of(self, classifier: "Classifier") -> "Classifier":
        """The classifier, as it is to read texts that are too long.

        Raises:
            SelectionError: for a stride that is larger than a window.
        """
        from viz.model.windows import window_settings

        if self.windows is False:
            return classifier.with_windows(None)
        if not self.requested:
            return classifier
        settings = window_settings(classifier.encoder, self.stride)
        if self.pooling is not None:
            settings = replace(settings, pooling=self.pooling)
        return classifier.with_windows(settings)


def read_text(
    classifier: "Classifier", text: str, pair: str | None, options: WindowOptions
) -> "Reading | Document":
    """A text read at once; or as a document, where it is too long and to be read in windows.

    Raises:
        TextError: if no token of the text reaches the model, or windows of a pair are asked for.
        SelectionError: for a stride that is larger than a window.
    """
    from viz.cli.terminal import progress_bar
    from viz.documents.read_document import read_document, reads_in_windows
    from viz.model.classifier import LONG_READING_PASSES
    from viz.model.windows import require_single_text, text_windows

    classifier = options.of(classifier)
    if options.requested:
        require_single_text(pair)
    if pair is not None or not reads_in_windows(classifier, text):
        with progress_bar(LONG_READING_PASSES, "pass") as bar:
            return classifier.read(text, pair, progress=bar.update)
    n_windows = len(text_windows(classifier.encoder, text).windows)
    with progress_bar(n_windows, "window") as bar:
        return read_document(classifier, text, progress=bar.update)


AS_TRAINED = WindowOptions()
"""What is said where no option is given."""
