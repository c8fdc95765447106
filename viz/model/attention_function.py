"""The attention function that transformers is given.

While no Recorder is active it is SDPA, as fast as ever.  While one is, it is the function that the
family itself calls eager attention, whose softmax the Recorder sees: with grouped keys, a soft cap,
sinks, and whatever else a family has.
"""

import sys
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from viz.model.chunked_attention import (
    MAX_WEIGHT_BYTES,
    AttentionCall,
    AttentionFunction,
    chunked_attention,
)
from viz.model.recording import active_recorder

ATTENTION = "clsight"
"""The name under which transformers knows our attention function."""
EAGER_ATTENTION = "clsight-eager"
"""The same for families whose attention SDPA can't compute."""


def recorded_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    plain: AttentionFunction = sdpa_attention_forward,
    **options: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attend as SDPA does, or as the family's own eager function for the active Recorder.

    Args:
        module: The attention layer that calls.
        query: (B, H, Q, d); `key` and `value` are (B, H', K, d), H a multiple of H'.
        key: What is looked at.
        value: What is taken from there.
        attention_mask: Additive, broadcast to (B, H, Q, K); None where nothing is padded.
        plain: What attends while no weights are wanted.
        options: What else transformers passes on, such as a scale, a soft cap, a window or sinks.
    """
    recorder = active_recorder()
    if recorder is None:
        return plain(module, query, key, value, attention_mask, **options)
    recorder.uses_interface = True
    eager = _eager_function(module)
    call = AttentionCall(module, eager, query, key, value, attention_mask, options)
    own = recorder.attend(call)
    if own is not None:
        return recorder.on_head_outputs(own), None
    attend = eager if recorder.computes_weights and not recorder.layout.long else plain
    with recorder.softmax_seen():
        outputs, weights = attend(module, query, key, value, attention_mask, **options)
    return recorder.on_head_outputs(outputs), weights


def recorded_eager_attention(
    module: nn.Module, *arguments: Any, **options: Any
) -> tuple[Tensor, Tensor | None]:
    """The same where SDPA can't: the family's own eager function, recorded or not."""
    return recorded_attention(module, *arguments, plain=_plain_eager_attention, **options)


def _plain_eager_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, Tensor | None]:
    """The family's own eager function, in chunks where a text is long."""
    eager = _eager_function(module)
    call = AttentionCall(module, eager, query, key, value, attention_mask, options)
    if call.weight_bytes > MAX_WEIGHT_BYTES:
        return chunked_attention(call), None
    return eager(module, query, key, value, attention_mask, **options)


def _eager_function(module: nn.Module) -> AttentionFunction:
    """The function that the family of a module calls eager attention, with all its particulars."""
    code = sys.modules[type(module).__module__]
    function: AttentionFunction = getattr(code, "eager_attention_forward", _eager_attention)
    return function


def _eager_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **options: Any,
) -> tuple[Tensor, Tensor]:
    """For a family that has no function of its own."""
    n_groups = query.shape[1] // key.shape[1]
    key, value = repeat_kv(key, n_groups), repeat_kv(value, n_groups)
    factor = query.shape[-1] ** -0.5 if scaling is None else scaling
    products = query @ key.transpose(2, 3) * factor
    masked = products if attention_mask is None else products + attention_mask
    weights = torch.softmax(masked, -1)
    return (weights @ value).transpose(1, 2).contiguous(), weights


for _name, _function in (
    (ATTENTION, recorded_attention),
    (EAGER_ATTENTION, recorded_eager_attention),
):
    AttentionInterface.register(_name, _function)
    # Without a mask of its own, transformers would pass None and padding would be attended to.
    AttentionMaskInterface.register(_name, eager_mask)
