"""What each layer does behind its heads, followed operation by operation through one pass.

A layer is an entry of a list of modules that multiplies attention weights with values once.  From
that product on the mode keeps, for every tensor that is still a sum over heads and keys, what it is
a sum of (`MixedState`).  It knows operations, not architectures: what reshapes, what is linear in
each row, what normalizes, and what adds the state that the layer was given.  A tensor that anything
else is done to is followed no further, so that a layer that works in another way is found out; one
that is found is proved by `MixedState.rebuilt`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from viz.attribution.head_products import projection, weighted_values
from viz.attribution.mixed_state import HeadOutputs, MixedState, centered
from viz.attribution.operations import (
    DIFFERENCES,
    DIVISIONS,
    FACTORS,
    NORMS,
    SAME_ORDER,
    SAME_VALUES,
    SUMS,
    is_constant,
    operands,
    overwrites,
)
from viz.attribution.traced_layer import TracedLayer, given_states
from viz.model.linear_maps import MATRIX_PRODUCTS, linear_map, rows

_Found = TypeVar("_Found")


class _Heads(NamedTuple):
    """A tensor that holds the heads' outputs and nothing else."""

    tensor: Tensor
    places: Tensor
    """Which entry of (H, T, d) each of its own is, in its own shape."""
    heads: HeadOutputs


class _Mixed(NamedTuple):
    tensor: Tensor
    state: MixedState


