"""Which heads to cut, so that a checkpoint gets smaller: the least important ones that may go."""

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from finetune.errors import with_article
from viz.attention.heads import Heads
from viz.errors import SelectionError
from viz.mechanism.pruning.absence import cut_layers
from viz.mechanism.pruning.narrowing import can_narrow, key_groups
from viz.model.classifier import Classifier


def n_heads_left(classifier: Classifier) -> int:
    """How many heads there are, without those of layers that were cut before."""
    return classifier.n_heads * (classifier.n_layers - len(cut_layers(classifier)))


def least_important(classifier: Classifier, importance: FloatArray, n_heads: int) -> Heads:
    """As many heads as can be cut of those asked for, the least important.

    Where a family has as many heads in every layer, each loses as many, those that share their keys
    together; where it keeps the width of projections, whole layers go.

    Args:
        classifier: With all heads.
        importance: Of each head; of heads that go together the mean counts.  (L, H)
        n_heads: How many may go at most.

    Raises:
        SelectionError: where so few can't go, or so many.
    """
    total, kind = n_heads_left(classifier), with_article(classifier.architecture)
    if not 1 <= n_heads < total:
        raise SelectionError(
            f"{n_heads} of {total} heads can't be cut; choose 1 to {total - 1} of them."
        )
    if not can_narrow(classifier):
        order = np.argsort(importance.mean(axis=1), kind="stable").tolist()
        gone = cut_layers(classifier)
        there = [layer for layer in order if layer not in gone]
        layers = sorted(there[: n_heads // classifier.n_heads])
        if not layers:
            raise SelectionError(
                f"{n_heads} heads are too few: in {kind} only whole layers "
                f"get smaller, so choose {classifier.n_heads} heads or more."
            )
        return tuple((layer, head) for layer in layers for head in range(classifier.n_heads))
    groups = key_groups(classifier)
    size = classifier.n_heads // groups
    each = min(n_heads // (classifier.n_layers * size), groups - 1)
    if not each:
        raise SelectionError(
            f"{n_heads} heads are too few: in {kind} every layer loses as "
            f"many, so choose {classifier.n_layers * size} heads or more."
        )
    by_group = importance.reshape(classifier.n_layers, groups, size).mean(axis=2)
    chosen = np.argsort(by_group, axis=1, kind="stable")[:, :each]
    return tuple(
        (layer, head)
        for layer, units in enumerate(np.sort(chosen, axis=1).tolist())
        for unit in units
        for head in range(unit * size, (unit + 1) * size)
    )
