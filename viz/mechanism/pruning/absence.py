"""Layers without heads in families that keep the width of every projection.

BERT and its kin make the projections of every layer as wide as the states, whatever config.json
says.  Of such a family transformers opens a tensor whole or not at all; one that no file holds
begins at `initializer_range` times a random number.  So a layer all of whose heads were cut does
without its projections, and a range of 1e-30 lets them begin so close to zero that what they put
out is exactly zero in float32: it is a product of two of them.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from transformers import PreTrainedConfig

from finetune.checkpoint.cut_heads import RANGES, absent_tensors
from viz.model.classifier import Classifier
from viz.model.head_gates import HeadGates, open_gates
from viz.types import Encoding

TINY_RANGE = 1e-30
"""What they are set to; transformers takes 0 for its default of 0.02."""


def tiny_ranges(config: PreTrainedConfig, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of config.json that let tensors begin at nothing.

    Args:
        config: Of the model; those of its parts count too.
        settings: What config.json holds.
    """
    changed: dict[str, Any] = {name: TINY_RANGE for name in RANGES if hasattr(config, name)}
    for part in config.sub_configs:
        own, entries = getattr(config, part, None), settings.get(part)
        if isinstance(own, PreTrainedConfig) and isinstance(entries, dict):
            changed[part] = entries | tiny_ranges(own, entries)
    return changed


def whole_layers(silenced: Classifier) -> list[int]:
    """The layers all of whose heads are off, where layers have weights of their own."""
    off = set(silenced.off)
    return [
        layer
        for layer, projection in enumerate(silenced.output_projections)
        if projection.n_uses == 1 and all((layer, head) in off for head in range(silenced.n_heads))
    ]


def cut_layers(classifier: Classifier) -> list[int]:
    """The layers whose heads were cut before, all of them, as config.json says."""
    absent = absent_tensors(classifier.config)
    return [
        layer
        for layer in range(classifier.n_layers)
        if any(name.startswith(f"{classifier.layer_path}.{layer}.") for name in absent)
    ]


def unused_tensors(
    classifier: Classifier, layers: Iterable[int], encodings: Sequence[Encoding]
) -> list[str]:
    """The tensors of some layers that nothing but their heads uses.

    Told by gradients: the class doesn't depend on them where all heads of these layers are behind
    closed gates, and does where they are not.

    Args:
        classifier: With all heads.
        layers: Whose heads are cut.
        encodings: The texts that tell.
    """
    stack = classifier.layer_path
    closed, opened = open_gates(classifier, 1), open_gates(classifier, 1)
    for layer in layers:
        closed[:, layer] = 0
    trial = classifier.with_model(copy.deepcopy(classifier.model))
    own = {
        name: parameter.requires_grad_()
        for name, parameter in trial.model.named_parameters()
        if any(name.startswith(f"{stack}.{layer}.") for layer in layers)
    }
    uses = [_used(trial, own, gates, encodings) for gates in (opened, closed)]
    unused = [name for name in own if uses[0][name] and not uses[1][name]]
    # Norms, which begin at one, stay; the bias of a matrix goes with it.
    maps = {name.rpartition(".")[0] for name in unused if own[name].dim() > 1}
    return [name for name in unused if name.rpartition(".")[0] in maps]


def _used(
    classifier: Classifier,
    parameters: dict[str, torch.nn.Parameter],
    gates: torch.Tensor,
    encodings: Sequence[Encoding],
) -> dict[str, bool]:
    """Which parameters the logits of any text depend on."""
    used = dict.fromkeys(parameters, False)
    for encoding in encodings:
        logits = classifier.forward(encoding, HeadGates(gates))
        value = (logits * torch.arange(1, len(logits) + 1, device=logits.device)).sum()
        slopes = torch.autograd.grad(value, list(parameters.values()), allow_unused=True)
        for name, slope in zip(parameters, slopes, strict=True):
            used[name] |= slope is not None and bool(slope.any())
    return used
