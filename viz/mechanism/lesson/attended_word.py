"""The word that the deciding token looks at most, and the word that speaks most for the class."""

import math
from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention import words
from viz.attention.rank_correlation import spearman
from viz.attention.words import Span
from viz.attribution import METHODS, attribute, default_methods
from viz.errors import MethodError
from viz.model.classifier import Classifier
from viz.types import Reading


@dataclass(frozen=True, eq=False, slots=True)
class AttendedWord:
    """Attention and attribution of the words of a text, and the first word of each."""

    attended: Span
    """Looked at most by the deciding token in the last layer, mean of its heads."""
    strongest: Span
    """Speaks most for the class."""
    attention: FloatArray
    """(T,)"""
    scores: FloatArray
    """(T,)"""
    method: str
    """The label of the attribution method."""
    correlation: float
    """Spearman's, of both over the words; 0 where one is the same for all of them."""

    @property
    def same(self) -> bool:
        """Whether it is one word."""
        return self.attended == self.strongest


def attended_word(classifier: Classifier, reading: Reading) -> AttendedWord | None:
    """Compare attention of the deciding token with the first signed attribution that there is.

    Returns:
        None where the text has one word.

    Raises:
        MethodError: if the class is not read from rows of the maps, or nothing can explain it.
        MissingAttentionError: if there are no attention weights.
    """
    spans = [span for span in words.spans(reading.encoding) if not span.special]
    if len(spans) < 2:
        return None
    attention = attribute(classifier, reading, "attention").scores
    method, scores = _explanation(classifier, reading)
    looked, spoken = words.merge(attention, spans), words.merge(scores, spans)
    correlation = spearman(looked, spoken)
    return AttendedWord(
        spans[int(looked.argmax())],
        spans[int(spoken.argmax())],
        attention,
        scores,
        METHODS[method].label_of(classifier),
        0.0 if math.isnan(correlation) else correlation,
    )


def _explanation(classifier: Classifier, reading: Reading) -> tuple[str, FloatArray]:
    """The scores of the first method with a sign that this classifier and text allow.  (T,)"""
    refusal: MethodError | None = None
    for name in default_methods(classifier):
        if METHODS[name].signed:
            try:
                return name, np.asarray(attribute(classifier, reading, name, shares=False).scores)
            except MethodError as error:
                refusal = error
    raise refusal or MethodError("No method can explain this checkpoint; choose another one.")
