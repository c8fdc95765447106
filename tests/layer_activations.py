"""What passes through the modules of each layer, seen by hooks: the oracles' own way in."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from viz import Classifier, Reading
from viz.model.recording import Recorder

Array = np.ndarray
Layer = dict[str, Array]

_BERT = {
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "first": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "second": "output.LayerNorm",
}
_DISTILBERT = {
    "value": "attention.v_lin",
    "output": "attention.out_lin",
    "first": "sa_layer_norm",
    "up": "ffn.lin1",
    "down": "ffn.lin2",
    "second": "output_layer_norm",
}


def modules(classifier: Classifier) -> list[dict[str, nn.Module]]:
    """The modules of each layer by what they do."""
    base: Any = classifier.model.base_model
    distil = classifier.config.model_type == "distilbert"
    stack = base.transformer.layer if distil else base.encoder.layer
    names = _DISTILBERT if distil else _BERT
    return [{role: layer.get_submodule(name) for role, name in names.items()} for layer in stack]


def trace(classifier: Classifier, reading: Reading) -> list[Layer]:
    """Each layer's weights "A" (H, T, T) and, by role, what entered and left its modules.

    `value.in` is (T, D), `value.bias` (D,), and so on, in float64.
    """
    layers: list[Layer] = [{} for _ in modules(classifier)]
    handles = []
    for seen, own in zip(layers, modules(classifier), strict=True):
        for role, module in own.items():
            seen |= {
                f"{role}.{name}": parameter.detach().double().numpy()
                for name, parameter in module.named_parameters()
            }
            handles.append(module.register_forward_hook(_keeper(seen, role)))
    recorder = Recorder()
    with torch.no_grad():
        classifier.forward(reading.encoding, recorder)
    for handle in handles:
        handle.remove()
    for seen, weights in zip(layers, recorder.weights, strict=True):
        seen["A"] = weights[0].double().numpy()
    return layers


def _keeper(seen: Layer, role: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
    def keep(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        seen[f"{role}.in"] = inputs[0][0].detach().double().numpy()
        seen[f"{role}.out"] = output[0].detach().double().numpy()

    return keep
