"""Numbers that stand elsewhere, or in another shape, than where they were computed."""

import numpy as np

from viz.mechanism.trace.computation import Computation
from viz.mechanism.trace.movement import Places
from viz.mechanism.trace.selection import (
    MAX_LISTED,
    Selection,
    coordinates,
    is_plain,
    made_plain,
    varying_axes,
)


def rearrangement(places: Places, source: Selection, shape: tuple[int, ...]) -> Computation | None:
    """How some numbers are laid out.

    Args:
        places: Where they are; only the shape counts.
        source: Where they came from, in the same shape.
        shape: The shape of the tensor that they came from.

    Returns:
        `same`; `concat`, rows laid end to end; `split`, a vector laid out as rows; `take`, some of
        them, perhaps several times.  None where it is none of these.
    """
    plain = made_plain(source.places, shape)
    if plain is None:
        ways = (_split, _repeated, _picked, _gathered)
        return next(filter(None, (way(source, shape) for way in ways)), None)
    laid_out = Selection(source.node, plain)
    if plain.shape == places.shape:
        return Computation("same", (laid_out,))
    if places.ndim < 2:
        return Computation("concat", (laid_out,))
    return Computation("split", (laid_out,), {"shape": "x".join(map(str, places.shape))})


def _split(source: Selection, shape: tuple[int, ...]) -> Computation | None:
    """Rows that are split into heads, with the heads in front of the tokens or behind them."""
    ordered = np.sort(source.places, axis=None)
    repeats = bool((ordered[1:] == ordered[:-1]).any())
    plain = None if repeats else made_plain(ordered, shape)
    if plain is None:
        return None
    indices = np.searchsorted(ordered, source.places)
    sizes = source.places.shape
    strides = [
        0 if size == 1 else int(np.take(indices, 1, axis).flat[0] - indices.flat[0])
        for axis, size in enumerate(sizes)
    ]
    order = sorted(range(len(sizes)), key=lambda axis: (-abs(strides[axis]), axis))
    outer = [sizes[axis] for axis in order]
    back = np.argsort(order)
    backwards = tuple(axis for axis, stride in enumerate(strides) if stride < 0)
    laid_out = np.flip(np.arange(ordered.size).reshape(outer).transpose(back), backwards)
    if not np.array_equal(laid_out, indices):
        return None
    options = {"sizes": "x".join(map(str, outer)), "order": ",".join(map(str, back))}
    if backwards:
        options["flip"] = ",".join(map(str, backwards))
    return Computation("split", (Selection(source.node, plain),), options)


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


def _picked(source: Selection, shape: tuple[int, ...]) -> Computation | None:
    """Some numbers of one row, in another order or shape, as halves of each head are."""
    if not shape:
        return None
    *lead, last = coordinates(source.places, shape)
    if any(varying_axes(each) for each in lead):
        return None
    row = source.places.flat[0] - last.flat[0] + np.arange(shape[-1])
    options: dict[str, float | int | str] = {
        "axis": -1,
        "indices": ",".join(map(str, last.flat)),
        "shape": "x".join(map(str, source.places.shape)),
    }
    return Computation("take", (Selection(source.node, row),), options)


def _gathered(source: Selection, shape: tuple[int, ...]) -> Computation | None:
    """A few numbers of rows, some of them several times and in any order."""
    ordered, indices = np.unique(source.places, return_inverse=True)
    plain = made_plain(ordered, shape)
    if plain is None or source.places.size > MAX_LISTED:
        return None
    options: dict[str, float | int | str] = {
        "indices": ",".join(map(str, indices.flat)),
        "shape": "x".join(map(str, source.places.shape)),
    }
    return Computation("take", (Selection(source.node, plain),), options)
