"""The slope of the explained scalar in each attention weight of a long text, a few rows at a time.

A head puts out O = P V, so that the scalar's slope in a weight is the product of its slope in the
row of the query and the values of the key:

    dF/dP[h, q, k] = <dF/dO[h, q], V[h, k]>

Values and slopes of all layers take as much memory as their queries and keys; weight times slope of
any rows is then a product of matrices.  That it adds up over the keys of each row to <O, dF/dO> is
checked whenever it is computed.  Source: viz/attribution/README.md 2.4.
"""

from typing import Self

import numpy as np
import torch
from torch import Tensor

from viz.attention.map_source import MapBlock, MapSource
from viz.errors import MethodError
from viz.model.chunked_attention import AttentionCall
from viz.model.recording import Leaf, Recorder

ROW_TOLERANCE = 1e-4
"""How far the shares of a row may be from what its head puts out, relative to their sizes."""


class HeadSlopes(Recorder):
    """Keeps the values of each layer of a long text, and the scalar's slope in its heads' outputs.

    Args:
        leaf: The tensor to differentiate by, as of any recorder.
        layers: The layers of which they are kept, counted from 0.
        freeze: Whether the pass is made linear in the leaf.
    """

    def __init__(self, leaf: Leaf, layers: range, *, freeze: bool = False) -> None:
        super().__init__(leaf, freeze=freeze)
        self.layers = layers
        self.values: dict[int, Tensor] = {}
        """By layer, each (H', T, d)."""
        self.slopes: dict[int, Tensor] = {}
        """By layer, once the scalar was differentiated, each (T, H, d)."""
        self.row_totals: dict[int, Tensor] = {}
        """Of each row of each head what all of its shares add up to, each (T, H)."""
        self._layer = 0
        self._keeps = True

    def replay(self) -> Self:
        """A recorder that keeps nothing."""
        other = super().replay()
        other._keeps = False
        return other

    def on_attention(self, call: AttentionCall) -> Tensor | None:
        """Keep what a layer's heads take from each token."""
        if self._keeps and self._layer in self.layers:
            # A copy: values may be a part of a tensor that holds queries and keys too.
            self.values[self._layer] = call.value[0].detach().clone()
        return super().on_attention(call)

    def on_head_outputs(self, outputs: Tensor) -> Tensor:
        """Wait for the slope in what they put out.  (1, T, H, d)"""
        layer, self._layer = self._layer, self._layer + 1
        if self._keeps and layer in self.layers and outputs.requires_grad:
            given = outputs.detach()[0]

            def keep(slope: Tensor) -> None:
                self.slopes[layer] = slope[0].detach()
                self.row_totals[layer] = (slope[0] * given).sum(-1)

            outputs.register_hook(keep)  # type: ignore[no-untyped-call]
        return outputs

    def head_totals(self, n_heads: int) -> list[Tensor]:
        """What all shares of each head add up to, by layer, in double precision.  Each (H,)"""
        nothing = torch.zeros(n_heads, dtype=torch.float64)
        totals = {layer: rows.double().sum(0) for layer, rows in self.row_totals.items()}
        return [totals.get(layer, nothing) for layer in self.layers]

    def maps(self, weights: MapSource) -> "WeightedSlopes":
        """Weight times slope of each weight, once the scalar was differentiated.

        Args:
            weights: Those of the same text.
        """
        return WeightedSlopes(weights, self.values, self.slopes, self.row_totals)


class WeightedSlopes:
    """Each attention weight times the slope of the explained scalar in it; a `MapSource`.

    Args:
        weights: The weights.
        values: Of each token, by layer; a layer that has none has no say.  Each (H', T, d)
        slopes: In what the heads put out, by layer.  Each (T, H, d)
        row_totals: What the shares of each row add up to, by layer.  Each (T, H)
    """

    signed = True

    def __init__(
        self,
        weights: MapSource,
        values: dict[int, Tensor],
        slopes: dict[int, Tensor],
        row_totals: dict[int, Tensor],
    ) -> None:
        self._weights, self._values, self._slopes = weights, values, slopes
        self._row_totals = row_totals
        self.n_layers, self.n_heads = weights.n_layers, weights.n_heads
        self.n_tokens = weights.n_tokens

    @property
    def nbytes(self) -> int:
        """What it keeps in memory, beside the source of the weights."""
        kept = (self._values, self._slopes, self._row_totals)
        return sum(each.nbytes for tensors in kept for each in tensors.values())

    def block(self, layer: int, queries: slice, head: int | None = None) -> MapBlock:
        """Some rows of one layer.

        Raises:
            MethodError: where shares do not add up to what their row adds.
        """
        block = self._weights.block(layer, queries, head)
        if layer not in self._slopes:  # nothing reaches the scalar from there
            return block._replace(values=np.zeros_like(block.values), sink=None)
        heads = slice(None) if head is None else slice(head, head + 1)
        keys = slice(block.first_key, block.first_key + block.values.shape[-1])
        slopes = self._slopes[layer][queries, heads].transpose(0, 1)
        values = self._values[layer]
        group = torch.arange(self.n_heads, device=values.device)[heads]
        values = values[group // (self.n_heads // len(values))][:, keys]
        weights = torch.from_numpy(block.values).to(values.device)
        shares = weights * (slopes @ values.transpose(1, 2))
        totals = self._row_totals[layer][queries, heads].T
        gap = (shares.sum(-1) - totals).abs()
        if not bool((gap <= ROW_TOLERANCE * (shares.abs().sum(-1) + totals.abs())).all()):
            raise MethodError(
                "What passes through the heads of this text does not add up to what they put out; "
                "choose another method."
            )
        return block._replace(values=shares.cpu().numpy(), sink=None)
