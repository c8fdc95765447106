"""Fewer heads by the configuration of a family, where it describes any number of them.

Llama and its kin set the size of a head apart from the width of the states (`head_dim`).  A smaller
`num_attention_heads` then makes the projections of every layer narrower.  All layers have as many
heads, so as many go as the layer that keeps most can do without; a layer that keeps fewer is filled
up with heads that put out nothing.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedConfig

from finetune.checkpoint.configuration import text_config
from finetune.checkpoint.loading import build_new_classifier
from viz.model.classifier import Classifier

KEY_HEADS = ("num_key_value_heads", "num_kv_heads")
"""What configurations call the number of heads that keys and values have."""


@dataclass(frozen=True, slots=True, eq=False)
class Narrowing:
    """How every layer of a model loses heads."""

    settings: Mapping[str, Any]
    """The entries of config.json that change."""
    config: PreTrainedConfig
    """With these entries."""
    units: tuple[tuple[int, ...], ...]
    """What each layer keeps, by number: heads, or groups of heads with the same keys."""
    axes: Mapping[str, tuple[int, int]]
    """The layer of each tensor that gets smaller, and its axis."""
    n_units: int
    """How many a layer had."""
    sections: tuple[int, int, int]
    """How the queries, keys and values of one unit compare in a tensor that holds all three."""
    head_size: int
    """Of one head."""

    def layouts(self, state: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """The smaller tensors, in each order that a tensor of all three projections can have.

        Most families hold queries, keys and values apart, where there is one; of several only one
        is right, which the logits tell.
        """
        yield {name: self._cut(name, tensor, (1,)) for name, tensor in state.items()}
        fused = [
            name
            for name, (_, axis) in self.axes.items()
            if state[name].shape[axis] == sum(self.sections) * self.n_units * self.head_size
        ]
        if fused:
            yield {
                name: self._cut(name, tensor, self.sections if name in fused else (1,))
                for name, tensor in state.items()
            }

    def _cut(self, name: str, tensor: Tensor, sections: Sequence[int]) -> Tensor:
        if name not in self.axes:
            return tensor
        layer, axis = self.axes[name]
        size, start, places = tensor.shape[axis] // sum(sections), 0, []
        for section in sections:
            block = size * section // self.n_units
            for unit in self.units[layer]:
                first = start + unit * block
                places.append(torch.arange(first, first + block))
            start += size * section
        return tensor.index_select(axis, torch.cat(places).to(tensor.device)).clone()


def key_groups(classifier: Classifier) -> int:
    """How many groups of heads share their keys: as many as heads where none do."""
    config = text_config(classifier.config)
    for name in KEY_HEADS:
        number = getattr(config, name, None)
        if isinstance(number, int) and number > 0 and classifier.n_heads % number == 0:
            return number
    return classifier.n_heads


def remaining_units(silenced: Classifier) -> list[list[int]]:
    """The groups of each layer of which a head is on."""
    groups = key_groups(silenced)
    size, off = silenced.n_heads // groups, set(silenced.off)
    return [
        [
            unit
            for unit in range(groups)
            if any((layer, head) not in off for head in range(unit * size, (unit + 1) * size))
        ]
        for layer in range(silenced.n_layers)
    ]


def can_narrow(classifier: Classifier) -> bool:
    """Whether the family opens with fewer heads than the checkpoint has, of the same size."""
    groups = key_groups(classifier)
    return any(_narrowed(classifier, number) is not None for number in range(1, groups))


def narrow(silenced: Classifier) -> Narrowing | None:
    """How the heads that are off are taken out of all layers; None where none can be.

    Args:
        silenced: The classifier with these heads off.
    """
    groups, left = key_groups(silenced), remaining_units(silenced)
    for n_kept in range(max(1, *map(len, left)), groups):
        narrowed = _narrowed(silenced, n_kept)
        if narrowed is not None:
            settings, config, axes = narrowed
            filled = [
                sorted([*units, *(u for u in range(groups) if u not in units)][:n_kept])
                for units in left
            ]
            return Narrowing(
                settings,
                config,
                tuple(map(tuple, filled)),
                axes,
                groups,
                (silenced.n_heads // groups, 1, 1),
                silenced.output_projections[0].columns.shape[1],
            )
    return None


def _narrowed(
    classifier: Classifier, n_kept: int
) -> tuple[dict[str, Any], PreTrainedConfig, dict[str, tuple[int, int]]] | None:
    """Settings with fewer heads, and which axis of which tensor they make smaller.

    None where that is not what they do: no tensor changes, or one outside of the layers, or by
    another measure than the number of heads.
    """
    config = classifier.config
    if text_config(config) is not config or classifier.layer_path is None:
        return None
    groups, aliases = key_groups(classifier), type(config).attribute_map
    n_heads = n_kept * classifier.n_heads // groups
    fewer: dict[str, Any] = {aliases.get("num_attention_heads", "num_attention_heads"): n_heads}
    fewer |= {name: n_kept for name in KEY_HEADS if getattr(config, name, None)}
    size = classifier.output_projections[0].columns.shape[1]
    # Where nothing says how wide a head is, it follows from their number.
    for settings in (fewer, {**fewer, aliases.get("head_dim", "head_dim"): size}):
        try:
            smaller = type(config).from_dict(copy.deepcopy(config.to_dict()) | settings)
            with torch.device("meta"):
                model = build_new_classifier(smaller)
        except Exception:  # any family's own code, which checks numbers in ways of its own
            continue
        axes = _narrower_axes(classifier, model.state_dict(), n_kept)
        if axes:
            return settings, smaller, axes
    return None


def _narrower_axes(
    classifier: Classifier, smaller: Mapping[str, Tensor], n_kept: int
) -> dict[str, tuple[int, int]]:
    """The layer and the axis of each tensor that has fewer heads; none where others change."""
    groups, prefix = key_groups(classifier), f"{classifier.layer_path}."
    whole = classifier.model.state_dict()
    axes: dict[str, tuple[int, int]] = {}
    if whole.keys() != smaller.keys():
        return {}
    for name, tensor in whole.items():
        own, other = tensor.shape, smaller[name].shape
        if own == other:
            continue
        changed = [axis for axis, (a, b) in enumerate(zip(own, other, strict=False)) if a != b]
        number = name.removeprefix(prefix).partition(".")[0]
        if not (name.startswith(prefix) and number.isdecimal()) or len(own) != len(other):
            return {}
        axis = changed[0]
        is_by_group = own[axis] % groups == 0 and other[axis] * groups == own[axis] * n_kept
        if len(changed) > 1 or not is_by_group:
            return {}
        axes[name] = int(number), axis
    return axes