class LayerTrace(TorchFunctionMode):
    """Follows what the heads of each layer put out; the mode holds for the current thread only.

    Args:
        replace_heads: What the heads of a layer should put out instead, (H, T, d).
    """

    def __init__(self, replace_heads: Callable[[HeadOutputs], Tensor] | None = None) -> None:
        super().__init__()
        self.layers: list[TracedLayer] = []
        self.n_products = 0
        """How often weights were multiplied with values."""
        self._replace_heads = replace_heads
        self._overwritten: Any = None
        """The tensor that the function which is being followed writes into."""
        self._open: list[TracedLayer] = []
        # By id, with the tensor itself: an id is free again once its tensor is gone.
        self._weights: dict[int, Tensor] = {}
        self._heads: dict[int, _Heads] = {}
        self._mixed: dict[int, _Mixed] = {}
        self._means: dict[int, tuple[Tensor, Tensor]] = {}
        self._own: dict[int, Tensor] = {}

    def enter_layer(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        """What may be a layer begins."""
        states = given_states(args, kwargs)
        before = torch.empty(0, 0) if states is None else rows(states).clone()
        n_layers = len(self.layers)
        self._open.append(
            TracedLayer(module, args, kwargs, states, before, n_layers, before, before)
        )
        if states is not None:
            self._own[id(states)] = states

    def leave_layer(self, output: Any) -> None:
        """It ends; it was a layer if it has multiplied weights with values once."""
        layer = self._open.pop()
        after = output[0] if isinstance(output, (tuple, list)) else output
        if len(layer.heads) == 1 and isinstance(after, Tensor):
            layer.result, layer.after = after, rows(after)
            layer.output = self._state(after)
            layer.attended = layer.attended or layer.output
            self.layers[layer.n_before :] = [layer]
        if not self._open:
            for memory in (self._weights, self._heads, self._mixed, self._means, self._own):
                memory.clear()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Compute what was asked for, and follow it."""
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        self._overwritten = args[0] if self._open and overwrites(name) else None
        before = self._saved(self._overwritten)
        output = func(*args, **kwargs)
        if isinstance(output, Tensor) and self._open:
            output = self._follow(name, func, args, kwargs, output)
        if self._overwritten is not None:
            self._forget(self._overwritten, before)
        return output

    def _follow(
        self,
        name: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        output: Tensor,
    ) -> Tensor:
        given = operands(args)
        if name == "softmax":
            if output.dim() == 4:
                self._weights[id(output)] = output
        elif given and id(given[0]) in self._weights:
            return self._follow_weights(name, args, given[0], output)
        elif self._replace_heads is not None:
            pass  # what a layer makes of other heads is asked of the layer alone
        elif (heads := _first(self._heads, given)) is not None:
            self._follow_heads(name, func, args, kwargs, heads, output)
        elif (mixed := _first(self._mixed, given)) is not None:
            self._follow_state(name, args, kwargs, mixed, output)
        elif (own := _first(self._own, given)) is not None:
            self._follow_own(name, given, own, output)
        return output

    def _follow_weights(
        self, name: str, args: tuple[Any, ...], weights: Tensor, output: Tensor
    ) -> Tensor:
        if name not in MATRIX_PRODUCTS:
            if output.dim() > 1 and output.shape[-2] == weights.shape[-2]:
                self._weights[id(output)] = output
            return output
        self.n_products += 1
        product = weighted_values(name, args, output)
        if product is None:
            return output
        heads, places = product
        for layer in self._open:
            layer.heads.append(heads)
            layer.values = operands(args)[1]
        if self._replace_heads is not None:
            output = self._replace_heads(heads).reshape(-1)[places]
        self._heads[id(output)] = _Heads(output, places, heads)
        return output

    def _follow_heads(
        self,
        name: str,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        heads: _Heads,
        output: Tensor,
    ) -> None:
        if name in SAME_VALUES and output.shape == heads.tensor.shape:
            self._heads[id(output)] = heads._replace(tensor=output)
        elif name in SAME_ORDER:
            # A view of the numbers need not be one of their places.
            arrange = torch.Tensor.reshape if name == "view" else func
            places = arrange(heads.places, *args[1:], **kwargs)
            self._heads[id(output)] = heads._replace(tensor=output, places=places)
        elif name in MATRIX_PRODUCTS:
            linear = linear_map(name, args, kwargs, heads.places, output)
            matrix = None if linear is None else projection(linear, heads.heads)
            if linear is not None and matrix is not None:
                state = MixedState(linear.output, heads.heads, matrix)
                if linear.bias is not None:
                    state = state.plus(state.value, "bias", linear.bias)
                self._keep(output, state)
                for layer in self._open:
                    layer.projected, layer.projection_bias = output, linear.bias

    def _follow_state(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        mixed: _Mixed,
        output: Tensor,
    ) -> None:
        state, is_first = mixed.state, args[0] is mixed.tensor
        n_rows, width = state.value.shape
        if name == "mean" and output.numel() == n_rows:
            self._means[id(output)] = (output, mixed.tensor)
        elif output.shape[-1:] != (width,) or output.numel() != n_rows * width:
            pass
        elif name in SAME_VALUES | SAME_ORDER:
            self._keep(output, replace(state, value=rows(output)))
        elif name in NORMS and is_first:
            self._keep(output, self._normalized(name, args, kwargs, state, rows(output)))
        elif len(args) > 1 and kwargs.get("alpha", 1) == 1:
            other = args[1] if is_first else args[0]
            if self._state(other) is None:
                combined = self._combined(name, mixed, other, is_first, rows(output))
                if combined is not None:
                    self._keep(output, combined)

    def _normalized(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        state: MixedState,
        value: Tensor,
    ) -> MixedState:
        names = ("weight", "bias", "eps") if name == "layer_norm" else ("weight", "eps")
        given = {**dict(zip(names, args[2:], strict=False)), **kwargs}
        weight, bias, eps = given.get("weight"), given.get("bias"), given.get("eps")
        if eps is None:
            eps = 1e-5 if name == "layer_norm" else torch.finfo(value.dtype).eps
        entering = state.value
        if name == "layer_norm":
            state = state.mapped(value, centered)
            squares = entering.var(-1, correction=0, keepdim=True)
        else:
            squares = entering.square().mean(-1, keepdim=True)
        state = state.scaled(value, (squares + eps).rsqrt())
        if weight is not None:
            state = state.mapped(value, lambda vectors: vectors * weight)
        return state if bias is None else state.plus(value, "bias", bias)

    def _combined(
        self, name: str, mixed: _Mixed, other: Any, is_first: bool, value: Tensor
    ) -> MixedState | None:
        """A state that is followed, combined with what isn't; None where it is followed no more."""
        state = mixed.state
        n_rows, width = value.shape
        if name in SUMS:
            if is_constant(other, width):
                return state.plus(value, "bias", torch.as_tensor(other).to(value).flatten())
            return self._sum(state, other, value)
        if name in DIFFERENCES:
            mean = self._means.get(id(other))
            if is_first and mean is not None and mean[1] is mixed.tensor:
                return state.mapped(value, centered)
            return None
        if name not in FACTORS and not (name in DIVISIONS and is_first):
            return None
        divides = name in DIVISIONS
        if is_constant(other, width):
            # Of a text of one token what a row is divided by is one number, in as many dimensions.
            factor = torch.as_tensor(other).to(value).flatten()
            return state.mapped(value, lambda rows: rows / factor if divides else rows * factor)
        if other.shape[-1] != 1 or other.numel() != n_rows:
            return None
        factor = other.reshape(n_rows, 1)
        return state.scaled(value, 1 / factor if divides else factor)

    def _sum(self, state: MixedState, other: Tensor, value: Tensor) -> MixedState:
        """A state with something added that depends on the text."""
        # Where it is the sum that it has been overwritten with, it is what the sum has more.
        added = value - state.value if other is self._overwritten else rows(other)
        if state.has_residual:
            for layer in self._open:
                layer.attended = layer.attended or state
        elif id(other) in self._own:
            for layer in self._open:
                layer.added = layer.added or state
            return state.plus(value, "residual", added)
        return state.plus(value, "rest", added)

    def _follow_own(self, name: str, given: list[Any], own: Tensor, output: Tensor) -> None:
        """What depends on the state that the layer was given, row by row and in proportion."""
        if output.numel() != own.numel():
            return
        other: Any = next((operand for operand in given[:2] if operand is not own), 1)
        scaled = name in FACTORS | DIVISIONS and (
            is_constant(other, own.shape[-1]) or other.shape[-1] == 1
        )
        if scaled or name in NORMS | SAME_VALUES | SAME_ORDER:
            self._own[id(output)] = output

    def _keep(self, tensor: Tensor, state: MixedState) -> None:
        self._mixed[id(tensor)] = _Mixed(tensor, state)

    def _state(self, tensor: Any) -> MixedState | None:
        mixed = self._mixed.get(id(tensor))
        return None if mixed is None else mixed.state

    def _saved(self, tensor: Any) -> MixedState | None:
        """What is known of a tensor that is about to be overwritten, in memory of its own."""
        state = self._state(tensor)
        if state is not None:
            state = replace(state, value=state.value.clone())
            self._keep(tensor, state)
        return state

    def _forget(self, tensor: Any, before: MixedState | None) -> None:
        """What was known of a tensor that has been overwritten is no longer true."""
        for memory in (self._weights, self._heads, self._own):
            memory.pop(id(tensor), None)
        if self._state(tensor) is before:
            self._mixed.pop(id(tensor), None)


def _first(memory: Mapping[int, _Found], given: list[Any]) -> _Found | None:
    """What is known of the first operand that anything is known of."""
    return next((memory[id(each)] for each in given if id(each) in memory), None)
