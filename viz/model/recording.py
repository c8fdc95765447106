"""How attention is captured without touching the shared model.

transformers is given one attention function.  While no Recorder is active it is SDPA, as fast as
ever; while one is, it computes the softmax itself and hands the weights to the Recorder.  The
Recorder lives in a ContextVar, so threads that read at once never see each other's texts.
"""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from finetune.checkpoint.families import PROJECTIONS
from viz.errors import MethodError
from viz.jobs.cancellation import Check, check_cancelled, current_check

ATTENTION = "clsight"
"""The name under which transformers knows our attention function."""

Leaf = Literal["words", "input"]
"""Where gradients start: the word embeddings, or the input of the first layer."""

_active: ContextVar["Recorder | None"] = ContextVar("recorder", default=None)


class GraphCut(NamedTuple):
    """A state through which all that lies below reaches what lies above."""

    state: Tensor
    """(B, T, D)"""
    n_biases: int
    """How many biases were added below."""


class Recorder:
    """Records one forward pass; use it as a context manager around the pass.

    Args:
        leaf: The tensor to differentiate by; None records under no gradient at all.
        freeze: Whether attention weights and activations are held fixed, so that the network is
            linear in the leaf (viz/attribution/README.md 1.3).
        by_weights: Whether frozen weights can be differentiated by, each layer's on their own.
    """

    computes_weights = True
    """Whether attention is computed step by step, so that its weights can be kept."""

    def __init__(
        self, leaf: Leaf | None = None, *, freeze: bool = False, by_weights: bool = False
    ) -> None:
        self.leaf_name = leaf
        self.freeze = freeze
        self.by_weights = by_weights
        self.leaf: Tensor | None = None
        """(1, T, D) once the pass has run with a `leaf`."""
        self.weights: list[Tensor] = []
        """One (1, H, Q, K) a layer, in the order of the layers."""
        self.biases: list[Tensor] = []
        """What a pass made linear has added so far, each a leaf of its own."""
        self.cuts: list[GraphCut] = []
        """Where a frozen pass can be cut in two, from below: behind each layer."""
        self._token: Token[Recorder | None] | None = None

    def __enter__(self) -> Self:
        """Become the recorder of this thread."""
        self._token = _active.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop recording, also after an error."""
        if self._token is not None:
            _active.reset(self._token)

    def required_leaf(self) -> Tensor:
        """The leaf of a pass that has run.  (1, T, D)

        Raises:
            MethodError: where the architecture never passes through it.
        """
        if self.leaf is None:
            raise MethodError(
                "No gradient can be taken through this architecture; choose another method."
            )
        return self.leaf

    def on_weights(self, weights: Tensor) -> Tensor:
        """Store one layer's weights; return those the layer should go on with."""
        held_weights = weights.detach() if self.freeze else weights
        if self.by_weights:
            held_weights.requires_grad_()
        self.weights.append(held_weights)
        return held_weights

    def on_head_outputs(self, outputs: Tensor) -> Tensor:
        """What one layer should go on with in place of its heads' outputs.  (B, Q, H, d)"""
        return outputs

    def on_enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Learn that a pass comes to an entry of a list of modules, and what this is given."""

    def on_leave(self, output: Any) -> None:
        """Learn what the entry that was come to last and not left yet puts out."""

    def on_layer(self, before: Tensor, after: Tensor) -> None:
        """Receive the input and the output of one layer.  Each (B, T, D)"""
        if self.freeze:
            self.cuts.append(GraphCut(after, len(self.biases)))

    def on_leaf(self, name: Leaf, output: Tensor) -> Tensor:
        """Cut the graph at `output` where it is the leaf asked for."""
        if name != self.leaf_name:
            return output
        self.leaf = output.detach().requires_grad_()
        return self.leaf


def recorded_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **options: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attend as SDPA does, or step by step for the active Recorder.

    Args:
        module: The attention layer that calls.
        query: (B, H, Q, d); `key` and `value` are (B, H, K, d).
        key: What is looked at.
        value: What is taken from there.
        attention_mask: Additive, broadcast to (B, H, Q, K); None where nothing is padded.
        scaling: Factor of the products; 1/sqrt(d) where None.
        dropout: Share of weights dropped; a recorded pass drops none.
        options: What else transformers passes on.
    """
    recorder = _active.get()
    if recorder is None or not recorder.computes_weights:
        plain: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
        )
        return plain if recorder is None else (recorder.on_head_outputs(plain[0]), None)
    factor = query.shape[-1] ** -0.5 if scaling is None else scaling
    products = query @ key.transpose(2, 3) * factor
    masked = products if attention_mask is None else products + attention_mask
    weights = recorder.on_weights(masked.softmax(-1))
    return recorder.on_head_outputs((weights @ value).transpose(1, 2).contiguous()), weights


