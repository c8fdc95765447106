"""What changed in words: the score of each on both sides, by the same method and classes."""

from dataclasses import dataclass

import numpy as np

from viz.attention.words import Span
from viz.attribution import find_method
from viz.comparison.alignment import Alignment, Edit
from viz.errors import MethodError, SelectionError
from viz.types import Attribution


@dataclass(frozen=True, slots=True)
class WordChange:
    """Words that belong together, and what they add to the explained scalar in both readings."""

    edit: Edit
    first: float | None
    """The sum of the scores of its words; None where the first text has none."""
    second: float | None
    """None where the second text has none."""

    @property
    def difference(self) -> float:
        """What it adds more in the second reading; a word that isn't there adds nothing."""
        return (self.second or 0.0) - (self.first or 0.0)


@dataclass(frozen=True, slots=True)
class WordComparison:
    """The scores of all words side by side."""

    changes: tuple[WordChange, ...]
    """One for each edit of the alignment, special tokens among them."""
    first: Attribution
    second: Attribution

    @property
    def method(self) -> str:
        """By which words were scored."""
        return self.first.method

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

    For a method with a bias, the differences of all words and of the bias sum to the difference of
    the explained scalar.

    Args:
        alignment: Which words belong together.
        first: The attribution of the first reading.
        second: That of the second, by the same method with the same options.

    Raises:
        SelectionError: where methods or options differ.
        MethodError: where the scores of the method have no unit, so that they can't be subtracted.
    """
    if (first.method, dict(first.options)) != (second.method, dict(second.options)):
        raise SelectionError(
            "The words were scored by different methods, or with different options; score both "
            "texts alike."
        )
    check_comparable(first.method)
    changes = tuple(
        WordChange(edit, _score(first, edit.first), _score(second, edit.second))
        for edit in alignment.edits
    )
    return WordComparison(changes, first, second)


def check_comparable(method: str) -> None:
    """Refuse a method whose scores mean nothing but order and proportion within one text.

    Raises:
        MethodError: one sentence that says so.
    """
    if find_method(method).relative:
        label = find_method(method).label
        raise MethodError(
            f"The scores of {label} have no unit, so those of two readings can't be subtracted; "
            "choose another method."
        )


def _score(attribution: Attribution, span: Span | None) -> float | None:
    if span is None:
        return None
    return float(attribution.scores[list(span.tokens)].sum(dtype=np.float64))
