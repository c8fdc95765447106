"""Reads one text with the weights of every kept step of a training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from finetune.errors import FinetuneError
from finetune.run.history import History, open_history
from viz.attention.jensen_shannon import head_distances
from viz.attention.long_attention import require_all_weights
from viz.attention.thumbnails import impossible_thumbnails, thumbnails
from viz.attention.views import view
from viz.attention.words import merge, spans
from viz.attribution import attribute, find_method
from viz.attribution.class_names import attribute_by_name
from viz.attribution.descriptions import summary
from viz.attribution.method import no_progress
from viz.attribution.target import Target
from viz.comparison.film.film import THUMBNAIL_SIDE, Film, FilmFrame, RefusedFrame
from viz.comparison.film.frame_classifier import frame_classifier
from viz.errors import CheckpointError, LongTextError, VizError, as_sentence
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier
from viz.types import Attention, Attribution, MissingAttention, Reading


def film(
    checkpoint: Path,
    text: str,
    pair: str | None = None,
    *,
    classifier: Classifier | None = None,
    method: str | None = None,
    progress: ProgressCallback = no_progress,
) -> Film:
    """Read a text with the weights of every kept step of a training.

    Args:
        checkpoint: A folder that `clsight train --keep-epochs` or `--keep-steps` wrote.
        text: The text.
        pair: The second text of a pair.
        classifier: The checkpoint, where it is loaded already.
        method: How words are scored, as `attribute_by_name` takes it; the first method that
            checkpoint and text allow where None.
        progress: Called with 1 after each frame; what it raises ends the work.

    Returns:
        A frame for each step; one that can't be read says why, and the others stay.

    Raises:
        CheckpointError: where the folder holds no history, or can't be opened.
        TextError: if no token of the text reaches the model.
        MethodError: for a method that the checkpoint does not allow, or where heads are off.
    """
    history = history_of(checkpoint)
    reader = FilmReader(
        classifier or Classifier.load(checkpoint), history, text, pair, method=method
    )
    frames = []
    for index in range(len(history.frames)):
        frames.append(reader.read(index))
        progress(1)
    return reader.film(frames)


def history_of(checkpoint: Path) -> History:
    """What a run kept of its weights.

    Raises:
        CheckpointError: where it kept none, or its descriptions are damaged.
    """
    try:
        return open_history(checkpoint)
    except FinetuneError as error:
        raise CheckpointError(as_sentence(error)) from error


class FilmReader:
    """Reads one text frame by frame, in any order; for one thread.

    What is explained, and how, is settled by the finished checkpoint, which is read at once.
    Arguments as for `film`.
    """

    def __init__(
        self,
        classifier: Classifier,
        history: History,
        text: str,
        pair: str | None = None,
        *,
        method: str | None = None,
    ) -> None:
        classifier.require_all_heads("A film")
        self.classifier = classifier
        self.history = history
        self.encoding = classifier.encode(text, pair)
        self.spans = spans(self.encoding)
        self.finished = classifier.read_many([self.encoding])[0]
        self.attribution = attribute_by_name(
            classifier, self.finished, method, target=None, against="runner-up"
        )
        self._maps: dict[int, FloatArray] = {}
        """Maps of the first frame and of the one read last."""

    @property
    def target(self) -> Target:
        """The class that is explained in every frame, and what it is compared with."""
        explained = self.attribution
        return Target(explained.target_class, explained.against_class, explained.against_all)

    def film(self, frames: Sequence[FilmFrame | RefusedFrame | None] = ()) -> Film:
        """The film of frames that were read; None for those that were not, as all are at first."""
        attention = self.finished.attention
        impossible = None
        if isinstance(attention, Attention) and attention.impossible is not None:
            whole = view(self.encoding, attention.weights, impossible=attention.impossible)
            assert whole.impossible is not None  # as it was given
            impossible = impossible_thumbnails(whole.impossible, *self._thumbnail_shape)
        return Film(
            checkpoint=self.classifier.name,
            fingerprint=self.classifier.fingerprint,
            encoding=self.encoding,
            spans=self.spans,
            finished=self.finished.prediction,
            finished_scores=merge(self.attribution.scores, self.spans),
            finished_shares=self._shares(self.attribution),
            target=self.target,
            method=self.attribution.method,
            method_label=find_method(self.attribution.method).label_of(self.finished),
            steps=self.history.frames,
            frames=tuple(frames) or (None,) * len(self.history.frames),
            impossible=impossible,
            no_attention=self._no_attention(),
        )

    def read(self, index: int) -> FilmFrame | RefusedFrame:
        """What the weights of a step make of the text; why, where they make nothing of it."""
        check_cancelled()
        try:
            return self._read(index)
        except VizError as error:
            return RefusedFrame(str(error))

    def explain(self, index: int) -> Attribution:
        """The whole attribution at a step, with its reading.

        Raises:
            CheckpointError: where the weights can't be read, or make nothing of the text.
            MethodError: where the method is refused.
        """
        classifier = self.classifier_of(index)
        explained = self.attribution
        return attribute(
            classifier,
            self._plain_reading(classifier),
            explained.method,
            explained.target_class,
            explained.against_class,
            options=explained.options,
        )

    def classifier_of(self, index: int) -> Classifier:
        """The classifier as it was at a step.

        Raises:
            CheckpointError: as `frame_classifier`.
        """
        return frame_classifier(
            self.classifier, self.history.checkpoint, self.history.frames[index]
        )

    @property
    def _thumbnail_shape(self) -> tuple[int, int]:
        side = min(len(self.spans), THUMBNAIL_SIDE)
        return side, side

    def _read(self, index: int) -> FilmFrame:
        attribution = self.explain(index)
        reading = attribution.reading
        assert reading is not None  # `attribute` hands it on
        small = from_before = from_base = None
        if isinstance(reading.attention, Attention):
            maps = self._maps[index] = reading.attention.weights
            if index:
                from_before = self._distances(index - 1, maps)
                from_base = from_before if index == 1 else self._distances(0, maps)
            words = view(self.encoding, maps).weights
            small = thumbnails(words, *self._thumbnail_shape).astype(np.float16)
            # What the next frame is compared with.
            self._maps = {place: self._maps[place] for place in (0, index) if place in self._maps}
        return FilmFrame(
            prediction=reading.prediction,
            value=attribution.value,
            scores=merge(attribution.scores, self.spans),
            shares=self._shares(attribution),
            hidden=None if attribution.shares is None else attribution.shares.hidden,
            summary=summary(reading, attribution),
            notes=attribution.notes,
            thumbnails=small,
            from_before=from_before,
            from_base=from_base,
        )

    def _shares(self, attribution: Attribution) -> FloatArray | None:
        shares = attribution.shares
        return None if shares is None else merge(shares.scores, self.spans)

    def _no_attention(self) -> str:
        """Why a film shows no heads; empty where it does."""
        attention = self.finished.attention
        if isinstance(attention, MissingAttention):
            return attention.reason
        try:
            require_all_weights(self.finished, "A film of heads")
        except LongTextError as error:
            return str(error)
        return ""

    def _plain_reading(self, classifier: Classifier) -> Reading:
        reading = classifier.read_many([self.encoding])[0]
        if not np.isfinite(reading.prediction.logits).all():
            raise CheckpointError(f"{classifier.name!r} puts out something that is not a number.")
        return reading

    def _distances(self, other: int, maps: FloatArray) -> FloatArray | None:
        """How far each head is from another frame; None where that one can't be read."""
        if other not in self._maps:
            try:
                attention = self._plain_reading(self.classifier_of(other)).attention
            except VizError:
                return None
            self._maps[other] = attention.weights
        impossible = self.finished.attention.impossible
        return head_distances(self._maps[other], maps, impossible)
