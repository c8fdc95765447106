"""What becomes of the class where heads look evenly at everything instead of where they looked."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.method import no_progress
from viz.errors import MethodError
from viz.jobs.background import ProgressCallback
from viz.mechanism.lesson.replaced_attention import (
    HeadMaps,
    logits_with_maps,
    moved_weight,
    shuffled_map,
    uniform_map,
)
from viz.model.classifier import Classifier
from viz.model.perturbation import Perturbation
from viz.types import SINGLE_PRECISION, BoolArray, Prediction, Reading

MOVED_WEIGHT = 0.5
"""A map is another one where at least this share of its weight lies elsewhere."""
SMALL_CHANGE = 0.01
"""Of a probability, or of what the words make of a score: what hardly moves it."""
N_SHUFFLES = 16
"""How often the map that is shown is shuffled, each time in another order."""


class NoEffectError(MethodError):
    """The words of a text make nothing of its score, so no change of it can be called small."""


@dataclass(frozen=True, eq=False, slots=True)
class ReplacedHeads:
    """Outcomes with uniform attention: in each head, in all of a layer, in all at once."""

    moved: FloatArray
    """The share of each head's weight that a uniform map puts elsewhere, mean of rows.  (L, H)"""
    changes: FloatArray
    """By how much the outcome of the class changes, signed: its probability, or the score in shares
    of what hiding every word changes.  (L, H)"""
    same: BoolArray
    """Where the class stays; of a regression, where the score hardly moves.  (L, H)"""
    same_layers: BoolArray
    """The same where all heads of a layer look evenly.  (L,)"""
    same_all: bool
    """The same where all heads do."""
    outcome_all: FloatArray
    """Probabilities, or the score, where all heads do.  (C,)"""
    layer: int
    """The head that is shown: of those that leave the class and hardly move the probability, the
    one whose map changes most."""
    head: int
    n_shuffles_same: int
    """How many of `N_SHUFFLES` shuffled maps of that head leave the class, with the probability
    hardly moved."""

    @property
    def unnoticed(self) -> BoolArray:
        """Heads that leave the class and hardly move the probability.  (L, H)"""
        return np.asarray(self.same & (np.abs(self.changes) <= SMALL_CHANGE))


def passes(reading: Reading) -> int:
    """How many passes `replace_heads` takes."""
    n_layers, n_heads = reading.attention.n_layers, reading.attention.n_heads
    hidden = int(reading.prediction.regression)
    return hidden + n_layers * n_heads + n_layers + 1 + N_SHUFFLES + 2 * 3


def replace_heads(
    classifier: Classifier, reading: Reading, progress: ProgressCallback = no_progress
) -> ReplacedHeads:
    """Read the text again with each head's attention made uniform, one head at a time.

    Raises:
        MethodError: if the weights of this architecture can't be replaced.
        MissingAttentionError: if there are no attention weights.
        NoEffectError: if the words make nothing of the score of a regression.
    """
    unit = _unit(classifier, reading)
    n_layers, n_heads = reading.attention.n_layers, reading.attention.n_heads
    uniform = [uniform_map(reading, layer) for layer in range(n_layers)]
    places = [(layer, head) for layer in range(n_layers) for head in range(n_heads)]
    versions: list[HeadMaps] = [{place: uniform[place[0]]} for place in places]
    versions += [
        {(layer, head): uniform[layer] for head in range(n_heads)} for layer in range(n_layers)
    ]
    versions.append({place: uniform[place[0]] for place in places})
    scale = unit if reading.prediction.regression else None
    read_with = partial(logits_with_maps, classifier, reading, progress=progress, scale=scale)
    outcomes = classifier.outcomes(read_with(versions))
    changes = _changes(reading.prediction, outcomes, unit)
    same = _same(reading.prediction, outcomes, changes)
    moved = np.array([moved_weight(reading, *place, uniform[place[0]]) for place in places])
    first = _head_to_show(moved, same[: len(places)], changes[: len(places)])
    layer, head = places[first]
    shuffled: list[HeadMaps] = [
        {(layer, head): shuffled_map(reading, layer, head, seed)} for seed in range(N_SHUFFLES)
    ]
    again = classifier.outcomes(read_with(shuffled))
    changes_again = _changes(reading.prediction, again, unit)
    stays = _same(reading.prediction, again, changes_again)
    shape = (n_layers, n_heads)
    return ReplacedHeads(
        moved=moved.reshape(shape),
        changes=changes[: len(places)].reshape(shape),
        same=same[: len(places)].reshape(shape),
        same_layers=same[len(places) : -1],
        same_all=bool(same[-1]),
        outcome_all=outcomes[-1],
        layer=layer,
        head=head,
        n_shuffles_same=int((stays & (np.abs(changes_again) <= SMALL_CHANGE)).sum()),
    )


def _head_to_show(moved: FloatArray, same: BoolArray, changes: FloatArray) -> int:
    unnoticed = same & (np.abs(changes) <= SMALL_CHANGE)
    for allowed in (unnoticed, same):
        if allowed.any():
            return int(np.where(allowed, moved, -1).argmax())
    return int(moved.argmax())


def _unit(classifier: Classifier, reading: Reading) -> float:
    """What a change of the outcome is measured in.

    1 for a probability.  A score has no such scale and may lie far from 0, as a year does, so of a
    regression it is the difference that hiding every word makes.
    """
    if not reading.prediction.regression:
        return 1.0
    versions = Perturbation(classifier, reading.encoding)
    none = np.zeros((1, versions.n_words), dtype=bool)
    hidden = float(versions.logits(none, versions.operators[0])[0, 0])
    score = float(reading.prediction.logits[0])
    if not SMALL_CHANGE * abs(score - hidden) > SINGLE_PRECISION * max(abs(score), abs(hidden)):
        raise NoEffectError("Hiding every word changes next to nothing of this score.")
    return abs(score - hidden)


def _changes(prediction: Prediction, outcomes: FloatArray, unit: float) -> FloatArray:
    """What the outcome of the class gains.  (n, C) -> (n,)"""
    if prediction.regression:
        return np.asarray((outcomes[:, 0] - float(prediction.logits[0])) / unit)
    chosen = prediction.predicted_class
    return np.asarray(outcomes[:, chosen] - float(prediction.probabilities[chosen]))


def _same(prediction: Prediction, outcomes: FloatArray, changes: FloatArray) -> BoolArray:
    """Whether the text is put into the same class, or classes; of a score, whether it hardly moves.

    (n, C), (n,) -> (n,)
    """
    if prediction.regression:
        return np.abs(changes) <= SMALL_CHANGE
    if prediction.multi_label:
        return np.asarray(((outcomes >= 0.5) == (prediction.probabilities >= 0.5)).all(-1))
    return np.asarray(outcomes.argmax(-1) == prediction.predicted_class)
