"""Maps of a long text, computed from what each layer's attention was called with, when looked at.

The queries and keys of all layers take 8 L T D bytes, 1.1 GB of 8,192 tokens in 22 layers 768 wide;
their weights would take 4 L H T² bytes, 71 GB.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from viz.attention.map_source import MapBlock, whole_rows
from viz.jobs.progress import ShareProgress, no_share_progress
from viz.model.chunked_attention import (
    MASKED_SCORE,
    AttentionCall,
    allowed_keys,
    chunked_attention,
)
from viz.model.recording import Recorder
from viz.types import ROW_TOLERANCE, Attention, BoolArray

LOCAL_SHARE = 1 / 4
"""Of all keys: where a window is smaller, attention in chunks is faster than SDPA under a mask."""
PROOF_TOLERANCE = 1e-5
"""How far a weight that is computed again may be from the recorded one."""


class CallRecorder(Recorder):
    """Keeps what the attention of each layer is called with, without its values.

    Args:
        n_layers: How many layers there are; calls of a decoder come behind.
        progress: Told the part of the pass that each layer is.
    """

    computes_weights = False

    def __init__(self, n_layers: int, progress: ShareProgress = no_share_progress) -> None:
        super().__init__()
        self.n_layers, self.progress = n_layers, progress
        self.calls: list[AttentionCall] = []

    def on_attention(self, call: AttentionCall) -> Tensor | None:
        """Keep a call; attend as the family does, in a local layer to what its window holds."""
        if len(self.calls) < self.n_layers:
            # Copies: queries and keys may be views of a tensor that holds the values too.
            query, key = call.query.contiguous(), call.key.contiguous()
            self.calls.append(replace(call, query=query, key=key, value=key[..., :0]))
            self.progress(1 / self.n_layers)
        return chunked_attention(call) if _is_local(call) else super().on_attention(call)

    def maps(self, *, sinks: bool = False) -> "StreamedMaps":
        """The maps of the pass.

        Args:
            sinks: As for `StreamedMaps`.

        Raises:
            ValueError: where layers are missing, or look at other tokens than their own.
        """
        if len(self.calls) < self.n_layers:
            raise ValueError(f"{len(self.calls)} maps of {self.n_layers} layers")
        n_tokens = self.layout.n_tokens
        for call in self.calls:
            if (call.query.shape[0], call.n_queries, call.n_keys) != (1, n_tokens, n_tokens):
                raise ValueError("layers have maps of different shapes")
        if len({call.query.shape[1] for call in self.calls}) > 1:
            raise ValueError("layers have maps of different shapes")
        return StreamedMaps(self.calls, sinks=sinks)


class StreamedMaps:
    """Attention weights of one text; a `MapSource`.

    Args:
        calls: What the attention of each layer was called with.
        sinks: Whether heads may look at nothing, so that rows sum to less than 1.
    """

    signed = False

    def __init__(self, calls: Sequence[AttentionCall], *, sinks: bool = False) -> None:
        self.calls, self.sinks = tuple(calls), sinks
        self.n_layers, self.n_heads = len(calls), int(calls[0].query.shape[1])
        self.n_tokens = calls[0].n_queries
        self._by_group: dict[int, bool] = {}

    @cached_property
    def nbytes(self) -> int:
        """Of queries, keys and masks."""
        storages: dict[int, int] = {}
        for call in self.calls:
            for tensor in (call.query, call.key, call.query if call.mask is None else call.mask):
                storage = tensor.untyped_storage()
                storages[storage.data_ptr()] = storage.nbytes()
        return sum(storages.values())

    def block(self, layer: int, queries: slice, head: int | None = None) -> MapBlock:
        """Some rows of one layer.

        Raises:
            ValueError: where rows do not sum to 1.
        """
        call = self.calls[layer]
        with torch.inference_mode():
            weights, keys = self._weights(layer, queries, head)
            forbidden = _impossible(call, queries, keys)
            values = weights.cpu().numpy()
        sums = values.sum(-1)
        above, below = float(sums.max()) - 1, 1 - float(sums.min())
        if not max(above, 0.0 if self.sinks else below) <= ROW_TOLERANCE:
            gap = max(above, below)
            raise ValueError(f"a row of attention weights is {gap:.2g} away from a sum of 1")
        sink = (1 - sums).clip(0) if self.sinks else None
        return MapBlock(values, keys.start, forbidden, sink)

    def _weights(self, layer: int, queries: slice, head: int | None) -> tuple[Tensor, slice]:
        """(H, q, k) or (1, q, k), and the keys."""
        call = self.calls[layer]
        if head is not None and self._heads_stand_alone(layer):
            weights, keys = _weights_of_head(call, queries, head)
        else:
            weights, keys = call.weights(queries)
            weights = weights[0] if head is None else weights[0, head, None]
        # Families that compute in half precision are shown in single.
        return weights if weights.dtype == torch.float64 else weights.float(), keys

    def _heads_stand_alone(self, layer: int) -> bool:
        """Whether the function of the family gives the same for a head without the others.

        It doesn't where it has something else for each head, as sinks; tried on the last row.
        """
        if layer not in self._by_group:
            last = slice(self.n_tokens - 1, self.n_tokens)
            call, head = self.calls[layer], self.n_heads - 1
            whole, keys = call.weights(last)
            try:
                alone, own_keys = _weights_of_head(call, last, head)
            except (RuntimeError, ValueError, TypeError, IndexError):
                self._by_group[layer] = False
            else:
                self._by_group[layer] = (
                    keys == own_keys
                    and alone.shape[1:] == whole.shape[2:]
                    and torch.allclose(alone[0], whole[0, head], rtol=1e-4, atol=1e-7)
                )
        return self._by_group[layer]


def _is_local(call: AttentionCall) -> bool:
    """Whether a token in the middle may look at so few that it pays to leave the others out."""
    if call.mask is None or call.mask.shape[-2] == 1:
        return False
    row = call.mask[..., call.n_queries // 2, None, : call.n_keys]
    keys = allowed_keys(row)
    n_near: int = keys.stop - keys.start
    return n_near < LOCAL_SHARE * call.n_keys


def _weights_of_head(call: AttentionCall, queries: slice, head: int) -> tuple[Tensor, slice]:
    """The weights of one head, computed with those that share its keys.  (1, q, k)"""
    n_heads, size = call.query.shape[1], call.query.shape[1] // call.key.shape[1]
    group = head // size
    heads = slice(group * size, (group + 1) * size)

    def of_group(tensor: Any) -> Any:
        by_head = isinstance(tensor, Tensor) and tensor.dim() == 4 and tensor.shape[1] == n_heads
        return tensor[:, heads] if by_head and n_heads > 1 else tensor

    part = replace(
        call,
        query=call.query[:, heads],
        key=call.key[:, group, None],
        value=call.value[:, group, None],
        mask=of_group(call.mask),
        options={name: of_group(option) for name, option in call.options.items()},
    )
    weights, keys = part.weights(queries)
    return weights[:, head % size], keys


def _impossible(call: AttentionCall, queries: slice, keys: slice) -> BoolArray | None:
    """Which keys no head may look at.  (q, k)"""
    if call.mask is None:
        return None
    mask = call.mask[0, ..., : call.n_keys]
    rows = mask if mask.shape[-2] == 1 else mask[..., queries, :]
    forbidden = (rows[..., keys] < MASKED_SCORE).all(0)
    if not bool(forbidden.any()):
        return None
    size = (queries.stop - queries.start, keys.stop - keys.start)
    return np.ascontiguousarray(forbidden.expand(size).cpu().numpy())


def same_maps(attention: Attention, calls: CallRecorder) -> bool:
    """Whether rows computed from calls are those that were recorded, and forbid the same keys."""
    try:
        maps = calls.maps(sinks=attention.sink is not None)
        for layer in range(maps.n_layers):
            block = maps.block(layer, slice(0, maps.n_tokens))
            values, forbidden = whole_rows(block, maps.n_tokens)
            expected = attention.impossible
            if not np.allclose(values, attention.weights[layer], rtol=0, atol=PROOF_TOLERANCE):
                return False
            nothing = np.zeros(values.shape[1:], dtype=bool)
            if not np.array_equal(
                nothing if forbidden is None else forbidden,
                nothing if expected is None else expected[layer],
            ):
                return False
    except (RuntimeError, ValueError, TypeError, IndexError):
        return False
    return True
