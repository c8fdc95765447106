"""What each word of many rows adds to a contrast of logits, exactly."""

from dataclasses import dataclass

from finetune.checkpoint.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class WordContributions:
    """R rows taken apart by the decomposition (viz/attribution/README.md 2.1).

    In each row the scores of its words, `special` and `bias` add up to `values`.
    """

    rows: IntArray
    """Which rows of the file, counted from 0.  (R,)"""
    values: FloatArray
    """The contrast of each row: its weights times the logits.  (R,)"""
    words: tuple[tuple[str, ...], ...]
    """The words of each row as they stand in the text, in reading order."""
    scores: tuple[FloatArray, ...]
    """What each of them adds.  R of (W,)"""
    special: FloatArray
    """What all special tokens add together.  (R,)"""
    bias: FloatArray
    """What no token can claim.  (R,)"""
    heads: FloatArray | None = None
    """What passes through the attention of each head; None where it wasn't asked for.
    (R, L, H)"""
