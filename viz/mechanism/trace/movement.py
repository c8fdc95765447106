"""Functions of torch that move numbers and compute none: where each number of the output came from.

Such a function is run once more on the places of the numbers instead of the numbers.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from viz.mechanism.trace.graph import Graph, Node, Ref, replaced

Places = NDArray[np.int64]
"""Places of numbers in a tensor, counted row by row."""

_SAME = {"dropout", "alpha_dropout", "feature_dropout", "contiguous", "clone", "detach", "data"} | {
    *("to", "float", "double", "type", "type_as", "half", "bfloat16", "cpu", "cuda"),
}
"""Those whose output has its numbers where the input has them."""
_DATA = {
    "embedding": (1,),
    "copy_": (1,),
    "__setitem__": (0, 2),
    "scatter": (0, 3),
    "scatter_": (0, 3),
    "index_put": (0, 2),
    "index_put_": (0, 2),
    "index_copy": (0, 3),
    "index_copy_": (0, 3),
}
"""Which arguments hold the numbers that are moved, where it isn't the first one."""


class Origin(NamedTuple):
    """Where the numbers of a tensor came from."""

    sources: tuple[int, ...]
    """The nodes they were moved from."""
    source: Places
    """Which of `sources` each came from; -1 where it was put there by the function.  Flat."""
    place: Places
    """Where it was there.  Flat."""


def origin(graph: Graph, node: Node) -> Origin | None:
    """Where each number of a node came from; None where it was computed."""
    if not node.moves or not _data(node):
        return None
    sources = [ref.node for ref in _data(node)]
    n_numbers = [graph[source].tensor.numel() for source in sources]
    offsets = np.concatenate([[0], np.cumsum(n_numbers)])
    if node.name in _SAME:
        whole = np.arange(n_numbers[0])
    else:
        try:
            whole = _replayed(graph, node, dict(zip(sources, offsets[:-1], strict=True)))
        except (RuntimeError, TypeError, ValueError, IndexError):
            return None
    if whole.size != node.tensor.numel():
        return None
    which = np.searchsorted(offsets, whole, side="right") - 1
    put = whole < 0
    return Origin(
        tuple(sources), np.where(put, -1, which), np.where(put, 0, whole - offsets[which])
    )


def _data(node: Node) -> list[Ref]:
    """The tensors whose numbers are moved; each once."""
    places = _DATA.get(node.name, (0,))
    named = next(iter(node.kwargs.values()), None) if not node.args else None
    given = [node.args[place] if place < len(node.args) else named for place in places]
    flat: list[Ref] = []
    for each in given:
        flat.extend([each] if isinstance(each, Ref) else [])
        if isinstance(each, (tuple, list)):
            flat.extend(one for one in each if isinstance(one, Ref))
    return list(dict.fromkeys(flat))


def _replayed(graph: Graph, node: Node, offsets: dict[int, int]) -> Places:
    """The function on places, counted over all sources from 1; 0 is what it puts there itself."""
    data = set(_data(node))
    places: dict[int, Tensor] = {}

    def as_places(value: Any) -> Any:
        if not isinstance(value, Ref):
            return value
        own = graph[value.node].tensor
        if value not in data:
            return own
        if value.node not in places:
            numbers = torch.arange(1, own.numel() + 1, device=own.device) + offsets[value.node]
            places[value.node] = numbers.view(own.shape)
        return places[value.node]

    args = replaced(node.args, as_places)
    kwargs = replaced(dict(node.kwargs), as_places)
    if node.name == "pad":
        kwargs["value"] = 0
        args = args[:2]
    if node.name == "embedding":
        args, kwargs = args[:2], {}
    if node.name == "__setitem__" and not isinstance(args[2], Tensor):
        args = (*args[:2], 0)
    with torch.no_grad(), torch._C.DisableTorchFunction():
        func: Callable[..., Any] = node.func  # type: ignore[assignment]
        output = func(*args, **kwargs)
    if node.name == "__setitem__":
        output = args[0]
    if node.place is not None:
        output = output[node.place]
    flat: Places = output.contiguous().flatten().cpu().numpy()
    return flat - 1
