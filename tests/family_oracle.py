"""What plain transformers says of a folder: the yardstick that takes nothing from `viz`."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel

_PROJECTIONS = re.compile(
    r"(^|\.)(o_proj|out_proj|attention\.output\.dense|self_attn\.output|out_lin|c_proj|Wo|"
    r"attention\.attn\.o|SelfAttention\.o|self_attention\.dense|self_attn\.dense|"
    r"attention\.dense|multi_head_attention\.dense|out_lins?\.\d+|post_proj|"
    r"post_attention\.conv1d)$"
)
"""The names that families give to the module behind their heads."""
_NOT_SHOWN = re.compile(
    r"vision|bottleneck|mlp|linear_attn|encoder_attn|cross|visual|classif|score"
)

Inputs = Mapping[str, Tensor]
Heads = Sequence[tuple[int, int]]
Change = Callable[[Tensor], Tensor]


class PlainModel:
    """A classifier as transformers opens it, with the eager attention of its family."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self.model = AutoModelForSequenceClassification.from_pretrained(
            folder, attn_implementation="eager", dtype=dtype
        ).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)

    @property
    def changes_itself(self) -> bool:
        """Whether the family turns to full attention for good once a short text comes."""
        return getattr(self.model.config, "attention_type", None) == "block_sparse"

    def inputs(self, text: str, pair: str | None = None) -> Inputs:
        """What the tokenizer makes of a text.  Each (1, T)"""
        encoded: Inputs = self.tokenizer(text, pair, return_tensors="pt")
        return encoded

    def logits(self, inputs: Inputs) -> Tensor:
        """(C,)"""
        with torch.no_grad():
            logits: Tensor = self.model(**inputs).logits[0]
        return logits

    def maps(self, inputs: Inputs) -> list[Tensor]:
        """The maps that it hands out, of each stack of layers: (L, H, Q, K) each.

        In front of a decoder those of the encoder alone; none that has not one map of each token by
        each token, or that is put together from sparse ones.  Where a family hands out scores, they
        are what a softmax makes of them.
        """
        with torch.no_grad():
            base = self.model.base_model
            model = base.get_encoder() if self.model.config.is_encoder_decoder else self.model
            output = model(**inputs, output_attentions=True)
        if self.changes_itself:
            return []
        n_tokens = inputs["input_ids"].shape[1]
        stacks = [getattr(output, name, None) for name in ("attentions", "encoder_attentions")]
        square = [torch.cat(stack) for stack in stacks if stack and _are_square(stack, n_tokens)]
        return [stack.softmax(-1) if bool((stack < 0).any()) else stack for stack in square]

    def deciding_rows(self, inputs: Inputs) -> list[int] | None:
        """The last states that move the logits, found by moving each one; None if out of reach."""
        n_tokens = inputs["input_ids"].shape[1]
        last = self._last_step(inputs, n_tokens)
        if last is None:
            return None
        module, n_calls = last
        moved, plain = [], self.logits(inputs)
        for row in range(n_tokens):
            calls = 0

            def move(module: nn.Module, given: object, output: Any, row: int = row) -> Any:
                nonlocal calls
                calls += 1
                if calls < n_calls:
                    return output
                states = (output if isinstance(output, Tensor) else output[0]).clone()
                place = (0, row) if states.shape[0] == 1 else (row, 0)
                states[place] += torch.linspace(1, 2, states.shape[-1]).sin().to(states)
                if isinstance(output, Tensor):
                    return states
                several = (states, *output[1:])
                return type(output)(*several) if hasattr(output, "_fields") else several

            with registered([module], nn.Module.register_forward_hook, move):
                if not torch.equal(self.logits(inputs), plain):
                    moved.append(row)
        return moved

    def _last_step(self, inputs: Inputs, n_tokens: int) -> tuple[nn.Module, int] | None:
        """The member of a list of modules that gives states last, and how often it is called."""
        called: list[nn.Module] = []
        shapes: list[tuple[int, ...]] = []

        def see(module: nn.Module, given: object, output: Any) -> None:
            states = output[0] if isinstance(output, tuple) else output
            if isinstance(states, Tensor) and states.dim() == 3:
                called.append(module)
                shapes.append(tuple(states.shape[:2]))

        lists = [each for each in self.model.modules() if isinstance(each, nn.ModuleList)]
        members = list(dict.fromkeys(member for each in lists for member in each))
        with registered(members, nn.Module.register_forward_hook, see):
            self.logits(inputs)
        reached = bool(shapes) and shapes[-1] in {(1, n_tokens), (n_tokens, 1)}
        return (called[-1], called.count(called[-1])) if reached else None

    def head_outputs(self, inputs: Inputs) -> list[Tensor]:
        """The outputs of all heads, side by side, a call of a projection each.  (1, T, H * d)"""
        seen: list[Tensor] = []

        def keep(call: int, value: Tensor) -> Tensor:
            seen.append(value)
            return value

        with changed_head_outputs(self.model, keep):
            self.logits(inputs)
        return seen

    def logits_without(self, inputs: Inputs, heads: Heads, n_heads: int) -> Tensor:
        """The logits where the outputs of some heads, by layer and number, are zeros.  (C,)"""

        with changed_head_outputs(self.model, zeros_for(heads, n_heads)):
            return self.logits(inputs)


