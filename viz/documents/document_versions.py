"""A document with some of its words hidden: the pooled logits of its versions, each read once.

Words are hidden in the whole text.  Masks leave its windows where they are; where words are
deleted, what is left is cut into windows again.  A window in which nothing was hidden is not read
again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.checkpoint.windows import pool_logits, window_positions
from viz.attention.sentences import grouped, sentence_numbers, stretch_numbers
from viz.attention.words import Span, spans
from viz.documents.document import Document
from viz.model.batches import MAX_ROWS, MAX_TOKENS, batch_size
from viz.model.classifier import Classifier
from viz.model.perturbation import BoolArray, Operator, Perturbation
from viz.types import Encoding, Inputs

MAX_WORDS = 400
"""Words of a document up to which each is hidden by itself; of a longer one sentences are."""
AT_ONCE = 16
"""Versions whose windows are held at once."""


def hidden_units(encoding: Encoding) -> tuple[Span, ...]:
    """What is hidden of a document: its words, or its sentences where there are many words."""
    words = tuple(span for span in spans(encoding) if not span.special)
    if len(words) <= MAX_WORDS:
        return words
    return grouped(encoding, words, stretch_numbers(sentence_numbers(encoding, words)))


class DocumentVersions(Perturbation):
    """The logits of the versions of one document that were asked for; not shared by threads.

    Args:
        classifier: The classifier that read the document.
        document: The whole text.
        progress: Called with the number of windows after each batch; what it raises ends the work.
    """

    def __init__(
        self,
        classifier: Classifier,
        document: Document,
        progress: Callable[[float], None] = lambda windows: None,
    ) -> None:
        super().__init__(classifier, document.encoding, progress)
        self.document = document
        self.words = hidden_units(document.encoding)
        """The words, or the sentences, in reading order."""
        self._windows: dict[bytes, FloatArray] = {
            _key(window.encoding.inputs): window.logits for window in document.windows
        }

    @property
    def by_sentence(self) -> bool:
        """Whether what is hidden is sentences, as there are many words."""
        return any(
            len({self.encoding.tokens[i].word for i in unit.tokens}) > 1 for unit in self.words
        )

    def expected_passes(self, operator: Operator, share: float) -> float:
        """About how many windows have to be read where such a share of the units is hidden."""
        n_windows = len(self.document.windows)
        if operator == "delete":  # what is left is cut again
            n_hidden = share * sum(len(unit.tokens) for unit in self.words)
            return n_windows * (1 - n_hidden / self.encoding.n_tokens)
        unit_of = np.full(self.encoding.n_tokens, -1)
        for index, unit in enumerate(self.words):
            unit_of[list(unit.tokens)] = index
        own = (np.unique(unit_of[list(window.positions)]) for window in self.document.windows)
        return float(sum(1 - (1 - share) ** int((units >= 0).sum()) for units in own))

    def _read(self, new: Mapping[tuple[Operator, bytes], BoolArray], operator: Operator) -> None:
        keys = list(new)
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            versions = [self._version_windows(new[key], operator) for key in some]
            self._read_windows([window for version in versions for window in version])
            for key, version in zip(some, versions, strict=True):
                logits = np.stack([self._windows[_key(window)] for window in version])
                pooling = self.document.settings.pooling
                (self._known[key],) = pool_logits(logits, [0] * len(logits), 1, pooling)
            self.n_read += len(some)

    def _read_windows(self, windows: Sequence[Inputs]) -> None:
        """Read those windows that were not, in batches of bounded size."""
        new = {_key(window): window for window in windows if _key(window) not in self._windows}
        for keys in self._window_batches(new):
            logits = self.classifier.logits([new[key] for key in keys])
            self._windows.update(zip(keys, logits, strict=True))
            self.progress(len(keys))

    def _window_batches(self, new: Mapping[bytes, Inputs]) -> Iterator[list[bytes]]:
        """Windows, shortest first."""
        batch: list[bytes] = []
        for key in sorted(new, key=lambda key: len(new[key]["input_ids"])):
            n_tokens = len(new[key]["input_ids"])
            size = batch_size(self.classifier, n_tokens, rows=MAX_ROWS, tokens=MAX_TOKENS)
            if len(batch) >= size:
                yield batch
                batch = []
            batch.append(key)
        if batch:
            yield batch

    def _version_windows(self, row: BoolArray, operator: Operator) -> list[Inputs]:
        """The model's inputs of each window with some words hidden."""
        inputs = self._version(row, operator)
        positions = [window.positions for window in self.document.windows]
        if operator == "delete" and not row.all():
            positions = self._cut_again(row)
        return [{name: ids[list(own)] for name, ids in inputs.items()} for own in positions] or [
            inputs
        ]

    def _cut_again(self, row: BoolArray) -> list[tuple[int, ...]]:
        """The windows over what is left, by positions in it."""
        hidden = {
            token
            for word, keep in zip(self.words, row, strict=True)
            if not keep
            for token in word.tokens
        }
        tokens = [token for index, token in enumerate(self.encoding.tokens) if index not in hidden]
        if not tokens:
            return []
        settings = self.document.settings
        windows = window_positions(
            [token.part for token in tokens],
            [(token.start, token.end) for token in tokens],
            self.encoding.text,
            max_length=self.document.size,
            windows=settings,
        )
        return [tuple(own) for own in (windows[:1] if settings.pooling == "first" else windows)]


def _key(inputs: Mapping[str, IntArray]) -> bytes:
    """By which a window is known; all else that the model is given follows from its ids."""
    return b"".join(inputs[name].tobytes() for name in sorted(inputs))
