"""Records where every head looks, and where none can."""

import torch
from torch import Tensor

from viz.model.recording import MASKED_SCORE, Recorder
from viz.types import Attention


class MapRecorder(Recorder):
    """Keeps the keys that a mask forbids, beside the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.impossible: list[Tensor] = []
        """One (B, Q, K) for each of `weights`: where no head can look."""

    def on_scores(self, scores: Tensor) -> None:
        """See from the scores what a mask forbids.  (B, H, Q, K)"""
        self.impossible.append(scores.amax(1) < MASKED_SCORE)

    def attention(self, row: int, places: slice, n_layers: int) -> Attention:
        """The attention of one row of a batch, without its padding.

        Args:
            row: Which one.
            places: Where its tokens are.
            n_layers: How many maps of each head there are; those of a decoder come behind.

        Raises:
            ValueError: where rows do not sum to 1.
            RuntimeError: where layers have maps of different shapes.
        """
        maps = [weights[row, :, places] for weights in self.weights[:n_layers]]
        layers = [weights[..., places] for weights in maps]
        n_keys = self.layout.n_tokens
        sinks = [weights[..., n_keys] for weights in maps if weights.shape[-1] > n_keys]
        impossible = [keys[row, places, places] for keys in self.impossible[:n_layers]]
        return Attention(
            torch.stack(layers).cpu().numpy(),
            torch.stack(impossible).cpu().numpy(),
            torch.stack(sinks).cpu().numpy() if sinks else None,
        )
