"""From which step of a training on each word matters."""

import numpy as np

from finetune.checkpoint.arrays import FloatArray

SHARE_OF_FINAL = 0.5
"""The part of its final score that a word must have from its onset on."""
SHARE_OF_STRONGEST = 0.1
"""A word whose final score is a smaller part of the strongest word's does not matter at the end."""


def onsets(
    scores: FloatArray,
    *,
    share_of_final: float = SHARE_OF_FINAL,
    share_of_strongest: float = SHARE_OF_STRONGEST,
) -> list[int | None]:
    """The frame from which on each word matters: the first after which it never stops.

    A word matters in a frame where its score has the sign of its final score and at least
    `share_of_final` of its size.  Its onset is the first frame from which on it matters in every
    frame up to the last.

    Args:
        scores: What each word adds to the explained scalar in each frame, all in one unit.  (F, n)
        share_of_final: What part of the final score is enough.
        share_of_strongest: Of the strongest final score, which the final score of a word must reach
            for it to matter at all.

    Returns:
        The index of a frame for each of n words; None for one that doesn't matter at the end.
    """
    final = scores[-1]
    matters_at_end = np.abs(final) >= share_of_strongest * np.abs(final).max(initial=0.0)
    enough = scores * np.sign(final) >= share_of_final * np.abs(final)
    # How many frames in a row, counted from the last one, are enough.
    streak = np.cumprod(enough[::-1], axis=0).sum(0)
    return [
        len(scores) - int(length) if matters and size else None
        for length, matters, size in zip(streak, matters_at_end, final, strict=True)
    ]