AttentionInterface.register(ATTENTION, recorded_attention)
# Without a mask of its own, transformers would pass None and padding would be attended to.
AttentionMaskInterface.register(ATTENTION, eager_mask)


def linearized_activation(value: Tensor, activated: Tensor) -> Tensor:
    """`activated`, written as `value` times a slope that is held fixed; 0 stays 0."""
    slope = torch.where(value == 0, torch.zeros_like(value), activated / value)
    return value * slope.detach()


def install_hooks(model: PreTrainedModel) -> None:
    """Let a Recorder see the model's word embeddings, what its layers take and give, activations.

    The hooks are set once, when the model is loaded, and do nothing while no Recorder is active,
    but for one: each layer, on the way up and down, asks whether the pass is still wanted.
    """
    for part in _steps(model):
        part.register_forward_pre_hook(_cancellation_hook, with_kwargs=True)
        part.register_forward_pre_hook(_enter_hook, with_kwargs=True)
        part.register_forward_hook(_leave_hook)
    base = model.base_model
    words = model.get_input_embeddings()
    words.register_forward_hook(_leaf_hook("words"))
    _input_module(base).register_forward_hook(_leaf_hook("input"))
    for layer in layer_stack(model):
        layer.register_forward_hook(_states_hook, with_kwargs=True)
    for module in model.modules():
        if type(module).__module__ == "transformers.activations":
            module.register_forward_hook(_activation_hook)


def layer_stack(model: PreTrainedModel) -> Sequence[nn.Module]:
    """The layers, in order: the first list of modules that is as long; none where there is none."""
    lists = (module for module in model.modules() if isinstance(module, nn.ModuleList))
    return next((list(layers) for layers in lists if len(layers) == n_layers(model)), [])


def n_layers(model: PreTrainedModel) -> int:
    """How many layers the model's configuration names."""
    return int(getattr(model.config, "num_hidden_layers", 0) or 0)


def _steps(model: nn.Module) -> list[nn.Module]:
    """The modules that a pass goes through one after the other, in a model of any architecture."""
    stacks = [part for part in model.modules() if isinstance(part, nn.ModuleList)]
    steps = {id(step): step for stack in stacks for step in stack}
    return list(steps.values()) or list(model.children())


def _input_module(base: nn.Module) -> nn.Module:
    """The module whose output enters the first layer."""
    for name in (*PROJECTIONS, "embeddings"):
        module = getattr(base, name, None)
        if isinstance(module, nn.Module):
            return module
    return base


Hook = Callable[[nn.Module, tuple[Tensor, ...], Any], Any]


def _cancellation_hook(
    module: nn.Module, inputs: tuple[Any, ...], options: Mapping[str, Any]
) -> None:
    check_cancelled()
    if not torch.is_grad_enabled():
        return
    for argument in (*inputs, *options.values()):
        if isinstance(argument, Tensor) and argument.requires_grad:
            # One is enough: the way down comes to what a layer was given after all that it made.
            argument.register_hook(_down_hook(current_check()))  # type: ignore[no-untyped-call]
            return


def _enter_hook(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    recorder = _active.get()
    if recorder is not None:
        recorder.on_enter(module, args, kwargs)


def _leave_hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
    recorder = _active.get()
    if recorder is not None:
        recorder.on_leave(output)


def _down_hook(check: Check) -> Callable[[Tensor], None]:
    """Asks on the way down, which may be in another thread than the way up."""
    return lambda gradient: check()


def _leaf_hook(name: Leaf) -> Hook:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> Any:
        recorder = _active.get()
        if recorder is None or not isinstance(output, Tensor):
            return output
        return recorder.on_leaf(name, output)

    return hook


def _states_hook(
    module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any
) -> None:
    recorder = _active.get()
    before = inputs[0] if inputs else named.get("hidden_states")
    after = output[0] if isinstance(output, tuple) else output
    if recorder is not None and isinstance(before, Tensor) and isinstance(after, Tensor):
        recorder.on_layer(before, after)


def _activation_hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    recorder = _active.get()
    return (
        linearized_activation(inputs[0], output)
        if recorder is not None and recorder.freeze
        else output
    )
