"""Attention weights taken apart: one traced pass of each text, for all sessions and reruns."""

from collections.abc import Callable, Hashable

from viz.app.cache import LRUCache
from viz.app.checkpoints import identity, load_classifier
from viz.app.readings import read
from viz.mechanism.unfolding.unfold import Unfolder
from viz.mechanism.unfolding.unfolding import Unfolding

MAX_CACHED_BYTES = 5e8
"""Of all traced passes."""
MAX_CELLS = 16
"""Attention weights of one pass that are kept taken apart."""


class _TracedPass:
    """A pass of which every operation is kept, and the weights that were taken apart."""

    def __init__(self, unfolder: Unfolder) -> None:
        self.unfolder = unfolder
        self.unfoldings = LRUCache(MAX_CELLS)


def unfolding(
    source: str, text: str, pair: str | None, cell: tuple[int, int, int, int]
) -> Unfolding:
    """How one head came to look from one token at another, and what became of it.

    Args:
        source: The checkpoint.
        text: What was read.
        pair: The second text.
        cell: Layer, head, query and key.

    Raises:
        VizError: where the network has no such weight, or can't be followed.
    """
    place = identity(source)
    key = (*place, text, pair)
    return unfolding_of(
        key, cell, lambda: Unfolder(load_classifier(*place), read(source, text, pair))
    )


def unfolding_of(
    key: Hashable, cell: tuple[int, int, int, int], unfolder: Callable[[], Unfolder]
) -> Unfolding:
    """The same of a pass.

    Args:
        key: The version of the checkpoint, and what was read.
        cell: Layer, head, query and key.
        unfolder: Makes the pass where it isn't kept.
    """
    traced = _passes.get_or_compute(key, lambda: _TracedPass(unfolder()))
    return traced.unfoldings.get_or_compute(cell, lambda: traced.unfolder.unfold(*cell))


def _n_bytes(result: object) -> float:
    assert isinstance(result, _TracedPass)
    return result.unfolder.trace.n_bytes


_passes = LRUCache(MAX_CACHED_BYTES, _n_bytes)
"""The passes that were looked at last."""
