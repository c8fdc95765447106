"""What loading proves: recording changes no answer of the network, and reading leaves it as it was.

Nothing here runs the model that is used afterwards: some families change themselves when a short
text comes (BigBird turns to full attention for good).  Each pass is run on a twin, which shares the
weights and nothing else, and compared with a model that is built from scratch with eager attention.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from finetune.checkpoint.truncation import STRIDE_KEY
from viz.model.recording import Recorder
from viz.types import Inputs

TOLERANCE = 1e-5
"""How far a recorded pass may be from a plain one, relative to the largest logit (at least 1)."""
PADDING_TOLERANCE = 1e-4
"""How far padding may move the logits of a text: products of another size round otherwise."""
MIN_RELATIVE_GRADIENT = 1e-6
"""A row whose gradient is smaller than this, relative to the largest, does not affect the class."""
MIN_PROBE_TOKENS = 32
"""Tokens of the longer text that is tried, where no window is longer."""
MAX_PROBE_TOKENS = 4096
"""Tokens that are tried at most, whatever the settings say of windows."""

Reads = Literal["first", "last", "several"]
"""Which of the last states a class is read from."""
State = Mapping[tuple[str, str], object]


def share_weights(model: PreTrainedModel) -> PreTrainedModel:
    """A model with the same weights, in the same memory, and settings of its own."""
    shared = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    return copy.deepcopy(model, shared)


def rebuild(model: PreTrainedModel) -> PreTrainedModel:
    """A model of the same class and weights with transformers' own eager attention."""
    with torch.device("meta"):
        plain = type(model)._from_config(
            copy.deepcopy(model.config), attn_implementation="eager", dtype=model.dtype
        )
    tensors = dict(chain(model.named_parameters(), model.named_buffers()))
    for name, _ in [*plain.named_parameters(), *plain.named_buffers()]:
        place, _, last = name.rpartition(".")
        module = plain.get_submodule(place)
        (module._parameters if last in module._parameters else module._buffers)[last] = tensors[
            name
        ]
    return plain.eval()


def module_settings(model: nn.Module) -> State:
    """What the modules of a model are told to do, tensors apart: a pass could change it."""
    values: dict[tuple[str, str], object] = {}
    config = vars(getattr(model, "config", None) or nn.Module())
    for name, settings in [("config", config), *((n, vars(m)) for n, m in model.named_modules())]:
        for key, value in settings.items():
            if not key.startswith("_") and isinstance(value, (bool, int, float, str, list, tuple)):
                values[name, key] = repr(value)
    return values


def _state_of(model: nn.Module) -> State:
    """All that a pass could change, the tensors among it."""
    tensors = chain(model.named_parameters(), model.named_buffers())
    places = {(name, "tensor"): (own.data_ptr(), own._version) for name, own in tensors}
    return {**module_settings(model), **places}


_CHANGES = (
    "changes its own settings while reading, so that one text would be read differently after "
    "another"
)


class ProbeError(Exception):
    """What a model does that can't be shown: the rest of a sentence after `which`."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What is known about a network whose recording is correct."""

    pads: bool
    """Whether padding leaves the logits of a text as they are; else texts are read one by one."""
    reads: Reads | None
    """Which of the last states the class is read from; None where no gradient tells."""


Run = Callable[[PreTrainedModel, Sequence[Inputs], Recorder | None], Tensor]
"""One pass of a model over some texts, recorded where a recorder comes: their logits.  (B, C)"""


