"""What loading proves: recording changes no answer of the network, and reading leaves it as it was.

Nothing here runs the model that is used afterwards: some families change themselves when a short
text comes (BigBird turns to full attention for good).  Each pass is run on a twin, which shares the
weights and nothing else, and compared with a model that is built from scratch with eager attention.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedConfig, PreTrainedModel

from finetune.checkpoint.windows import WINDOW_KEYS
from viz.model.hooks import decoder_stack
from viz.model.padding import SIDES, PaddingSide
from viz.model.pooling import Reads, rows_read, slopes_of_last_states
from viz.model.recording import Recorder
from viz.model.twins import module_settings, rebuild, share_weights, tensor_places
from viz.types import Inputs

TOLERANCE = 1e-5
"""How far a recorded pass may be from a plain one, relative to the largest logit (at least 1)."""
PADDING_TOLERANCE = 1e-4
"""How far padding may move the logits of a text: products of another size round otherwise."""
MIN_PROBE_TOKENS = 32
"""Tokens of the longer text that is tried, where no window is longer."""
MAX_PROBE_TOKENS = 4096
"""Tokens that are tried at most, whatever the settings say of windows."""


NO_MAPS = "This model has no attention to show: it does not weigh every token against every other."
FEWER_MAPS = (
    "This model has no attention to show: only {} of its {} layers weigh every token against every "
    "other."
)
MORE_MAPS = (
    "This model has no attention to show: it weighs every token against every other {} times in {} "
    "layers, so a layer has no single map."
)
NO_ENCODER_MAPS = (
    "This model has no attention to show: the layers of its encoder do not each weigh every token "
    "against every other."
)
UNEQUAL_MAPS = (
    "This model has no attention to show: its layers have different numbers of heads, so they "
    "can't be laid side by side."
)


class ProbeError(Exception):
    """What a model does that can't be shown: the rest of a sentence after `which`."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What is known about a network whose recording is correct."""

    pads: PaddingSide | None = None
    """On which side padding leaves the logits of a text as they are; None where it does on neither,
    so that texts are read one by one."""
    reads: Reads | None = None
    """Which of the last states the class is read from; None where no gradient tells."""
    attention: Literal["interface", "softmax"] | None = None
    """Where attention is recorded: in our own attention function, or at the softmax in the code of
    the family; None where it has no map of each token by each token."""
    no_attention: str = ""
    """Why it has none, in one sentence."""
    n_heads: int = 0
    """How many heads each layer has; 0 where there are no maps."""
    sinks: bool = False
    """Whether heads can look at nothing, so that rows of weights sum to less than 1."""
    time_axis: int | None = 1
    """Which axis of its states counts tokens; None where none does."""
    keeps_settings: bool = True
    """Whether a pass leaves the model's settings as they are; else each is run on a twin."""


Run = Callable[[PreTrainedModel, Sequence[Inputs], Recorder | None, PaddingSide], Tensor]
"""One pass of a model over some texts, padded on a side, recorded where a recorder comes: their
logits.  (B, C)"""


