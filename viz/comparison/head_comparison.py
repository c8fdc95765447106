"""Which heads look elsewhere: the Jensen-Shannon distance of each from its counterpart."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from viz.attention.jensen_shannon import head_distances
from viz.attention.rollout import check_selection
from viz.comparison.aligned_attention import AlignedAttention
from viz.comparison.alignment import Alignment
from viz.comparison.nearest_heads import nearest_heads
from viz.errors import SelectionError
from viz.types import Attention, BoolArray

Matching = Literal["number", "nearest"]
"""A head is compared with that of the same layer and number, or with the nearest of all."""


@dataclass(frozen=True, slots=True)
class HeadComparison:
    """How far each head of the first reading is from its counterpart in the second."""

    matching: Matching
    distances: FloatArray
    """(L, H), 0 to 1: mean over the words that both readings have, as they look."""
    counterparts: IntArray
    """(L, H, 2): layer and head in the second reading."""
    only_first: FloatArray
    """(L, H): the share that goes to words that only the first text has, mean over these rows."""
    only_second: FloatArray
    """(L, H): what the counterpart gives to words that only the second text has."""
    n_queries: int
    """The words that both have, whose rows are compared; special tokens among them."""
    n_left_out: int
    """The words that only one text has, which have no row to compare."""
    n_searched: int | None = None
    """The rows by which the nearest heads were searched; None where heads go by number."""

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("distances", "counterparts", "only_first", "only_second"):
            getattr(self, name).setflags(write=False)

    @property
    def most_changed(self) -> list[tuple[int, int]]:
        """Layer and head of all heads, the most distant first."""
        order = np.argsort(-self.distances, axis=None, kind="stable")
        n_heads = self.distances.shape[1]
        return [divmod(int(place), n_heads) for place in order]

    def counterpart(self, layer: int | None, head: int | None) -> tuple[int | None, int | None]:
        """Layer and head of the second reading with which a head, or a mean, is compared.

        Where heads go by the nearest, a mean is compared with the mean of all that are nearest:
        None and None.

        Raises:
            SelectionError: where the first model has no such layer or head.
        """
        check_selection(layer, head, *self.distances.shape)
        if layer is None or head is None:
            return (layer, head) if self.matching == "number" else (None, None)
        other_layer, other_head = self.counterparts[layer, head].tolist()
        return other_layer, other_head


def compare_heads(
    alignment: Alignment, first: Attention, second: Attention, matching: Matching | None = None
) -> HeadComparison:
    """Compare the rows of all words that two readings share, over all words of both.

    Rows in which one of the readings leaves no choice, as the first of a causal map, are left out.

    Args:
        alignment: Which words belong together.
        first: The maps of the first reading.
        second: Those of the second.
        matching: What a head is compared with; by default that of the same number where both have
            as many layers and heads, else the nearest.

    Raises:
        SelectionError: where heads are to be matched by number and there are others, or where no
            word is shared.
    """
    ours, theirs = AlignedAttention.of_both(alignment, first, second)
    shared = np.array([edit.is_shared for edit in alignment.edits])
    if not shared.any():
        raise SelectionError("The readings have no word in common, so no head can be compared.")
    matching = matching or ("number" if ours.size == theirs.size else "nearest")
    n_searched = None
    if matching == "number":
        if ours.size != theirs.size:
            raise SelectionError(
                f"One model has {_size(ours)} and the other {_size(theirs)}, so no head has a "
                "counterpart by number; compare each with the nearest."
            )
        counterparts = np.moveaxis(np.indices(ours.size), 0, -1)
    else:
        counterparts, n_searched = nearest_heads(ours, theirs)
    only_first, only_second = (
        np.array([(edit.first, edit.second)[absent] is None for edit in alignment.edits])
        for absent in (1, 0)
    )
    distances, lost, gained = (np.zeros(ours.size) for _ in range(3))
    for layer in range(len(distances)):
        one, other = ours.maps(layer), counterpart_maps(theirs, counterparts[layer])
        for other_layer in np.unique(counterparts[layer, :, 0]):
            heads = counterparts[layer, :, 0] == other_layer
            no_choice = without_choice(ours, layer, theirs, int(other_layer))
            distances[layer, heads] = head_distances(
                one[heads][None], other[heads][None], no_choice[None]
            )[0]
        lost[layer] = one[..., only_first].sum(-1).mean(-1)
        gained[layer] = other[..., only_second].sum(-1).mean(-1)
    return HeadComparison(
        matching,
        distances,
        counterparts,
        lost,
        gained,
        n_queries=int(shared.sum()),
        n_left_out=int((~shared).sum()),
        n_searched=n_searched,
    )


def counterpart_maps(theirs: AlignedAttention, counterparts: IntArray) -> FloatArray:
    """The maps that belong to the heads of one layer.  (H, 2) -> (H, n, m)"""
    layers = {int(layer) for layer in counterparts[:, 0]}
    if len(layers) == 1 and counterparts[:, 1].tolist() == [*range(theirs.size[1])]:
        return theirs.maps(layers.pop())
    return np.stack([theirs.map(int(layer), int(head)) for layer, head in counterparts])


def without_choice(
    ours: AlignedAttention, layer: int, theirs: AlignedAttention, other_layer: int
) -> BoolArray:
    """What neither can look at; all of a row where one of them can look at one word alone.

    (n, m)
    """
    impossible, others = ours.impossible(layer), theirs.impossible(other_layer)
    has_choice = ((~impossible).sum(-1) > 1) & ((~others).sum(-1) > 1)
    return np.asarray((impossible & others) | ~has_choice[:, None])


def _size(aligned: AlignedAttention) -> str:
    return "{} layers of {} heads".format(*aligned.size)
