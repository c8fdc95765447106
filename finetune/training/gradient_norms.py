"""How hard a step pulls at each layer: the norm of the gradient of its weights."""

from collections import defaultdict
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from transformers import PreTrainedModel

from finetune.checkpoint.layer_stack import find_layers

EMBEDDINGS, HEAD = "embeddings", "head"


class GradientNorms:
    """The Euclidean norm over all weights of each part of *model*, from the embeddings to the head.

    Parts are those by which rates fall with `layer_decay`; of adapters the factors are weights.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        stack = find_layers(model)
        parts: dict[int, list[nn.Parameter]] = defaultdict(list)
        for name, parameter in model.named_parameters():
            parts[stack.height(name)].append(parameter)
        layers = {number + 1: f"layer {number}" for number in range(stack.n_layers)}
        names = {0: EMBEDDINGS} | layers | {stack.n_layers + 1: HEAD}
        self.parts: Mapping[str, list[nn.Parameter]] = {
            name: parts[height] for height, name in names.items() if parts[height]
        }

    def measure(self) -> dict[str, Tensor]:
        """The norms as they are now, where they are; of parts that don't learn there are none."""
        gradients = {
            name: [each.grad for each in part if each.grad is not None]
            for name, part in self.parts.items()
        }
        return {name: get_total_norm(each) for name, each in gradients.items() if each}
