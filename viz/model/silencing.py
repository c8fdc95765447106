"""Models some of whose heads are off: of what these put out, the layer takes up nothing.

A twin shares all weights but W_O of the layers concerned, in which the inputs of these heads are 0.
That changes no code of the family, so that each kind of pass runs as it does with all heads.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from viz.attention.heads import Heads
from viz.errors import MethodError
from viz.model.output_projections import NO_PROJECTION, OutputProjection
from viz.model.twins import share_weights

_calls: ContextVar[dict[int, int] | None] = ContextVar("calls", default=None)
"""How often each repeated module was called in the pass of this thread."""


class Repeated(nn.Module):
    """Stands for a module that layers share: each of its calls in a pass has a copy of its own.

    Args:
        copies: In the order of calls.
    """

    def __init__(self, copies: Sequence[nn.Module]) -> None:
        super().__init__()
        for number, each in enumerate(copies):  # in no ModuleList, which would be one of layers
            self.add_module(f"call{number}", each)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the next copy."""
        calls = _calls.get()
        if calls is None:
            raise RuntimeError("a repeated module was called outside of a pass")
        number = calls.get(id(self), 0)
        calls[id(self)] = number + 1
        return self.get_submodule(f"call{number}")(*args, **kwargs)


def silenced_twin(
    model: PreTrainedModel, projections: Sequence[OutputProjection], heads: Heads
) -> PreTrainedModel:
    """A twin of a model in which some heads put out nothing.

    Args:
        model: Which stays as it is.
        projections: Of its layers, from below.
        heads: Which of them are off.

    Raises:
        MethodError: where layers share weights in a way that keeps them from being told apart.
    """
    twin = share_weights(model)
    layers = {layer for layer, _ in heads}
    for layer in sorted(layers):
        projection = projections[layer]
        owner, name = _owner(twin, projection)
        weight = owner.get_parameter(name)
        silenced = weight.detach().clone()
        off = [head for other, head in heads if other == layer]
        with torch.no_grad():
            projection.matrix(silenced)[projection.columns[off].flatten()] = 0
        setattr(owner, name, nn.Parameter(silenced, weight.requires_grad))
    return twin.eval()


def _owner(twin: PreTrainedModel, projection: OutputProjection) -> tuple[nn.Module, str]:
    """The module that holds the weight of a layer's projection, and the name it has there."""
    place, _, name = projection.parameter.rpartition(".")
    if projection.n_uses == 1:
        return twin.get_submodule(place), name
    repeated, inner = _repeated(twin, place, projection.n_uses)
    return repeated.get_submodule(f"call{projection.use}{inner}"), name


def _repeated(twin: PreTrainedModel, place: str, n_calls: int) -> tuple[Repeated, str]:
    """What stands for the shared layer around a module, and where the module is in it."""
    parts = place.split(".")
    for end in range(1, len(parts) + 1):
        parent = twin.get_submodule(".".join(parts[: end - 1]))
        entry = parent.get_submodule(parts[end - 1])
        inner = "".join(f".{part}" for part in parts[end:])
        if isinstance(entry, Repeated):
            return entry, inner
        if isinstance(parent, nn.ModuleList):
            repeated = Repeated([share_weights(entry) for _ in range(n_calls)])
            parent[int(parts[end - 1])] = repeated
            twin.register_forward_pre_hook(_begin)
            return repeated, inner
    raise MethodError(NO_PROJECTION)


def _begin(module: nn.Module, args: tuple[Any, ...]) -> None:
    _calls.set({})
