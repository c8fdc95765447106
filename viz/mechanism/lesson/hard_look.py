"""Looks that take most of a head's attention and give next to nothing to the class."""

from dataclasses import dataclass

import numpy as np

from viz.types import BoolArray, Contribution, Reading

HARD = 0.5
"""A token looks hard where more than this share of a row goes: no other token can then have as
much."""
EMPTY = 0.1
"""A look is empty whose contribution is at most this share of that of the average look of its
layer.  A hard look has many times the weight of the average one, so by its weight it should
contribute many times as much."""


@dataclass(frozen=True, slots=True)
class HardLook:
    """One attention weight, and what it contributes."""

    layer: int
    head: int
    query: int
    key: int
    weight: float
    contribution: float
    """Signed, in the unit of the explained scalar."""
    average: float
    """What the average look of the layer contributes, without sign."""
    average_weight: float
    """The weight that the average look has: one divided by how many tokens can be looked at."""

    @property
    def empty(self) -> bool:
        """Whether it contributes next to nothing."""
        return abs(self.contribution) <= EMPTY * self.average


@dataclass(frozen=True, slots=True)
class HardLooks:
    """How many looks are hard, how many of them are empty, and the one to show."""

    n_hard: int
    n_empty: int
    shown: HardLook
    """The hardest empty one, at a word rather than at a special token or the token itself; where
    none is empty, the one that comes closest."""


def hard_looks(reading: Reading, contribution: Contribution) -> HardLooks | None:
    """Search all heads for hard looks and compare them with what they contribute.

    Only rows count that reach the class at all: those of other tokens than the deciding one in the
    last layer contribute nothing, whatever they look at.  Rows with one token to look at, which
    have no choice, do not count either.

    Args:
        reading: The text as it was read.
        contribution: What each weight contributes, of the same reading.

    Returns:
        None where no look is hard.
    """
    weights, sizes = reading.attention.weights, np.abs(contribution.values).astype(np.float64)
    possible = _possible(reading)
    counted = (sizes.sum(axis=(1, 3)) > 0) & (possible.sum(-1) > 1)
    looks = possible & counted[..., None]
    n_looks = looks.sum(axis=(1, 2)) * weights.shape[1]
    totals = (sizes * looks[:, None]).sum(axis=(1, 2, 3))
    averages = np.divide(totals, n_looks, out=np.zeros_like(totals), where=n_looks > 0)
    hard = (weights > HARD) & looks[:, None]
    if not hard.any():
        return None
    places = np.argwhere(hard)
    relative = sizes[hard] / np.maximum(averages[places[:, 0]], np.finfo(np.float64).tiny)
    empty = relative <= EMPTY
    special = np.array([token.special for token in reading.encoding.tokens])
    plain = special[places[:, 3]] | (places[:, 3] == places[:, 2])
    order = (
        np.lexsort((-weights[hard], plain, ~empty))
        if empty.any()
        else np.lexsort((plain, relative))
    )
    layer, head, query, key = (int(index) for index in places[order[0]])
    shown = HardLook(
        layer,
        head,
        query,
        key,
        float(weights[layer, head, query, key]),
        float(contribution.values[layer, head, query, key]),
        float(averages[layer]),
        1 / int(possible[layer, query].sum()),
    )
    return HardLooks(len(places), int(empty.sum()), shown)


def _possible(reading: Reading) -> BoolArray:
    """What each token can look at.  (L, T, T)"""
    n_layers, n_tokens = reading.attention.n_layers, reading.attention.n_tokens
    impossible = reading.attention.impossible
    if impossible is None:
        return np.ones((n_layers, n_tokens, n_tokens), bool)
    return ~impossible
