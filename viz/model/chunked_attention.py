"""Attention of a long text, some queries at a time, so that memory grows with T and not with T².

What a layer's attention is called with (`AttentionCall`) takes little memory and says all: its rows
are computed from it as often as they are needed, by the family's own eager function, so that
grouped keys, soft caps, sinks, windows and whatever else a family has stay what they are.  Keys
that no query of a chunk may look at are left out, so that a local layer costs what its window does.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from viz.jobs.cancellation import check_cancelled, current_check
from viz.model.functions import RecordedFunctions

AttentionFunction = Callable[..., tuple[Tensor, Tensor | None]]
"""As transformers calls it: module, query, key, value, mask and options to outputs and weights."""

MASKED_SCORE = -9000.0
"""A key whose score is below this, before the softmax, is one that a mask forbids."""
MAX_CHUNK_BYTES = 2**23
"""Bytes of the weights that are computed at once.  Larger chunks are no faster, as they leave the
caches of a CPU, and what is kept beside the weights takes several times as much."""
MAX_WEIGHT_BYTES = 2**27
"""Bytes of the weights of one layer for one text that are computed at once where nobody records
them, in families that can attend by their eager function alone: 1,672 tokens with 12 heads."""


class AttentionRows(NamedTuple):
    """What attention gives for some queries."""

    keys: slice
    """Those that any of the queries may look at; the weights of all others are 0."""
    outputs: Tensor
    """(B, R, H, d)"""
    weights: Tensor
    """(B, H, R, k)"""


@dataclass(frozen=True, slots=True)
class AttentionCall:
    """What the attention of one layer is called with."""

    module: nn.Module
    attend: AttentionFunction
    """The family's own eager function."""
    query: Tensor
    """(B, H, Q, d)"""
    key: Tensor
    """(B, H', K, d), H a multiple of H'."""
    value: Tensor
    """(B, H', K, d)"""
    mask: Tensor | None
    """Additive, broadcast to (B, H, Q, K); None where every query may look at every key."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """A scale, a soft cap, sinks, a bias for each query and key, ..."""

    @property
    def n_queries(self) -> int:
        """Q."""
        return self.query.shape[2]

    @property
    def n_keys(self) -> int:
        """K."""
        return self.key.shape[2]

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights for one text."""
        n_heads = self.query.shape[1]
        return n_heads * self.n_queries * self.n_keys * self.query.element_size()

    def chunks(self) -> Iterator[slice]:
        """All queries, as many at a time as have weights of `MAX_CHUNK_BYTES`.

        Asks each time whether the result is still wanted.
        """
        size = max(1, MAX_CHUNK_BYTES * self.n_queries // (len(self.query) * self.weight_bytes))
        for first in range(0, self.n_queries, size):
            check_cancelled()
            yield slice(first, min(first + size, self.n_queries))

    def part(self, queries: slice) -> tuple["AttentionCall", slice]:
        """The call with some of its queries alone, and the keys that any of them may look at."""
        mask = None if self.mask is None else self.mask[..., : self.n_keys]
        if mask is not None and mask.shape[-2] > 1:
            mask = mask[..., queries, :]
        keys = slice(0, self.n_keys) if mask is None else allowed_keys(mask)
        part = replace(
            self,
            query=self.query[:, :, queries],
            key=self.key[:, :, keys],
            value=self.value[:, :, keys],
            mask=None if mask is None else mask[..., keys],
            options={name: self._part(each, queries, keys) for name, each in self.options.items()},
        )
        return part, keys

    def attended(self) -> tuple[Tensor, Tensor]:
        """What the heads put out, (B, Q, H, d), and the weights, (B, H, Q, K), all at once."""
        with self._in_double():
            outputs, weights = self.attend(
                self.module, self.query, self.key, self.value, self.mask, **self.options
            )
        if weights is None:
            raise ValueError("an eager attention function returns no weights")
        return outputs, weights

    def rows(self, queries: slice) -> AttentionRows:
        """Attend from some queries alone."""
        part, keys = self.part(queries)
        return AttentionRows(keys, *part.attended())

    def with_values(self, values: Tensor) -> "AttentionCall":
        """The call with the same weights for each text of some values.  (B, H', K, d)"""
        n_rows = len(values)
        query, key = (each.expand(n_rows, -1, -1, -1) for each in (self.query, self.key))
        return replace(self, query=query, key=key, value=values)

    def weights(self, queries: slice) -> tuple[Tensor, slice]:
        """The weights of some queries, (B, H, R, k), and the keys that they are of."""
        # No values, no products with them.
        rows = replace(self, value=self.value[..., :0]).rows(queries)
        return rows.weights, rows.keys

    def _part(self, option: Any, queries: slice, keys: slice) -> Any:
        """Of an option with a number for each query and key, the part for some of them."""
        if not (isinstance(option, Tensor) and option.dim() == 4):
            return option
        if option.shape[-1] != self.n_keys or option.shape[-2] not in (1, self.n_queries):
            return option
        return (option if option.shape[-2] == 1 else option[..., queries, :])[..., keys]

    def _in_double(self) -> AbstractContextManager[object]:
        """Within, a network in double precision stays in it."""
        double = self.query.dtype == torch.float64
        return RecordedFunctions(_as_it_is, double=True) if double else nullcontext()


def allowed_keys(mask: Tensor) -> slice:
    """The keys from the first to the last that a mask lets any query look at.

    All of them where a query may look at none: such a row is spread over all keys alike.

    Args:
        mask: Additive.  (..., R, K)
    """
    allowed = (mask > MASKED_SCORE).flatten(0, -2)
    places = allowed.any(0).nonzero()
    if not len(places) or not bool(allowed.any(-1).all()):
        return slice(0, mask.shape[-1])
    return slice(int(places[0]), int(places[-1]) + 1)


def chunked_attention(call: AttentionCall, *, frozen: bool = False) -> Tensor:
    """What the heads put out, computed in chunks on the way up and again on the way down.

    Args:
        call: What attention is called with.
        frozen: Whether weights are held fixed, so that only values have a gradient.

    Returns:
        (B, Q, H, d).
    """
    # What was computed in inference mode can't be kept for the way down, but a copy can.
    query, key = (each.clone() if each.is_inference() else each for each in (call.query, call.key))
    outputs: Tensor = _ChunkedAttention.apply(  # type: ignore[no-untyped-call]
        query, key, call.value, call, frozen
    )
    return outputs


class _ChunkedAttention(torch.autograd.Function):
    """Keeps queries, keys and values, and no weights."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, call: AttentionCall, frozen: bool
    ) -> Tensor:
        ctx.save_for_backward(query, key, value)
        # States come back by `save_for_backward` alone, so that a checkpoint can forget them.
        nothing = query.new_empty(0)
        ctx.call = replace(call, query=nothing, key=nothing, value=nothing)
        ctx.frozen, ctx.check = frozen, current_check()
        call = replace(call, query=query, key=key, value=value)
        return torch.cat([call.rows(queries).outputs for queries in call.chunks()], 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (slope,) = gradients
        query, key, value = ctx.saved_tensors
        call = replace(ctx.call, query=query, key=key, value=value)
        if ctx.frozen:
            return None, None, _value_slopes(call, slope, ctx.check), None, None
        return (*_slopes(call, slope, ctx.check), None, None)


def _value_slopes(call: AttentionCall, slope: Tensor, check: Callable[[], None]) -> Tensor:
    """The gradient in the values where the weights are held.  (B, H', K, d)"""
    of_values = torch.zeros_like(call.value)
    n_rows, n_key_heads, _, width = call.value.shape
    for queries in call.chunks():
        check()
        weights, keys = call.weights(queries)
        by_head = weights.transpose(-1, -2) @ slope[:, queries].transpose(1, 2)
        grouped = by_head.view(n_rows, n_key_heads, -1, by_head.shape[2], width)
        of_values[:, :, keys] += grouped.sum(2)
    return of_values


def _slopes(
    call: AttentionCall, slope: Tensor, check: Callable[[], None]
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients in queries, keys and values."""
    of_query, of_key, of_value = map(torch.zeros_like, (call.query, call.key, call.value))
    for queries in call.chunks():
        check()
        part, keys = call.part(queries)
        own = [each.detach().requires_grad_() for each in (part.query, part.key, part.value)]
        query, key, value = own
        with torch.enable_grad():
            outputs, _ = replace(part, query=query, key=key, value=value).attended()
        slopes = torch.autograd.grad(outputs, own, slope[:, queries])
        of_query[:, :, queries] = slopes[0]
        of_key[:, :, keys] += slopes[1]
        of_value[:, :, keys] += slopes[2]
    return of_query, of_key, of_value


def _as_it_is(scores: Tensor, weights: Tensor, dim: int) -> Tensor:
    """What to go on with after a softmax: what it gave."""
    return weights
