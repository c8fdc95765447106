"""The curve of a labeled file: heads ordered on some of its texts, accuracy counted on others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.errors import number_of
from viz.attribution.head_importance import ablate, gate_gradients
from viz.attribution.method import no_progress
from viz.errors import SelectionError
from viz.jobs.background import ProgressCallback
from viz.mechanism.ablation.curve import (
    AccuracyCurve,
    accuracy_curve,
    check_countable,
    expected_texts,
    removal_order,
)
from viz.model.classifier import Classifier
from viz.model.many_readings import readable
from viz.model.row_windows import windowed_rows
from viz.types import Reading

N_ORDERED, N_COUNTED = 64, 500
"""Texts that the order of heads is measured on, and texts that accuracy is counted on, at most."""
N_RANDOM = 5
"""Random orders."""

Measure = Literal["gradient", "ablation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCurve:
    """The curve of a file, and what it was measured with."""

    curve: AccuracyCurve
    importance: FloatArray
    """The mean size of what each head is worth over the texts of the order.  (L, H)"""
    measure: Measure
    """Whether that is the slope in the head's gate, or what is lost without the head."""
    n_ordered: int
    """Texts that the order was measured on, none of which accuracy was counted on."""


def file_curve(
    classifier: Classifier,
    texts: Sequence[str],
    pairs: Sequence[str] | None,
    gold: IntArray | FloatArray | None,
    *,
    measure: Measure = "gradient",
    n_ordered: int = N_ORDERED,
    n_counted: int = N_COUNTED,
    n_random: int = N_RANDOM,
    seed: int = 0,
    progress: ProgressCallback = no_progress,
) -> FileCurve:
    """Order heads by their importance, and count right texts as they go.

    Both kinds of texts are drawn at random, and no text is of both kinds: an order that is measured
    on the very texts that are counted would look better than it is.

    Args:
        classifier: What reads the texts.
        texts: N texts.
        pairs: The second text of each; None where the classifier reads single texts.
        gold: The number of the true class of each, below 0 where it has none.  (N,)
        measure: By what heads are ordered.
        n_ordered: How many texts the order is measured on; a half of few.
        n_counted: How many texts accuracy is counted on at most.
        n_random: In how many orders drawn at random heads go too.
        seed: Of all that is drawn.
        progress: Called with the passes done; what it raises ends the work.

    Raises:
        MethodError: if heads can't be switched off, or a text has not one class.
        SelectionError: if fewer than two texts have a label and can be read, or none of those that
            order heads has finite logits.
    """
    check_countable(classifier)
    if gold is None:
        raise SelectionError("The file has no labels, so there is nothing to count right texts by.")
    classes = np.asarray(gold, dtype=int)
    inputs = classifier.encoder.encode_rows(texts, pairs)
    usable = [index for index, row in enumerate(inputs) if row is not None and classes[index] >= 0]
    if len(usable) < 2:
        raise SelectionError(
            f"{len(usable)} texts have a label and can be read; one is needed to order heads and "
            "another to count."
        )
    drawn = np.random.default_rng(seed).permutation(usable)
    n_first = min(n_ordered, len(drawn) // 2)
    first, second = drawn[:n_first].tolist(), drawn[n_first:][:n_counted].tolist()

    drawn_rows = ((texts[index], None if pairs is None else pairs[index]) for index in first)
    sizes = [
        np.abs(_importance(classifier, reading, measure, progress))
        for reading in readable(classifier, drawn_rows)
    ]
    if not sizes:
        raise SelectionError(
            f"Of {number_of(n_first, 'text')} drawn to order heads none has finite logits; give "
            "others, or choose another checkpoint."
        )
    worth: FloatArray = np.mean(sizes, axis=0)
    curve = accuracy_curve(
        classifier,
        windowed_rows(
            classifier,
            [texts[index] for index in second],
            None if pairs is None else [pairs[index] for index in second],
        ),
        classes[second],
        removal_order(worth),
        n_random=n_random,
        seed=seed,
        progress=progress,
    )
    return FileCurve(curve=curve, importance=worth, measure=measure, n_ordered=len(sizes))


def _importance(
    classifier: Classifier, reading: Reading, measure: Measure, progress: ProgressCallback
) -> FloatArray:
    """What each head is worth for one text, signed.  (L, H)"""
    if measure == "ablation":
        return ablate(classifier, reading, progress=progress)
    gradient = gate_gradients(classifier, reading)
    progress(2)
    return gradient


def expected_passes(
    classifier: Classifier,
    n_texts: int,
    *,
    measure: Measure = "gradient",
    n_ordered: int = N_ORDERED,
    n_counted: int = N_COUNTED,
    n_random: int = N_RANDOM,
) -> int:
    """How many passes of one text the curve of a file takes."""
    first = min(n_ordered, n_texts // 2)
    each = 2 if measure == "gradient" else classifier.n_layers * classifier.n_heads
    return first * each + expected_texts(
        classifier, min(n_counted, max(n_texts - first, 0)), n_random
    )
