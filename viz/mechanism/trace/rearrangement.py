"""Numbers that stand elsewhere, or in another shape, than where they were computed."""

import numpy as np

from viz.mechanism.trace.computation import Computation
from viz.mechanism.trace.movement import Places
from viz.mechanism.trace.selection import Selection, is_plain, made_plain


def rearrangement(places: Places, source: Selection, shape: tuple[int, ...]) -> Computation | None:
    """How some numbers are laid out.

    Args:
        places: Where they are; only the shape counts.
        source: Where they came from, in the same shape.
        shape: The shape of the tensor that they came from.

    Returns:
        `same`; `concat`, rows laid end to end; `split`, a vector laid out as rows; `take`, some of
        them several times.  None where it is none of these.
    """
    plain = made_plain(source.places, shape)
    if plain is None:
        return _repeated(source, shape)
    laid_out = Selection(source.node, plain)
    if plain.shape == places.shape:
        return Computation("same", (laid_out,))
    if places.ndim < 2:
        return Computation("concat", (laid_out,))
    return Computation("split", (laid_out,), {"shape": "x".join(map(str, places.shape))})


def _repeated(source: Selection, shape: tuple[int, ...]) -> Computation | None:
    """Entries along one axis that come several times, as keys do that heads share."""
    for axis in range(source.places.ndim):
        profile = np.moveaxis(source.places, axis, 0).reshape(source.places.shape[axis], -1)[:, 0]
        _, first, indices = np.unique(profile, return_index=True, return_inverse=True)
        single = np.take(source.places, first, axis)
        if len(first) == len(profile) or not is_plain(single, shape):
            continue
        if np.array_equal(np.take(single, indices, axis), source.places):
            options: dict[str, float | int | str] = {
                "axis": axis,
                "indices": ",".join(map(str, indices)),
            }
            return Computation("take", (Selection(source.node, single),), options)
    return None
