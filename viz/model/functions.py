"""torch's functions as a recorded pass runs them: where a softmax gives attention, it is seen.

A `TorchFunctionMode` stands between a network's code and torch, for the current thread only, so
that attention is found in families with code of their own, whatever they call it.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor
from torch.overrides import TorchFunctionMode

OnSoftmax = Callable[[Tensor, Tensor, int], Tensor]
"""From what a softmax was given, what it gave and along which dimension, to what to go on with."""
Handler = Callable[..., Any]

SOFTMAX = (F.softmax, torch.softmax, torch.Tensor.softmax)
CASTS = (torch.Tensor.to, torch.Tensor.float, torch.Tensor.type, torch.Tensor.type_as)


class RecordedFunctions(TorchFunctionMode):
    """Hands each softmax to a recorder, and takes fused attention apart.

    Args:
        on_softmax: What is asked of every softmax.
        double: Whether the network is one in double precision, which then stays in it: many
            families normalize in single precision whatever they are loaded in, and what is rounded
            does not add up.
    """

    def __init__(self, on_softmax: OnSoftmax, *, double: bool = False) -> None:
        super().__init__()
        self.on_softmax = on_softmax
        self.handlers: dict[Callable[..., Any], Handler] = {
            **dict.fromkeys(SOFTMAX, self._softmax),
            F.scaled_dot_product_attention: self._attention,
            **(dict.fromkeys(CASTS, self._cast) if double else {}),
        }
        """What is done in the place of a function, which is the first argument."""
        self.paused = False
        """Whether all functions run as they are."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Replace the functions that have a handler, pass on all others."""
        handler = None if self.paused else self.handlers.get(func)
        if handler is None:
            return func(*args, **(kwargs or {}))
        return handler(func, *args, **(kwargs or {}))

    def _softmax(
        self, func: Callable[..., Tensor], scores: Tensor, *args: Any, **named: Any
    ) -> Any:
        if scores.dtype == torch.float64:
            named.pop("dtype", None)  # many families round to single precision here
        dim = named.get("dim", args[0] if args else None)
        weights = func(scores, *args, **named)
        return self.on_softmax(scores, weights, -1 if dim is None else int(dim))

    def _cast(self, func: Callable[..., Any], x: Tensor, *args: Any, **named: Any) -> Any:
        cast = func(x, *args, **named)
        rounds = isinstance(cast, Tensor) and cast.is_floating_point() and x.dtype == torch.float64
        return x.to(cast.device) if rounds else cast

    def _attention(
        self,
        func: Callable[..., Tensor],
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        """`scaled_dot_product_attention` step by step; a recorded pass drops nothing."""
        if enable_gqa:
            n_groups = query.shape[-3] // key.shape[-3]
            key, value = (each.repeat_interleave(n_groups, dim=-3) for each in (key, value))
        factor = query.shape[-1] ** -0.5 if scale is None else scale
        scores = query @ key.transpose(-2, -1) * factor
        lowest = torch.finfo(scores.dtype).min
        if is_causal:
            allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
            scores = scores.masked_fill(~allowed, lowest)
        if attn_mask is not None:
            boolean = attn_mask.dtype == torch.bool
            scores = scores.masked_fill(~attn_mask, lowest) if boolean else scores + attn_mask
        return self.on_softmax(scores, scores.softmax(-1), -1) @ value
