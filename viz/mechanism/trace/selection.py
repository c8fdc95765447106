"""Some numbers of one tensor of a pass, laid out as a number, a vector or a matrix."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from viz.errors import SelectionError
from viz.mechanism.trace.movement import Places

Coordinates = tuple[NDArray[np.int64], ...]
MAX_LISTED = 4096
"""Places that an id may list one by one."""
MAX_QUOTED = 60
"""Characters of an id that a sentence repeats."""


@dataclass(frozen=True, eq=False)
class Selection:
    """Numbers of a node by their places, which are counted row by row."""

    node: int
    places: Places
    """In the shape in which they are shown."""

    @property
    def has_id(self) -> bool:
        """Whether the numbers can be named: they lie at equal distances, or are not too many."""
        try:
            return bool(self.id)
        except SelectionError:
            return False

    @cached_property
    def id(self) -> str:
        """Names the selection: the node, the first place, and the size and stride of each axis."""
        flat = self.places.reshape(-1)
        if not flat.size:
            return f"n{self.node}.-"
        axes = [
            (size, 0 if size == 1 else int(np.take(self.places, 1, axis).flat[0] - flat[0]))
            for axis, size in enumerate(self.places.shape)
        ]
        if np.array_equal(_regular(int(flat[0]), axes), self.places):
            sizes = "".join(f".{size}x{stride}" for size, stride in axes)
            return f"n{self.node}.{flat[0]}{sizes}"
        if flat.size > MAX_LISTED:
            raise SelectionError("These numbers are too many to be named one by one.")
        shape = "x".join(map(str, self.places.shape))
        return f"n{self.node}:{shape}:{','.join(map(str, flat))}"


def parse_selection(text: str, limit: int) -> Selection:
    """The selection that an id names.

    Args:
        text: The id, which may come from a link.
        limit: How many numbers it may name, so that none takes more memory than the pass.

    Raises:
        SelectionError: where it is not an id, or one of more numbers.
    """
    try:
        if ":" in text:
            node, shape, places = text[1:].split(":")
            listed = np.array([int(place) for place in places.split(",")], dtype=np.int64)
            return Selection(int(node), listed.reshape([int(size) for size in shape.split("x")]))
        node, first, *axes = text[1:].split(".")
        pairs = [tuple(map(int, axis.split("x"))) for axis in axes]
        sizes = [size for size, _ in pairs]
        if not text.startswith("n") or min(sizes, default=1) < 1 or math.prod(sizes) > limit:
            raise ValueError(text)
        return Selection(int(node), _regular(int(first), [(size, step) for size, step in pairs]))
    except (ValueError, OverflowError, IndexError) as error:  # such as for too many axes
        raise no_such_term(text) from error


def no_such_term(text: str) -> SelectionError:
    """What is said of an id that names nothing."""
    return SelectionError(
        f"{text[:MAX_QUOTED]!r} names no term of this reading; go back to the first equation."
    )


def _regular(first: int, axes: list[tuple[int, int]]) -> Places:
    places = np.array(first, dtype=np.int64)
    for size, stride in axes:
        places = places[..., None] + np.arange(size, dtype=np.int64) * stride
    return places


def coordinates(places: Places, shape: tuple[int, ...]) -> Coordinates:
    """The coordinates of places in a tensor, one array for each of its dimensions."""
    if not shape:
        return ()
    return tuple(each.astype(np.int64) for each in np.unravel_index(places, shape))


def flat_places(coordinate: Coordinates, shape: tuple[int, ...]) -> Places:
    """The places that coordinates in a tensor of a shape are of; they broadcast."""
    places: Places = np.zeros((), dtype=np.int64)
    for each, size in zip(coordinate, shape, strict=True):
        places = places * size + each
    return places


def varying_axes(values: NDArray[np.int64]) -> tuple[int, ...]:
    """The axes along which an array is not constant."""
    return tuple(
        axis
        for axis in range(values.ndim)
        if values.shape[axis] > 1 and (values != np.take(values, [0], axis)).any()
    )


def without_constant_axes(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """An array with one entry along each axis along which it is constant; leading ones dropped."""
    kept = varying_axes(values)
    smaller = values[tuple(slice(None) if a in kept else slice(1) for a in range(values.ndim))]
    first = min(kept, default=values.ndim)
    return smaller.reshape(smaller.shape[first:])


def is_plain(places: Places, shape: tuple[int, ...]) -> bool:
    """Whether each axis of places runs along a dimension of the tensor of its own."""
    used: set[int] = set()
    for each in coordinates(places, shape):
        axes = varying_axes(each)
        if len(axes) > 1 or used & set(axes):
            return False
        if axes and np.ptp(np.diff(each, axis=axes[0])):  # not at equal distances
            return False
        used |= set(axes)
    return used == {axis for axis in range(places.ndim) if places.shape[axis] > 1}


def made_plain(places: Places, shape: tuple[int, ...]) -> Places | None:
    """Places in a shape in which they are plain; None where there is none.

    A vector of heads that lie end to end becomes a matrix of heads, and the other way around.
    """
    if places.ndim == 0:
        return places
    flat = places.reshape(-1)
    if is_plain(flat, shape):
        return flat
    coordinate = coordinates(flat, shape)
    moving = [each for each in coordinate if varying_axes(each)]
    # The dimension that changes last is the slowest one.
    moving.sort(key=lambda each: -int((each != each[0]).argmax()))
    sizes = [len(np.unique(each)) for each in moving]
    if int(np.prod(sizes)) != flat.size:
        return None
    candidate = flat.reshape(sizes)
    return candidate if is_plain(candidate, shape) else None
