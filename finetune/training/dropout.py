"""Dropout on a CPU in a third of the time: torch draws a number for each value, one at a time.

Four values share a number of 64 bits here, of which each takes 16.  How many are dropped is what it
was (Srivastava et al. 2014), but for the rounding of the probability to 1/65536, and what is kept
is divided by the share that is kept, exactly.
"""

import torch
from torch import Tensor, nn

LEVELS = 2**16
"""Values that the 16 bits of one draw take."""
DRAWS = 4
"""Of them there are in a number of 64 bits."""


class SharedDrawDropout(nn.Dropout):
    """Dropout whose mask depends on the state of torch's own generator, as before."""

    def forward(self, states: Tensor) -> Tensor:
        """The states, some of them 0 while training."""
        dropped = round(self.p * LEVELS)
        if not self.training or not 0 < dropped < LEVELS:
            return super().forward(states)
        numbers = torch.empty(-(-states.numel() // DRAWS), dtype=torch.int64)
        drawn = numbers.random_(-(2**63), None).view(torch.int16)[: states.numel()]
        kept = (drawn >= dropped - LEVELS // 2).view(states.shape)
        return states * kept.to(states.dtype).mul_(LEVELS / (LEVELS - dropped))


def share_draws(model: nn.Module) -> None:
    """Let all dropout of a *model* on the CPU that is torch's own draw four values at once."""
    for module in model.modules():
        if type(module) is nn.Dropout and not module.inplace:
            module.__class__ = SharedDrawDropout
