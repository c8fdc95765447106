"""Two readings side by side: what changed in class, in words and in heads."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from viz.attention.long_attention import require_all_weights
from viz.attention.views import AttentionView
from viz.comparison.alignment import Alignment, align_words
from viz.comparison.class_comparison import ClassComparison, compare_classes
from viz.comparison.difference_maps import difference_maps
from viz.comparison.head_comparison import HeadComparison, Matching, compare_heads
from viz.comparison.word_comparison import WordComparison, compare_words
from viz.errors import MissingAttentionError, VizError
from viz.types import Attention, Attribution, MissingAttention, Reading

Part = Literal["classes", "words", "heads"]

NO_SCORES = "Words were not scored."
NO_HEAD = "{!r} has no classification head, so there is no class to compare."


@dataclass(frozen=True, slots=True)
class ReadingComparison:
    """What changed from one reading to the other."""

    first: Reading
    second: Reading
    alignment: Alignment
    classes: ClassComparison | None
    words: WordComparison | None
    heads: HeadComparison | None
    refused: Mapping[Part, str] = field(default_factory=dict)
    """Why a part is None: one sentence each."""

    def __post_init__(self) -> None:
        """Freeze what was refused."""
        object.__setattr__(self, "refused", MappingProxyType(dict(self.refused)))

    def refusing(self, part: Part, reason: str) -> "ReadingComparison":
        """The same with another reason for a part that is missing."""
        return replace(self, refused={**self.refused, part: reason})

    def differences(self) -> AttentionView:
        """Where each head looks more in the second reading, or less.  (L, H, n, m)

        Raises:
            MissingAttentionError: where heads could not be compared.
        """
        heads = self.require_heads()
        return difference_maps(self.alignment, heads, *_maps(self.first, self.second))

    def require_heads(self) -> HeadComparison:
        """The comparison of heads.

        Raises:
            MissingAttentionError: where heads could not be compared.
        """
        if self.heads is None:
            raise MissingAttentionError(self.refused["heads"])
        return self.heads


def compare_readings(
    first: Reading,
    second: Reading,
    attributions: tuple[Attribution, Attribution] | None = None,
    *,
    matching: Matching | None = None,
) -> ReadingComparison:
    """Set two readings side by side: two texts, or one text and two models, or both.

    A part that can't be compared is None, and `refused` says why.

    Args:
        first: What was read.
        second: What is compared with it.
        attributions: Why the class, in both; words are not compared without.
        matching: Which heads belong together: those of the same number, as in two states of one
            model, or the nearest; by default by number where both have as many layers and heads.
    """
    alignment = align_words(first.encoding, second.encoding)
    refused: dict[Part, str] = {}
    classes = None
    for reading in (first, second):
        if not reading.prediction.labels:
            refused["classes"] = refused["words"] = NO_HEAD.format(reading.checkpoint)
    if "classes" not in refused:
        classes = compare_classes(first.prediction, second.prediction)
    words = None
    if attributions is None:
        refused.setdefault("words", NO_SCORES)
    else:
        try:
            words = compare_words(alignment, *attributions)
        except VizError as error:
            refused["words"] = str(error)
    heads = None
    try:
        heads = compare_heads(alignment, *_maps(first, second), matching)
    except VizError as error:
        refused["heads"] = str(error)
    return ReadingComparison(first, second, alignment, classes, words, heads, refused)


def _maps(first: Reading, second: Reading) -> tuple[Attention, Attention]:
    ours, theirs = first.attention, second.attention
    for reading in (first, second):
        if isinstance(reading.attention, MissingAttention):
            raise MissingAttentionError(reading.attention.reason)
        require_all_weights(reading, "Comparing heads")
    assert isinstance(ours, Attention)
    assert isinstance(theirs, Attention)
    return ours, theirs