@dataclass(slots=True)
class Probe:
    """Reads texts by twins of a model, and by the same model built from scratch.

    Args:
        model: What is probed; it is never run itself.
        run: How it is run.
        n_layers: How many layers have to be recorded.
        n_heads: How many heads each of them.
    """

    model: PreTrainedModel
    run: Run
    n_layers: int
    n_heads: int

    def capabilities(self, short: Inputs, long: Inputs) -> Capabilities:
        """Say what is true of the model.

        Raises:
            ProbeError: where a recorded pass isn't what the plain one is, or changes the model.
            Exception: of any other kind; an architecture that nobody knows can fail in any way.
        """
        plain = rebuild(self.model)
        single = [self._recorded(text, plain) for text in (short, long)]
        padded = [self._on_twin([short, long], recorder) for recorder in (None, Recorder())]
        pads = all(_near(torch.cat(single), rows, PADDING_TOLERANCE) for rows in padded)
        return Capabilities(pads, self._reads(long))

    def _recorded(self, text: Inputs, plain: PreTrainedModel) -> Tensor:
        """The logits of a recorded pass: with every layer, rows that sum to 1, and as plain ones.

        (1, C)
        """
        recorder, n_tokens = Recorder(), len(text["input_ids"])
        logits = self._on_twin([text], recorder)
        shape = (1, self.n_heads, n_tokens, n_tokens)
        if [tuple(weights.shape) for weights in recorder.weights] != [shape] * self.n_layers:
            raise ProbeError("does not return one attention map per head")
        sums = torch.cat(recorder.weights).sum(-1)
        with torch.inference_mode():
            expected = self.run(plain, [text], None)
        if not (bool((sums - 1).abs().max() < TOLERANCE) and _near(expected, logits, TOLERANCE)):
            raise ProbeError(
                f"returns attention weights for a text of {n_tokens} tokens that are not those it "
                "computes its classes with"
            )
        return logits

    def _on_twin(self, rows: Sequence[Inputs], recorder: Recorder | None) -> Tensor:
        twin = share_weights(self.model)
        before = _state_of(twin)
        with torch.inference_mode():
            logits = self.run(twin, rows, recorder)
        if _state_of(twin) != before:
            raise ProbeError(_CHANGES)
        return logits

    def _reads(self, text: Inputs) -> Reads | None:
        """Which of the last states have a say in the logits, by the gradient."""
        twin, last, recorder = share_weights(self.model), [], Recorder("words")
        twin.base_model.register_forward_hook(
            lambda module, inputs, output: last.append(getattr(output, "last_hidden_state", None))
        )
        with torch.enable_grad():
            logits = self.run(twin, [text], recorder)[0]
        if not (last and isinstance(last[-1], Tensor) and last[-1].requires_grad):
            return None
        # Weights that are no multiples of one another, so that no logits cancel.
        combination = logits @ torch.linspace(1, 2, len(logits)).sin().to(logits)
        (slopes,) = torch.autograd.grad(combination, last[-1], allow_unused=True)
        return None if slopes is None else _where(slopes[0])


def _where(slopes: Tensor) -> Reads | None:
    """The rows of a gradient that are not zero.  (T, D)"""
    sizes = slopes.norm(dim=-1)
    if not sizes.max() > 0:
        return None
    rows = (sizes > MIN_RELATIVE_GRADIENT * sizes.max()).nonzero().flatten().tolist()
    return "first" if rows == [0] else "last" if rows == [len(sizes) - 1] else "several"


def _near(plain: Tensor, recorded: Tensor, tolerance: float) -> bool:
    gap, largest = (plain - recorded).abs().max(), float(plain.abs().max())
    return bool(gap <= tolerance * max(1.0, largest))


def probe_length(config: PreTrainedConfig) -> int:
    """Tokens of a text that no window of attention spans, by the settings of the model.

    Blocks count more often: sparse attention begins where a text has about a dozen of them.
    """
    sizes = [
        (12 if "block" in name else 2) * size
        for name, value in vars(config).items()
        if name != STRIDE_KEY  # of windows over a text, none of which the model knows of
        and any(word in name for word in ("window", "local", "block", "chunk"))
        for size in (value if isinstance(value, (list, tuple)) else [value])
        if isinstance(size, int)
    ]
    return min(max([MIN_PROBE_TOKENS, *(size + 1 for size in sizes)]), MAX_PROBE_TOKENS)
