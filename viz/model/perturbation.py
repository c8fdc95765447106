"""A text with some of its words hidden: what the classifier makes of it, each version read once.

Two ways to hide a word: `mask` puts the tokenizer's mask token in the place of each of its tokens,
`delete` takes them out, so that what follows moves up.  Special tokens are never hidden; where a
tokenizer adds none, as that of GPT-2, a text without words is read as the one token with which
texts begin or end.  Methods that hide words and the measures of faithfulness share one Perturbation
of a text, so that no version is read twice.  Source: viz/attribution/README.md 1.2.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attention import words
from viz.attention.words import Span
from viz.errors import MethodError, NonFiniteLogitsError
from viz.model.batches import MAX_ROWS, MAX_TOKENS, batch_size
from viz.model.classifier import Classifier
from viz.types import Encoding

Operator = Literal["mask", "delete"]
"""How a word is hidden."""
OPERATORS: tuple[Operator, ...] = ("mask", "delete")

BoolArray = NDArray[np.bool_]


def operators_of(classifier: Classifier) -> tuple[Operator, ...]:
    """The ways of hiding a word that the tokenizer of a classifier allows."""
    return OPERATORS if classifier.tokenizer.mask_token_id is not None else ("delete",)


class Perturbation:
    """The logits of the versions of one text that were asked for; not shared by threads.

    Args:
        classifier: The classifier that reads the versions.
        encoding: The whole text.
        progress: Called with the number of versions after each batch; what it raises ends the work,
            and what was read until then stays known.
    """

    def __init__(
        self,
        classifier: Classifier,
        encoding: Encoding,
        progress: Callable[[float], None] = lambda rows: None,
    ) -> None:
        self.classifier = classifier
        self.encoding = encoding
        self.progress = progress
        self.words: tuple[Span, ...] = tuple(
            span for span in words.spans(encoding) if not span.special
        )
        """The words, in reading order."""
        self.n_read = 0
        """How many versions were read."""
        self._known: dict[tuple[Operator, bytes], FloatArray] = {}
        self._known_of_units: dict[tuple[int, ...], dict[tuple[Operator, bytes], FloatArray]] = {}

    def reporting_to(self, progress: Callable[[float], None]) -> Self:
        """The same text for another thread: both know what either has read."""
        other = copy(self)
        other.progress, other.n_read = progress, 0
        return other

    def hiding(self, units: Sequence[Span]) -> Self:
        """The same text, of which only these units are hidden: some of its words, or sentences.

        What is read of them is known when they are hidden again.
        """
        other = copy(self)
        other.words, other.n_read = tuple(units), 0
        key = tuple(token for unit in units for token in (unit.tokens[0], unit.tokens[-1]))
        other._known = self._known_of_units.setdefault(key, {})
        return other

    def expected_passes(self, operator: Operator, share: float) -> float:
        """About how many plain passes a version takes that hides such a share of the words."""
        return 1.0

    def update(self, other: "Perturbation") -> None:
        """Know what another one of the same text has read."""
        self._known |= {
            key: logits for key, logits in other._known.items() if key not in self._known
        }

    @property
    def n_words(self) -> int:
        """How many words can be hidden."""
        return len(self.words)

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The ways of hiding a word that this tokenizer allows."""
        return operators_of(self.classifier)

    def logits(self, keep: BoolArray, operator: Operator) -> FloatArray:
        """Logits of each version.

        Args:
            keep: (N, n_words): which words stay.
            operator: How the others are hidden.

        Returns:
            (N, C), one row a version.

        Raises:
            MethodError: if masks are asked for and the tokenizer has no mask token.
            NonFiniteLogitsError: if logits of a version are not finite.
        """
        if operator not in self.operators:
            raise MethodError(
                "The tokenizer of this checkpoint has no mask token; hide words by deletion."
            )
        rows = np.asarray(keep, dtype=bool)
        if rows.ndim != 2 or rows.shape[1] != self.n_words:
            raise ValueError(f"keep has shape {rows.shape}; (N, {self.n_words}) is needed")
        keys = [self._key(row, operator) for row in rows]
        new = {key: row for key, row in zip(keys, rows, strict=True) if key not in self._known}
        self._read(new, operator)
        if not keys:
            return np.zeros((0, self.classifier.n_classes))
        logits = np.stack([self._known[key] for key in keys])
        _require_finite(logits, rows, operator)
        return logits

    def to_tokens(self, scores: FloatArray) -> FloatArray:
        """Scores of words as scores of tokens: shared evenly, 0 at special tokens.  (n,) -> (T,)"""
        of_tokens = np.zeros(self.encoding.n_tokens, dtype=np.float64)
        for word, score in zip(self.words, scores, strict=True):
            of_tokens[list(word.tokens)] = score / len(word.tokens)
        return of_tokens

    def errors_to_tokens(self, errors: FloatArray) -> FloatArray:
        """Standard errors of words as those of tokens, whose squares add up.  (n,) -> (T,)"""
        sizes = np.array([len(word.tokens) for word in self.words])
        return self.to_tokens(errors * np.sqrt(sizes))

    def to_words(self, scores: FloatArray) -> FloatArray:
        """Scores of tokens added up over words.  (T,) -> (n,)"""
        of_tokens = np.asarray(scores, dtype=np.float64)
        return words.merge(of_tokens, self.words, np.float64)

    def _key(self, row: BoolArray, operator: Operator) -> tuple[Operator, bytes]:
        # With nothing hidden, both operators leave the same text.
        return ("mask" if row.all() else operator), np.packbits(row).tobytes()

    def _read(self, new: Mapping[tuple[Operator, bytes], BoolArray], operator: Operator) -> None:
        for keys in self._batches(new, operator):
            versions = [self._version(new[key], operator) for key in keys]
            logits = self.classifier.logits(versions)
            self._known.update(zip(keys, logits, strict=True))
            self.n_read += len(keys)
            self.progress(len(keys))

    def _batches(
        self, new: Mapping[tuple[Operator, bytes], BoolArray], operator: Operator
    ) -> Iterator[list[tuple[Operator, bytes]]]:
        """Versions, shortest first, in batches of bounded size."""
        keep = np.array(list(new.values()), dtype=bool).reshape(len(new), self.n_words)
        sizes = np.array([len(word.tokens) for word in self.words], dtype=int)
        n_all = self.encoding.n_tokens
        lengths = n_all - ~keep @ sizes if operator == "delete" else np.full(len(keep), n_all)
        keys = list(new)
        batch: list[tuple[Operator, bytes]] = []
        for index in np.argsort(lengths, kind="stable"):
            n_tokens = int(lengths[index])
            if n_tokens == 0:
                # Its one token may be that of padding, which among padding is not told apart.
                yield [keys[index]]
                continue
            size = batch_size(self.classifier, n_tokens, rows=MAX_ROWS, tokens=MAX_TOKENS)
            if len(batch) >= size:
                yield batch
                batch = []
            batch.append(keys[index])
        if batch:
            yield batch

    def _version(self, row: BoolArray, operator: Operator) -> dict[str, IntArray]:
        """The model's inputs with some words hidden."""
        hidden = [
            token
            for word, keep in zip(self.words, row, strict=True)
            if not keep
            for token in word.tokens
        ]
        if operator == "delete":
            if len(hidden) == self.encoding.n_tokens:
                return self._empty_text()
            return {name: np.delete(ids, hidden) for name, ids in self.encoding.inputs.items()}
        inputs = dict(self.encoding.inputs)
        inputs["input_ids"] = inputs["input_ids"].copy()
        inputs["input_ids"][hidden] = self.classifier.tokenizer.mask_token_id
        return inputs

    def _empty_text(self) -> dict[str, IntArray]:
        """The model's inputs for a text of no words, where no special token is left either.

        A model reads no text of no tokens, and this one saw empty texts, if any, between the
        tokens that part texts from one another.
        """
        tokenizer = self.classifier.tokenizer
        ends = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id)
        token = next((token for token in ends if token is not None), None)
        if token is None:
            raise MethodError(
                "Nothing is left of the text without its words, and the tokenizer of this "
                "checkpoint has no bos, eos or pad token to stand for an empty text; choose a "
                "method that hides no words."
            )
        values = {"input_ids": token, "attention_mask": 1}
        return {name: np.array([values.get(name, 0)]) for name in self.encoding.inputs}


def _require_finite(logits: FloatArray, rows: BoolArray, operator: Operator) -> None:
    """Refuse versions of which nothing can be said, as where a mask overflows the weights."""
    odd = ~np.isfinite(logits).all(axis=1)
    if not odd.any():
        return
    if rows[odd].all():
        raise NonFiniteLogitsError(
            "This checkpoint gives no finite logits for the text itself; choose another text."
        )
    this, other = "the mask token", "deletion"
    if operator == "delete":
        this, other = other, this
    raise NonFiniteLogitsError(
        f"With words hidden by {this} this checkpoint gives no finite logits; hide them by {other} "
        "where that can be chosen, or choose a method that hides no words."
    )
