"""Which layers learn: all, the upper ones, the head alone, or one more from the top at a time."""

from typing import Any

from transformers import PreTrainedModel, TrainerCallback

from finetune.checkpoint.layer_stack import LayerStack, find_layers
from finetune.run.config_sections import OptimizerConfig


class GradualUnfreezing(TrainerCallback):  # type: ignore[misc]
    """Sets before every step which layers learn, from the number of the step and nothing else.

    So a resumed run goes on as if it had never stopped. The head learns from the first step; with
    `gradual_unfreezing` (Howard & Ruder 2018) the layers follow from the top, evenly over that
    share of the steps, and the embeddings last. Those that the config freezes never do.
    """

    def __init__(self, model: PreTrainedModel, config: OptimizerConfig) -> None:
        super().__init__()
        self.stack = find_layers(model)
        self.n_layers = self.stack.n_layers
        self.share = config.gradual_unfreezing
        self.floor = lowest_trained_height(config, self.n_layers)

    def on_step_begin(self, args: Any, state: Any, control: Any, **parts: Any) -> None:
        """Freeze what lies below the step's height."""
        floor = self.height_at(state.global_step, state.max_steps)
        freeze_below(parts["model"], self.stack, floor)

    def height_at(self, step: int, steps: int) -> int:
        """The lowest height that learns in *step* of *steps*, counted from 0."""
        if not self.share:
            return self.floor
        stages = self.n_layers + 1
        thawed = min(int(step * stages / (self.share * steps)), stages)
        return max(self.floor, stages - thawed)


def lowest_trained_height(config: OptimizerConfig, n_layers: int) -> int:
    """The lowest height that ever learns: 0 embeddings, L + 1 layer L, n_layers + 1 the head."""
    if config.head_only:
        return n_layers + 1
    return config.freeze_layers + 1 if config.freeze_layers else 0


def freeze_below(model: PreTrainedModel, stack: LayerStack, floor: int) -> None:
    """Let the weights at the height *floor* and above learn, and no others."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(stack.height(name) >= floor)
