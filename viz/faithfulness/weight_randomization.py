"""A copy of a classifier whose weights turn random from the top down: the head, then each layer.

Embeddings keep their weights: they are the text as the network is given it, and a method that looks
at nothing else must not seem to react.  Sources: Adebayo et al. 2018; viz/faithfulness/README.md 5.
"""

import copy
import re
from collections import defaultdict
from collections.abc import Iterator

import torch
from torch import nn

from viz.model.classifier import Classifier

HEAD = "head"
_LAYER = re.compile(r"layers?\.(\d+)\.")


def copied(classifier: Classifier) -> Classifier:
    """The same classifier with weights of its own, so that changing them changes nobody else's."""
    other = copy.copy(classifier)
    other.model = copy.deepcopy(classifier.model)
    other.fingerprint = ""
    return other


def stages(classifier: Classifier) -> tuple[str, ...]:
    """What turns random, one after the other, by name."""
    return tuple(_units(classifier.model))


def cascade(classifier: Classifier, seed: int = 0) -> Iterator[str]:
    """Make the weights of a classifier random in place; tells the name of each stage once done.

    Weights are drawn as before training: matrices from a normal distribution as wide as
    `initializer_range`, biases 0, scales of LayerNorms 1.

    Args:
        classifier: A copy that nobody else uses.
        seed: Of the weights.
    """
    draw = torch.Generator().manual_seed(seed)
    spread = float(getattr(classifier.config, "initializer_range", 0.02))
    for name, parameters in _units(classifier.model).items():
        for own, values in parameters:
            _draw(own, values, spread, draw)
        yield name


@torch.no_grad()
def _draw(name: str, values: nn.Parameter, spread: float, draw: torch.Generator) -> None:
    if values.dim() < 2:
        values.fill_(0.0 if name.endswith("bias") else 1.0)
    else:
        # Drawn on the CPU, so that every device gets the same weights.
        values.copy_(torch.randn(values.shape, generator=draw) * spread)


def _units(model: nn.Module) -> dict[str, list[tuple[str, nn.Parameter]]]:
    """The parameters of each stage with their names, the highest stage first."""
    by_height: dict[float, list[tuple[str, nn.Parameter]]] = defaultdict(list)
    for name, values in model.named_parameters():
        layer = _LAYER.search(name)
        if layer is not None:
            by_height[int(layer[1])].append((name, values))
        elif "embeddings" not in name:
            by_height[torch.inf].append((name, values))
    return {
        HEAD if height == torch.inf else f"layer {height}": by_height[height]
        for height in sorted(by_height, reverse=True)
    }
