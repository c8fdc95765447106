"""The layers of a model and what lies below and above them, found in a pass of the model itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.sample_pass import sample_length, sample_token_ids, unchanged

COUNTS = ("num_hidden_layers", "decoder_layers", "num_decoder_layers")
"""Entries of a configuration that say how many layers there are."""


@dataclass(frozen=True, slots=True)
class LayerStack:
    """Where each part of a model sits, by the order in which a text passes through."""

    n_layers: int
    """Layers with weights of their own, those of encoder and decoder together; 0 where none are."""
    layers: Mapping[str, int]
    """The number of the layer that each module of the stack is, by the name of the module; of what
    shares its weights, too."""
    called_above: Mapping[str, int]
    """How many layers a text has passed before it reaches a module, by the name of the module."""

    def layer(self, name: str) -> int | None:
        """The number of the layer that a module or weight of this *name* is in; None outside."""
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            found = self.layers.get(".".join(parts[:end]))
            if found is not None:
                return found
        return None

    def height(self, name: str) -> int:
        """How high a weight sits: embeddings 0, layer L is L + 1, the head n_layers + 1.

        Outside the layers, a part is as high as the last layer that a text has passed before: a
        norm behind the layers sits with the last one, what no text passes through (a table of
        positions that layers look into) with the embeddings. What reads the last states, as a
        pooler, is of the head. Layers that share their weights sit with the embeddings.
        """
        layer = self.layer(name)
        if layer is None:
            return self.called_above.get(name.rpartition(".")[0], 0)
        return min(layer + 1, self.n_layers)


def find_layers(model: PreTrainedModel) -> LayerStack:
    """The layers of *model*: lists of modules below the head that a text passes, entry by entry.

    A list counts where it is as long as config.json says that there are layers; where none is,
    layers share their weights, and any list that a text passes holds some. Lists that are passed
    in turns (XLM's of attentions and of feed-forward parts) are one stack; one that is
    passed after another (a decoder) goes on where it ends.

    Raises:
        ModelError: The model can't read a text.
    """
    calls = _record_calls(model)
    passed = [names for names in _lists(model) if all(name in calls.first for name in names)]
    counts = set(_layer_counts(model.config))
    own = [names for names in passed if len(names) in counts]
    stacks: list[list[list[str]]] = []
    end = -1
    for names in sorted(own or passed, key=lambda names: calls.first[names[0]]):
        if calls.first[names[0]] < end and len(names) == len(stacks[-1][0]):
            stacks[-1].append(names)
        else:
            stacks.append([names])
        end = max(end, *(calls.first[name] for name in names))
    layers: dict[str, int] = {}
    starts: list[int] = []
    for parallel in stacks:
        below = len(starts)
        for names in parallel:
            layers |= {name: below + number for number, name in enumerate(names)}
        starts += [
            min(calls.first[name] for name in entry) for entry in zip(*parallel, strict=True)
        ]
    starts = starts if own else []
    head = len(starts) + 1
    inside = {name for name, part in _named_modules(model.base_model, model)}
    return LayerStack(
        n_layers=len(starts),
        layers=layers,
        called_above={
            name: head
            if name not in inside or (name in calls.first and calls.first[name] > calls.last_states)
            else sum(start < calls.first.get(name, -1) for start in starts)
            for name, _ in model.named_modules()
        },
    )


@dataclass(slots=True)
class _Calls:
    """When a text passes each module."""

    first: dict[str, int]
    """The number of the first call of each module, or of a part of it, by its name."""
    last_states: float = float("inf")
    """How many calls there were when the last states were made."""


def _record_calls(model: PreTrainedModel) -> _Calls:
    """One pass over a few tokens, its calls in their order."""
    calls, count = _Calls({}), 0
    made: dict[int, int] = {}
    outputs: list[Tensor] = []  # kept, so that no memory is given to another tensor

    def begin(name: str) -> Any:
        def note(*_: Any) -> None:
            nonlocal count
            parts = name.split(".")
            # SqueezeBERT calls the forward of its layers, which no hook sees: but of their parts.
            for end in range(len(parts) + 1):
                calls.first.setdefault(".".join(parts[:end]), count)
            count += 1

        return note

    def end(part: nn.Module, _: Any, output: Any) -> None:
        for tensor in _tensors(output):
            outputs.append(tensor)
            made.setdefault(_memory(tensor), count - 1)
        if part is model.base_model and outputs:
            states = getattr(output, "last_hidden_state", None)
            states = next(_tensors(output)) if states is None else states
            calls.last_states = made.get(_memory(states), calls.last_states)

    with unchanged(model):
        for name, part in model.named_modules():
            part.register_forward_pre_hook(begin(name))
            part.register_forward_hook(end)
        token_ids = sample_token_ids(model.config, sample_length(model.config))[None]
        token_ids = token_ids.to(model.device)
        with as_model_error(
            f"this {model.config.model_type} model can't read a text", "choose another base model"
        ):
            model(input_ids=token_ids, attention_mask=torch.ones_like(token_ids))
    return calls


def _tensors(output: Any) -> Iterator[Tensor]:
    """The tensors that a module gives, one after the other."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, Mapping):
        yield from (each for each in output.values() if isinstance(each, Tensor))
    elif isinstance(output, tuple | list):
        yield from (each for each in output if isinstance(each, Tensor))


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _named_modules(part: nn.Module, model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules of a *part* of *model*, by the names that *model* has for them."""
    own = set(part.modules())
    yield from ((name, each) for name, each in model.named_modules() if each in own)


def _lists(model: PreTrainedModel) -> Iterator[list[str]]:
    """The names of the entries of each list below the head that is in no other."""
    prefix = f"{model.base_model_prefix}." if model.base_model is not model else ""
    seen: list[str] = []
    for name, part in model.base_model.named_modules():
        if isinstance(part, nn.ModuleList) and not any(name.startswith(f"{one}.") for one in seen):
            seen.append(name)
            entries = [f"{prefix}{entry}" for entry in _entries(name, part)]
            if entries:
                yield entries


def _entries(name: str, part: nn.ModuleList) -> Iterator[str]:
    """The names of the entries of a list, and of lists in it."""
    for number, entry in enumerate(part):
        if isinstance(entry, nn.ModuleList):
            yield from _entries(f"{name}.{number}", entry)
        else:
            yield f"{name}.{number}"


def _layer_counts(config: PreTrainedConfig) -> Iterator[int]:
    """How many layers a configuration names, and those that it is made of."""
    for name in COUNTS:
        count = getattr(config, name, None)
        if isinstance(count, int):
            yield count
    for part in vars(config).values():
        if isinstance(part, PreTrainedConfig):
            yield from _layer_counts(part)