def zeros_for(heads: Heads, n_heads: int) -> Callable[[int, Tensor], Tensor]:
    """A change of the outputs of heads, side by side, that puts zeros in the place of some."""

    def without(call: int, value: Tensor) -> Tensor:
        changed = value.clone()
        width = changed.shape[-1] // n_heads
        for layer, head in heads:
            if layer == call:
                changed[..., head * width : (head + 1) * width] = 0
        return changed

    return without


def _head_projections(model: PreTrainedModel) -> list[nn.Module]:
    """The modules that take the outputs of a layer's heads, side by side."""
    return [
        module
        for name, module in model.named_modules()
        if _PROJECTIONS.search(name)
        and not _NOT_SHOWN.search(name)
        and not (model.config.is_encoder_decoder and "decoder." in name)
    ]


@contextmanager
def changed_head_outputs(
    model: PreTrainedModel, change: Callable[[int, Tensor], Tensor]
) -> Iterator[None]:
    """Let a function see and replace the outputs of all heads of a layer, side by side.

    That is what the family's own output projection is given.

    Args:
        model: Whose heads.
        change: From the number of the call and (B, T, H * d) to what to go on with.
    """
    calls = 0

    def changed(value: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return change(calls - 1, value)

    def hook(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if isinstance(module, nn.Conv1d):  # (B, H * d, T)
            return (changed(given[0].transpose(1, 2)).transpose(1, 2), *given[1:])
        return (changed(given[0]), *given[1:])

    with ExitStack() as stack:
        register = nn.Module.register_forward_pre_hook
        stack.enter_context(registered(_head_projections(model), register, hook))
        for module in model.modules():
            for method, flatten in _PROJECTING_METHODS.get(type(module).__name__, {}).items():
                original = getattr(module, method)
                setattr(module, method, flatten(original, changed))
                stack.callback(delattr, module, method)
        yield


def _flat_xlnet(project: Callable[..., Any], changed: Callable[[Tensor], Tensor]) -> Any:
    """Of XLNet, whose projection is a product: (T, B, H, d)."""

    def method(h: Tensor, outputs: Tensor, **options: Any) -> Any:
        flat = changed(outputs.flatten(2).transpose(0, 1))
        return project(h, flat.transpose(0, 1).view_as(outputs), **options)

    return method


def _flat_experts(project: Callable[..., Any], changed: Callable[[Tensor], Tensor]) -> Any:
    """Of JetMoE, whose projections are experts: (B, T, experts, heads of each * d)."""

    def method(outputs: Tensor, topology: Any) -> Any:
        return project(changed(outputs.flatten(2)).view_as(outputs), topology)

    return method


_PROJECTING_METHODS = {
    "XLNetRelativeAttention": {"post_attention": _flat_xlnet},
    "JetMoeMoA": {"reduce": _flat_experts},
}
"""Families that project heads in a method: how it is called with heads side by side."""


@contextmanager
def registered(
    modules: Sequence[nn.Module], register: Callable[..., Any], hook: Callable[..., Any]
) -> Iterator[None]:
    """Hold a hook on modules while the block runs."""
    with ExitStack() as stack:
        for module in modules:
            stack.callback(register(module, hook).remove)
        yield


def _are_square(stack: Sequence[Tensor | None], n_tokens: int) -> bool:
    shapes = {None if each is None else tuple(each.shape[-2:]) for each in stack}
    return shapes == {(n_tokens, n_tokens)}
