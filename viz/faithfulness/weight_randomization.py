"""A copy of a classifier whose weights turn random from the top down: the head, then each layer.

Embeddings keep their weights: they are the text as the network is given it, and a method that
looks at nothing else must not seem to react.  Source: Adebayo et al. 2018;
viz/faithfulness/README.md 5.
"""

import copy
from collections import defaultdict
from collections.abc import Iterator

import torch
from torch import nn
from transformers import PreTrainedModel

from finetune.checkpoint.layer_stack import find_layers
from viz.model.classifier import Classifier

HEAD = "head"


def copy_classifier(classifier: Classifier) -> Classifier:
    """The same classifier with weights of its own, so that changing them changes nobody else's."""
    duplicate = classifier.with_model(copy.deepcopy(classifier.model))
    duplicate.fingerprint = ""
    return duplicate


def randomization_stages(classifier: Classifier) -> tuple[str, ...]:
    """What turns random, one after the other, by name."""
    return tuple(_parameters_by_stage(classifier.model))


def randomize_weights(classifier: Classifier, seed: int = 0) -> Iterator[str]:
    """Make the weights of a classifier random in place, one stage after the other.

    Weights are drawn as before training: matrices from a normal distribution as wide as
    `initializer_range`, biases 0, scales of LayerNorms 1.

    Args:
        classifier: A copy that nobody else uses.
        seed: Of the weights.

    Yields:
        The name of each stage once its weights are random.
    """
    generator = torch.Generator().manual_seed(seed)
    std = float(getattr(classifier.config, "initializer_range", 0.02))
    for stage, parameters in _parameters_by_stage(classifier.model).items():
        with torch.no_grad():
            for name, values in parameters:
                if values.dim() < 2:
                    values.fill_(0.0 if name.endswith("bias") else 1.0)
                else:
                    # Drawn on the CPU, so that every device gets the same weights.
                    values.copy_(torch.randn(values.shape, generator=generator) * std)
        yield stage


def _parameters_by_stage(
    model: PreTrainedModel,
) -> dict[str, list[tuple[str, nn.Parameter]]]:
    """The parameters of each stage with their names, the highest stage first."""
    by_layer: dict[float, list[tuple[str, nn.Parameter]]] = defaultdict(list)
    stack = find_layers(model)
    for name, values in model.named_parameters():
        layer = stack.layer(name)
        if layer is not None:
            by_layer[layer].append((name, values))
        elif stack.height(name) > 0:
            by_layer[torch.inf].append((name, values))
    return {
        HEAD if layer == torch.inf else f"layer {layer}": by_layer[layer]
        for layer in sorted(by_layer, reverse=True)
    }
