"""What changed in words: the score of each on both sides, by the same method and classes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.words import Span
from viz.attribution import find_method
from viz.attribution.descriptions import is_relative
from viz.comparison.alignment import Alignment, Edit
from viz.errors import MethodError, SelectionError
from viz.types import Attribution


@dataclass(frozen=True, slots=True)
class WordChange:
    """Words that belong together, and what they add to the explained scalar in both readings."""

    edit: Edit
    first: float | None
    """What its words have together; None where the first text has none."""
    second: float | None
    """None where the second text has none."""

    @property
    def difference(self) -> float:
        """What it adds more in the second reading; a word that isn't there adds nothing."""
        return (self.second or 0.0) - (self.first or 0.0)


@dataclass(frozen=True, slots=True)
class WordComparison:
    """The scores of all words side by side, of one kind in both readings."""

    changes: tuple[WordChange, ...]
    """One for each edit of the alignment, special tokens among them: shares where both readings
    have them (viz/attribution/README.md 1.7), else what the method said."""
    first: Attribution
    second: Attribution

    def __post_init__(self) -> None:
        """Refuse shares that don't add up, as where the alignment leaves out a word."""
        if not self.has_shares:
            return
        sides = (
            (self.first, [change.first for change in self.changes]),
            (self.second, [change.second for change in self.changes]),
        )
        for attribution, scores in sides:
            shares = attribution.shares
            assert shares is not None  # of both, or `has_shares` would be false
            shares.require_sum(math.fsum(filter(None, scores)))

    @property
    def method(self) -> str:
        """By which words were scored."""
        return self.first.method

    @property
    def has_shares(self) -> bool:
        """Whether words are shown by shares that add up with the hidden value, in both readings."""
        return self.first.shares is not None and self.second.shares is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before believing the scores, of both readings."""
        return tuple(dict.fromkeys((*self.first.notes, *self.second.notes)))

    @property
    def raw_changes(self) -> tuple[WordChange, ...]:
        """The changes in what the method itself said, as files keep them."""
        scores = self.first.scores, self.second.scores
        return word_changes((change.edit for change in self.changes), *scores)

    @property
    def most_changed(self) -> list[WordChange]:
        """All words, those whose score changed most first; without special tokens."""
        words = [change for change in self.changes if not change.edit.span.special]
        return sorted(words, key=lambda change: -abs(change.difference))

    @property
    def bias_difference(self) -> float | None:
        """What no word accounts for; None where the method has no bias."""
        if self.first.bias is None or self.second.bias is None:
            return None
        return self.second.bias - self.first.bias


def compare_words(alignment: Alignment, first: Attribution, second: Attribution) -> WordComparison:
    """Set the scores of two attributions side by side.

    Where both have shares, these are compared: their differences and that of the hidden values sum
    to the difference of the explained scalar.  Else it is what the method said, of which the
    differences of all words and of the bias sum to that, if it has a bias.

    Args:
        alignment: Which words belong together.
        first: The attribution of the first reading.
        second: That of the second, by the same method with the same options.

    Raises:
        SelectionError: where methods, options, or the ways in which words were hidden differ.
        MethodError: where the scores of the method have no unit, and words of a reading no shares.
    """
    if (first.method, dict(first.options)) != (second.method, dict(second.options)):
        raise SelectionError(
            "The words were scored by different methods, or with different options; score both "
            "texts alike."
        )
    shares = first.shares, second.shares
    if shares[0] is not None and shares[1] is not None:
        if shares[0].operator != shares[1].operator:
            raise SelectionError(
                "Words were hidden in one way in the first text and in another in the second; "
                "hide them alike."
            )
        scores = shares[0].scores, shares[1].scores
    else:
        check_comparable(first, second)
        scores = first.scores, second.scores
    return WordComparison(word_changes(alignment.edits, *scores), first, second)


def word_changes(
    edits: Iterable[Edit], first: FloatArray, second: FloatArray
) -> tuple[WordChange, ...]:
    """What the words of each edit have in both readings.

    Args:
        edits: Which words belong together.
        first: The score of each token of the first reading.
        second: Of the second.
    """
    return tuple(
        WordChange(edit, _score(first, edit.first), _score(second, edit.second)) for edit in edits
    )


def check_comparable(first: Attribution, second: Attribution) -> None:
    """Refuse scores that mean nothing but order and proportion within one text.

    Shares of words have a unit, whatever the method.

    Raises:
        MethodError: one sentence that says so, behind the reason why words have no shares.
    """
    relative = [each for each in (first, second) if is_relative(each)]
    if relative:
        label = find_method(first.method).label
        refusal = (
            f"The scores of {label} have no unit, so those of two readings can't be subtracted; "
            "choose another method."
        )
        raise MethodError(" ".join((*relative[0].notes, refusal)))


def _score(scores: FloatArray, span: Span | None) -> float | None:
    return None if span is None else float(scores[list(span.tokens)].sum(dtype=np.float64))
