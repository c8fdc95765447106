"""Records where every head looks, and where none can."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from viz.model.chunked_attention import MASKED_SCORE
from viz.model.recording import Recorder
from viz.types import Attention, BoolArray


class MapRecorder(Recorder):
    """Copies the weights of each layer as soon as they are known, so that none are kept twice.

    Args:
        places: Where the tokens of each text are in the batch.
        n_layers: How many maps of each head there are; those of a decoder come behind.
    """

    def __init__(self, places: Sequence[slice], n_layers: int) -> None:
        super().__init__()
        self.places = places
        self.n_layers = n_layers
        self._impossible: list[list[BoolArray]] = [[] for _ in places]
        self._stacks: list[FloatArray] = []
        """One (L, H, T, T + 1) for each text, or (L, H, T, T) where there is no sink."""
        self._n_seen = 0

    def on_scores(self, scores: Tensor) -> None:
        """See from the scores what a mask forbids.  (B, H, Q, K)"""
        if self._n_seen < self.n_layers:
            forbidden = scores.amax(1) < MASKED_SCORE
            for row, places in enumerate(self.places):
                self._impossible[row].append(forbidden[row, places, places].cpu().numpy())

    def on_weights(self, weights: Tensor) -> Tensor:
        """Copy one layer's weights, without what is padded."""
        if self._n_seen < self.n_layers:
            for row, places in enumerate(self.places):
                self._copy(row, self._without_padding(weights[row], places))
        self._n_seen += 1
        return weights

    def _without_padding(self, weights: Tensor, places: slice) -> Tensor:
        """(H, Q, K) -> (H, T, T), and a column more where there is a sink."""
        own, n_keys = weights[:, places], self.layout.n_tokens
        sink = own[..., n_keys:]
        return torch.cat([own[..., places], sink], -1) if sink.shape[-1] else own[..., places]

    def _copy(self, row: int, weights: Tensor) -> None:
        if row == len(self._stacks):
            dtype = np.float64 if weights.dtype == torch.float64 else np.float32
            self._stacks.append(np.empty((self.n_layers, *weights.shape), dtype))
        if weights.shape != self._stacks[row].shape[1:]:
            raise ValueError("layers have maps of different shapes")
        torch.from_numpy(self._stacks[row])[self._n_seen].copy_(weights)

    def attention(self, row: int) -> Attention:
        """The attention of one text of the batch.

        Raises:
            ValueError: where layers are missing, or rows do not sum to 1.
        """
        if self._n_seen < self.n_layers:
            raise ValueError(f"{self._n_seen} maps of {self.n_layers} layers")
        stack = self._stacks[row]
        stack.setflags(write=False)
        n_tokens = stack.shape[2]
        sink = stack[..., n_tokens] if stack.shape[3] > n_tokens else None
        weights = stack if sink is None else stack[..., :n_tokens]
        return Attention(weights, np.stack(self._impossible[row]), sink)
