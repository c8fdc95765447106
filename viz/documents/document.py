"""A text of any length that was read in windows: what each of them says, and all of them pooled."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.windows import Pooling, WindowSettings
from viz.attention.heads import Heads
from viz.attribution import reader_of
from viz.errors import SelectionError
from viz.model.classifier import Classifier
from viz.model.windows import POOLED, unseen_spans
from viz.types import (
    DocumentPart,
    Encoding,
    MissingAttention,
    Prediction,
    Reading,
    ShownInNotebooks,
    UnseenSpan,
)


@dataclass(frozen=True, slots=True)
class TextWindow:
    """One window of a document."""

    encoding: Encoding
    """Its tokens carry character offsets into the whole text."""
    positions: tuple[int, ...]
    """Where its tokens stand among those of the document, special tokens included."""
    logits: FloatArray
    """(C,)"""

    @property
    def start(self) -> int:
        """The character of the text with which it begins."""
        return min((token.start for token in self.encoding.tokens if not token.special), default=0)

    @property
    def end(self) -> int:
        """One past the character with which it ends."""
        return max((token.end for token in self.encoding.tokens if not token.special), default=0)


@dataclass(frozen=True, slots=True)
class Document(ShownInNotebooks):
    """A text, the windows in which it was read, and what their logits together say."""

    encoding: Encoding
    """All tokens of the text, those that no window holds included; `inputs` are more than the model
    can read where there is more than one window."""
    windows: tuple[TextWindow, ...]
    """In reading order; with the pooling `first` only the first one, for no other is read."""
    prediction: Prediction
    """Of the pooled logits."""
    pooling_weights: FloatArray
    """What the logit of each class counts in each window; the pooled logits are the sum of the
    windows' logits times these.  (n_windows, C)"""
    settings: WindowSettings
    """Stride, pooling, size, and whether windows were cut at sentence ends."""
    checkpoint: str
    """Name of the checkpoint that read it."""
    fingerprint: str = ""
    """SHA-256 of that checkpoint's weight files, in hexadecimal; empty where nobody took it."""
    without: Heads = ()
    """The heads that were off, each (layer, head), in order."""

    @property
    def text(self) -> str:
        """The whole text."""
        return self.encoding.text

    @property
    def stride(self) -> int:
        """Tokens from one window to the next, at most."""
        return self.settings.stride

    @property
    def pooling(self) -> Pooling:
        """`mean`, `max` or `first`."""
        return self.settings.pooling

    @property
    def size(self) -> int:
        """The most tokens of a window, special ones included."""
        return self.settings.size or max(window.encoding.n_tokens for window in self.windows)

    @property
    def unseen(self) -> tuple[UnseenSpan, ...]:
        """The stretches of the text that the class was not read from, in reading order."""
        return unseen_spans(self.encoding, self._seen)

    @property
    def n_unseen(self) -> int:
        """How many tokens the class was not read from."""
        return self.encoding.n_tokens - len(self._seen)

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each thing a reader must know of how the text was read."""
        return (*self._window_notes(), *self.encoding.notes)

    @property
    def pooled_reading(self) -> Reading:
        """The document as a reading of all its tokens, for what shows a class and scores of words.

        It has no attention: each window has maps of its own, see `reading`.
        """
        return Reading(
            replace(self.encoding, unseen=self.unseen),
            self.prediction,
            MissingAttention(
                "This text is read in windows, and attention is that of one window; choose one, 0 "
                f"to {len(self.windows) - 1:,}."
            ),
            self.checkpoint,
            self.fingerprint,
            without=self.without,
            document=self._part(None),
        )

    def reading(self, classifier: Classifier, index: int) -> Reading:
        """One window, read again with its maps.

        Args:
            classifier: The classifier that read the document.
            index: The window, counted from 0.

        Raises:
            SelectionError: for a window that does not exist, or another classifier.
        """
        if not 0 <= index < len(self.windows):
            raise SelectionError(
                f"Window {index} does not exist; the windows are 0 to {len(self.windows) - 1:,}."
            )
        (reading,) = self.reader(classifier).read_many([self.windows[index].encoding])
        return replace(reading, document=self._part(index))

    def reader(self, classifier: Classifier) -> Classifier:
        """The classifier with the heads off that were off when the document was read.

        Raises:
            SelectionError: for another classifier than the one that read it.
        """
        return reader_of(classifier, replace(self.pooled_reading, document=None))

    @property
    def is_one_reading(self) -> bool:
        """Whether the model could read the text at once, so that nothing was pooled."""
        return (
            len(self.windows) == 1 and self.windows[0].encoding.n_tokens == self.encoding.n_tokens
        )

    def _part(self, index: int | None) -> DocumentPart | None:
        return None if self.is_one_reading else DocumentPart(self.text, self.settings, index)

    @property
    def _seen(self) -> list[int]:
        return sorted({index for window in self.windows for index in window.positions})

    def _window_notes(self) -> Iterator[str]:
        n_tokens, n_windows = self.encoding.n_tokens, len(self.windows)
        if self.is_one_reading:
            return
        if self.n_unseen:
            yield (
                f"The model never saw the last {self.n_unseen:,} of {n_tokens:,} tokens: a window "
                f"holds at most {self.size:,}, and only the first one is read."
            )
            return
        cut = "at sentence ends" if self.settings.cut == "sentences" else "at any token"
        yield (
            f"The text has {n_tokens:,} tokens, and a window holds at most {self.size:,}: it was "
            f"read in {n_windows:,} overlapping windows, cut {cut}; what is predicted is "
            f"{POOLED[self.pooling]}."
        )
