"""What each frame of a training made of one text, as records that stay small."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from finetune.run.history import HistoryFrame
from viz.attention.words import Span
from viz.attribution import find_method
from viz.attribution.target import Target
from viz.comparison.film.onsets import onsets
from viz.types import BoolArray, Encoding, Prediction

THUMBNAIL_SIDE = 32
"""The most pixels along a head of a frame."""


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """What the weights of one step made of the text."""

    prediction: Prediction
    value: float
    """The explained scalar."""
    scores: FloatArray
    """What the method gives each span, special tokens among them.  (n,)"""
    shares: FloatArray | None
    """What each span shares of what hiding every word changes: with `hidden` they add up to
    `value`.  None where words have no shares.  (n,)"""
    hidden: float | None
    """The explained scalar with every word hidden."""
    summary: str
    """In a line, what scores of words add up with."""
    notes: tuple[str, ...]
    """What a reader must know before believing the scores, one sentence each."""
    thumbnails: NDArray[np.float16] | None
    """Where heads look, over spans: each head, with the means in the last row and column, pooled
    to at most `THUMBNAIL_SIDE` pixels a side.  None where there are no maps.  (L + 1, H + 1, r, c)
    """
    from_before: FloatArray | None
    """The Jensen-Shannon distance of each head to the frame before; None in the first frame, where
    the frame before was refused, and where there are no maps.  (L, H)"""
    from_base: FloatArray | None
    """The same to the first frame.  (L, H)"""

    @property
    def nbytes(self) -> int:
        """What its arrays take in memory."""
        arrays = (self.scores, self.shares, self.thumbnails, self.from_before, self.from_base)
        return sum(array.nbytes for array in arrays if array is not None)


@dataclass(frozen=True, slots=True)
class RefusedFrame:
    """Stands for a frame that can't be read."""

    reason: str
    """One sentence for the reader."""
    nbytes: int = 0


@dataclass(frozen=True, slots=True)
class Film:
    """One text over the course of fine-tuning.

    The class that is explained, what it is compared with and the method are those of the finished
    checkpoint in every frame, so that scores of different frames are of one question.
    """

    checkpoint: str
    fingerprint: str
    encoding: Encoding
    spans: tuple[Span, ...]
    """Words and special tokens, in reading order."""
    finished: Prediction
    """What the finished checkpoint says."""
    finished_scores: FloatArray
    """What the method gives each span there.  (n,)"""
    finished_shares: FloatArray | None
    """What each span shares there; None where words have no shares.  (n,)"""
    target: Target
    method: str
    method_label: str
    """What readers call it."""
    steps: tuple[HistoryFrame, ...]
    """What the run kept, from the base to the finished checkpoint."""
    frames: tuple[FilmFrame | RefusedFrame | None, ...]
    """One for each step; None where it has not been read yet."""
    impossible: BoolArray | None = None
    """Which pixels of the thumbnails stand for nothing that can be looked at.  (L + 1, r, c)"""
    no_attention: str = ""
    """Why there are no maps, in one sentence; else empty."""

    def __post_init__(self) -> None:
        """Check that every step has its place."""
        if len(self.frames) != len(self.steps):
            raise ValueError(f"{len(self.frames)} frames for {len(self.steps)} steps")

    @property
    def complete(self) -> bool:
        """Whether every frame was read, or refused."""
        return all(frame is not None for frame in self.frames)

    def readable(self) -> list[tuple[int, FilmFrame]]:
        """The frames that were read, each with its place."""
        return [(i, frame) for i, frame in enumerate(self.frames) if isinstance(frame, FilmFrame)]

    @property
    def has_shares(self) -> bool:
        """Whether words are shown by their shares, as those of the finished checkpoint have some.

        They are in one unit in all frames, whatever the method.
        """
        return self.finished_shares is not None

    @property
    def finished_shown(self) -> FloatArray:
        """What words of the finished checkpoint are shown by.  (n,)"""
        if self.finished_shares is not None:
            return self.finished_shares
        return self._comparable(self.finished_scores)

    def shown(self, frame: FilmFrame) -> FloatArray | None:
        """The scores of a frame as they can be compared with those of others.  (n,)

        None in a frame whose words have no shares, where those of the finished checkpoint have.
        """
        return frame.shares if self.has_shares else self._comparable(frame.scores)

    def _comparable(self, scores: FloatArray) -> FloatArray:
        """Scores without a unit are parts of what all words of a frame have together.  (n,)"""
        if not find_method(self.method).relative:
            return scores
        total = float(np.abs(scores[self.words]).sum())
        return scores / total if total else scores

    @property
    def words(self) -> list[int]:
        """The places of the words among the spans."""
        return [index for index, span in enumerate(self.spans) if not span.special]

    def onsets(self) -> dict[int, int]:
        """The frame from which on each word matters, by the place of its span; see `onsets`.

        No word matters in a frame that shows no scores (see `shown`).  Words that don't matter at
        the end are left out.  Empty while the film is not complete, and where its last frame was
        refused.
        """
        readable = self.readable()
        if not (self.complete and isinstance(self.frames[-1], FilmFrame)):
            return {}
        nothing: FloatArray = np.zeros(len(self.spans))
        shown = (self.shown(frame) for _, frame in readable)
        scores = np.stack([(nothing if one is None else one)[self.words] for one in shown])
        return {
            word: readable[onset][0]
            for word, onset in zip(self.words, onsets(scores), strict=True)
            if onset is not None
        }


def changed_most(distances: FloatArray) -> tuple[int, int]:
    """Layer and head of the largest distance.  (L, H)"""
    layer, head = np.unravel_index(int(distances.argmax()), distances.shape)
    return int(layer), int(head)


def layer_changed_most(distances: FloatArray) -> int:
    """The layer whose heads moved farthest, on average.  (L, H)"""
    return int(distances.mean(1).argmax())
