"""What a classifier says of each row of a file."""

from dataclasses import dataclass

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.types import BoolArray


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPredictions:
    """The outcome of one pass over N rows; of a row that wasn't read, zeros."""

    read: BoolArray
    """Which rows were read; a row without a text, or made of nothing the model sees, is not.
    (N,)"""
    logits: FloatArray
    """(N, C)"""
    probabilities: FloatArray
    """At the checkpoint's temperature; (N, 0) for a regression.  (N, C)"""
    n_tokens: IntArray
    """How many tokens the model read of each.  (N,)"""
    n_unseen: IntArray
    """How many it never saw.  (N,)"""
    states: FloatArray | None
    """The last state that the class is read from: that of [CLS] in BERT, of the last token in
    GPT-2, the mean where a mean is taken.  None where that can't be told.  (N, D)"""

    @property
    def predicted(self) -> IntArray:
        """The class with the highest logit.  (N,)"""
        classes: IntArray = self.logits.argmax(axis=1)
        return classes
