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
    r"vision|bottleneck|decoder\.|mlp|linear_attn|encoder_attn|cross|visual|classif|score"
)

Inputs = Mapping[str, Tensor]
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
        """The maps that it hands out, all stacks after one another: (L, H, Q, K) each.

        None that has not one map of each token by each token, with rows that sum to 1; where a
        family hands out scores, they are what a softmax makes of them.
        """
        with torch.no_grad():
            output = self.model(**inputs, output_attentions=True)
        names = ("attentions", "encoder_attentions", "decoder_attentions")
        stacks = [getattr(output, name, None) for name in names]
        n_tokens = inputs["input_ids"].shape[1]
        square = [torch.cat(stack) for stack in stacks if stack and _are_square(stack, n_tokens)]
        return [stack if _sums_to_one(stack) else stack.softmax(-1) for stack in square]

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
                return states if isinstance(output, Tensor) else (states, *output[1:])

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

        with changed_inputs(head_projections(self.model), keep):
            self.logits(inputs)
        return seen

    def logits_without(self, inputs: Inputs, layer: int, head: int, n_heads: int) -> Tensor:
        """The logits where one head's output is zeros.  (C,)"""

        def without(call: int, value: Tensor) -> Tensor:
            if call != layer:
                return value
            changed = value.clone()
            # A convolution along the text has channels in front of positions.
            outputs = changed if changed.shape[-1] != n_tokens else changed.transpose(1, 2)
            width = outputs.shape[-1] // n_heads
            outputs[..., head * width : (head + 1) * width] = 0
            return changed

        n_tokens = inputs["input_ids"].shape[1]
        with changed_inputs(head_projections(self.model), without):
            return self.logits(inputs)


def head_projections(model: PreTrainedModel) -> list[nn.Module]:
    """The modules that take the outputs of a layer's heads, side by side."""
    return [
        module
        for name, module in model.named_modules()
        if _PROJECTIONS.search(name)
        and not _NOT_SHOWN.search(name)
        and not (model.config.is_encoder_decoder and "decoder." in name)
    ]


@contextmanager
def changed_inputs(
    modules: Sequence[nn.Module], change: Callable[[int, Tensor], Tensor]
) -> Iterator[None]:
    """Let a function see and replace what modules are called with, counted over all calls."""
    calls = 0

    def hook(module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        nonlocal calls
        calls += 1
        return (change(calls - 1, given[0]), *given[1:])

    with registered(modules, nn.Module.register_forward_pre_hook, hook):
        yield


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


def _sums_to_one(maps: Tensor) -> bool:
    return bool((maps.sum(-1) - 1).abs().max() < 1e-4)
