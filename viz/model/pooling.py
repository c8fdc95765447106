"""Which of the last states a class is read from, as the gradient of the logits tells."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from viz.model.recording import Leaf, Recorder

Reads = Literal["first", "last", "mean", "several"]
"""Which of the last states a class is read from."""
MIN_RELATIVE_GRADIENT = 1e-6
"""A row whose gradient is smaller than this, relative to the largest, does not affect the class."""
MEAN_TOLERANCE = 1e-4
"""How far the gradients of rows may be from one another, relative to the largest, in a mean."""


class _LastStates(Recorder):
    """Keeps the last states of a pass that can be differentiated."""

    computes_weights = False

    def __init__(self) -> None:
        super().__init__("words")
        self.last_states: Tensor | None = None

    def on_last_states(self, states: Tensor) -> None:
        self.last_states = states


def slopes_of_last_states(run: Callable[[Recorder], Tensor]) -> Tensor | None:
    """The gradient of the logits in each of the last states of one text; None where there is none.

    Args:
        run: Runs the model on the text with a recorder; returns logits (1, C).

    Returns:
        (T, D): of a combination of all logits, in which none of them cancel.
    """
    recorder = _LastStates()
    with torch.inference_mode(mode=False), torch.enable_grad():
        logits = run(recorder)[0]
    states = recorder.last_states
    if states is None or not states.requires_grad or states.dim() != 3:
        return None
    combination = logits @ torch.linspace(1, 2, len(logits)).sin().to(logits)
    (slopes,) = torch.autograd.grad(combination, states, allow_unused=True)
    return None if slopes is None or not slopes.any() else slopes[0]


class PooledStates(Recorder):
    """Keeps the state that the class of each text of a batch is read from.

    Args:
        places: Where the tokens of each text are in the batch.
        reads: Which of its last states: `first`, `last`, or the `mean` of all.
        leaf: The tensor to differentiate by, as of any recorder.
        freeze: Whether the pass is made linear in the leaf.
    """

    def __init__(
        self,
        places: Sequence[slice],
        reads: Reads,
        leaf: Leaf | None = None,
        *,
        freeze: bool = False,
    ) -> None:
        super().__init__(leaf, freeze=freeze)
        self.computes_weights = freeze
        self.places, self.reads = places, reads
        self.pooled: Tensor | None = None
        """(B, D) once the pass has run; None where its last states are not those of tokens."""

    def on_last_states(self, states: Tensor) -> None:
        """Called once.  (B, T, D)"""
        if states.dim() != 3 or len(states) != len(self.places):
            return
        own = [row[place] for row, place in zip(states, self.places, strict=True)]
        match self.reads:
            case "first":
                self.pooled = torch.stack([row[0] for row in own])
            case "last":
                self.pooled = torch.stack([row[-1] for row in own])
            case "mean":
                self.pooled = torch.stack([row.mean(0) for row in own])


def rows_read(slopes: Tensor) -> Reads:
    """Which rows of a gradient are not zero.  (T, D)"""
    sizes = slopes.norm(dim=-1)
    rows = (sizes > MIN_RELATIVE_GRADIENT * sizes.max()).nonzero().flatten().tolist()
    if rows in ([0], [len(sizes) - 1]):
        return "first" if rows == [0] else "last"
    spread = (slopes - slopes.mean(0)).abs().max()
    return "mean" if spread <= MEAN_TOLERANCE * slopes.abs().max() else "several"