@dataclass(slots=True)
class Probe:
    """Reads texts by twins of a model, and by the same model built from scratch.

    Args:
        model: What is probed; it is never run itself.
        run: How it is run.
        n_layers: How many layers have to be recorded.
        layers: The name of the list that they are in; None where there is none.
    """

    model: PreTrainedModel
    run: Run
    n_layers: int
    layers: str | None
    keeps_settings: bool = field(default=True, init=False)
    """Whether no pass so far has changed the settings of what it was run on."""
    _twin: PreTrainedModel | None = field(default=None, init=False)
    """What passes are run on, until one changes it."""

    def capabilities(self, short: Inputs, long: Inputs) -> Capabilities:
        """Say what is true of the model.

        Raises:
            ProbeError: where a recorded pass isn't what the plain one is, or changes the model.
            Exception: of any other kind; an architecture that nobody knows can fail in any way.
        """
        plain = rebuild(self.model)
        passes = [self._recorded(text, plain) for text in (short, long)]
        single = torch.cat([each.logits for each in passes])
        reasons = [self._no_attention(each) for each in passes]
        no_attention = next(filter(None, reasons), "")
        recorder = passes[-1].recorder
        return Capabilities(
            pads=next((side for side in SIDES if self._pads(short, long, single, side)), None),
            reads=self._reads(short, long),
            attention=None
            if no_attention
            else "interface"
            if recorder.uses_interface
            else "softmax",
            no_attention=no_attention,
            n_heads=0 if no_attention else recorder.weights[0].shape[1],
            sinks=any(each.shape[-1] > passes[-1].n_tokens for each in recorder.weights),
            time_axis=_changed_axis([each.state_shape for each in passes]),
            keeps_settings=self.keeps_settings,
        )

    def _recorded(self, text: Inputs, plain: PreTrainedModel) -> "_Pass":
        """A recorded pass whose logits are those of a plain one.

        Raises:
            ProbeError: where they are others.
        """
        recorder, n_tokens = Recorder(), len(text["input_ids"])
        first_states: list[Tensor] = []
        logits = self._on_twin([text], recorder, first_states=first_states)
        with torch.inference_mode():
            expected = self.run(
                plain if self.keeps_settings else share_weights(plain), [text], None, "right"
            )
        unrecorded = self._on_twin([text], None)
        if not all(_near(expected, each, TOLERANCE) for each in (logits, unrecorded)):
            raise ProbeError(
                f"computes other classes for a text of {n_tokens} tokens where it is recorded than "
                "where it is not"
            )
        # Without a list of layers, what enters them leaves the embeddings: (B, T, D).
        unseen = (1, n_tokens, 0) if self.layers is None else ()
        shape = first_states[0].shape if first_states else unseen
        return _Pass(logits, recorder, n_tokens, tuple(shape))

    def _no_attention(self, recorded: "_Pass") -> str:
        """Why a pass has no map of each token by each token for every layer; empty if it has."""
        maps, n_tokens = recorded.recorder.weights, recorded.n_tokens
        if not maps:
            return NO_MAPS
        if not self._in_encoder(len(maps)):
            if decoder_stack(self.model):
                return NO_ENCODER_MAPS
            sentence = FEWER_MAPS if len(maps) < self.n_layers else MORE_MAPS
            return sentence.format(len(maps), self.n_layers)
        if len({each.shape[1] for each in maps}) > 1:
            return UNEQUAL_MAPS
        sums = torch.cat([each.sum(-1) for each in maps])
        if not bool((sums - 1).abs().max() < TOLERANCE):
            return (
                f"The attention weights of this model for a text of {n_tokens} tokens do not sum "
                "to 1, so they are not shown."
            )
        return ""

    def _layers(self, twin: PreTrainedModel) -> list[nn.Module]:
        return [] if self.layers is None else list(twin.get_submodule(self.layers).children())

    def _in_encoder(self, n_maps: int) -> bool:
        """Whether maps are those of each layer, and then of a decoder that looks at two things."""
        n_decoder_layers = len(decoder_stack(self.model))
        return n_maps in (self.n_layers, self.n_layers + 2 * n_decoder_layers)

    def _pads(self, short: Inputs, long: Inputs, single: Tensor, side: PaddingSide) -> bool:
        for recorder in (None, Recorder()):
            rows = self._on_twin([short, long], recorder, side)
            if not _near(single, rows, PADDING_TOLERANCE):
                return False
        return True

    def _on_twin(
        self,
        rows: Sequence[Inputs],
        recorder: Recorder | None,
        side: PaddingSide = "right",
        *,
        first_states: list[Tensor] | None = None,
    ) -> Tensor:
        twin = self._twin or share_weights(self.model)
        layers = [] if first_states is None else self._layers(twin)
        handles = [] if first_states is None else _watch(layers, first_states)
        before, tensors = module_settings(twin), tensor_places(twin)
        with torch.inference_mode():
            logits = self.run(twin, rows, recorder, side)
        for handle in handles:
            handle.remove()
        if tensor_places(twin) != tensors:
            raise ProbeError("changes its own weights while reading")
        self._twin = twin if module_settings(twin) == before else None
        self.keeps_settings = self.keeps_settings and self._twin is not None
        return logits

    def _reads(self, *texts: Inputs) -> Reads | None:
        """Which of the last states have a say in the logits of all texts, by the gradient."""
        reads = {self._reads_of(text) for text in texts if len(text["input_ids"]) > 1}
        return reads.pop() if len(reads) == 1 else "several" if None not in reads else None

    def _reads_of(self, text: Inputs) -> Reads | None:
        twin = self._twin or share_weights(self.model)
        slopes = slopes_of_last_states(lambda recorder: self.run(twin, [text], recorder, "right"))
        return None if slopes is None else rows_read(slopes)


class _Pass(NamedTuple):
    """A recorded pass over one text."""

    logits: Tensor
    recorder: Recorder
    n_tokens: int
    state_shape: tuple[int, ...]
    """Of what the first layer was given."""


def _changed_axis(shapes: Sequence[tuple[int, ...]]) -> int | None:
    """The axis of states (B, T, D), in any order, whose size depends on the text."""
    if any(len(shape) != 3 for shape in shapes):  # or the first layer isn't called as a module
        return None
    changed = [axis for axis in range(3) if len({shape[axis] for shape in shapes}) > 1]
    return changed[0] if len(changed) == 1 else 1 if not changed else None


def _watch(layers: Sequence[nn.Module], states: list[Tensor]) -> list[RemovableHandle]:
    """Keep what the first layer is given, if the network reads the text through that alone.

    It doesn't where a layer is given the same twice, as Zamba hands the embeddings on to all layers
    beside the states, or where the second one is given something else than the first puts out, as
    in XLM, whose list holds parts of layers that others add to.
    """
    outputs: list[object] = []

    def enter_first(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        state, *others = _given(inputs, named)
        if isinstance(state, Tensor) and not any(_same(state, other) for other in others):
            states.append(state)

    def leave_first(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        outputs.append(output[0] if isinstance(output, tuple | list) else output)

    def enter_second(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        if outputs and not _same(_given(inputs, named)[0], outputs[-1]):
            states.clear()

    return [
        *(each.register_forward_pre_hook(enter_first, with_kwargs=True) for each in layers[:1]),
        *(each.register_forward_hook(leave_first) for each in layers[:1]),
        *(each.register_forward_pre_hook(enter_second, with_kwargs=True) for each in layers[1:2]),
    ]


def _given(inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """What a layer is given, the state first."""
    if inputs:
        return (*inputs, *named.values())
    others = (value for name, value in named.items() if name != "hidden_states")
    return (named.get("hidden_states"), *others)


def _same(state: object, other: object) -> bool:
    return (
        isinstance(state, Tensor)
        and isinstance(other, Tensor)
        and state.shape == other.shape
        and torch.equal(state, other)
    )


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
        if name not in WINDOW_KEYS  # of windows over a text, none of which the model knows of
        and any(word in name for word in ("window", "local", "block", "chunk"))
        for size in (value if isinstance(value, (list, tuple)) else [value])
        if isinstance(size, int)
    ]
    return min(max([MIN_PROBE_TOKENS, *(size + 1 for size in sizes)]), MAX_PROBE_TOKENS)
