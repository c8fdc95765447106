"""Linear layers of float32 by oneDNN, on processors on which torch's own products are slow.

Torch leaves float32 products on a CPU to MKL, which takes the 512-bit instructions of Intel's
processors alone.  oneDNN, which comes with torch too, takes those of any: on an AMD EPYC 9005 it
computes 230 billion operations a second on one core, MKL 100 billion.  The numbers are float32 all
the same, summed up in another order.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

MIN_WEIGHTS = 2**16
"""Of the largest linear layer of a model: in a smaller one the detour takes more than it gains."""


@cache
def is_faster() -> bool:
    """Whether oneDNN computes products of float32 faster than MKL on this machine's processor."""
    processor = torch.cpu.get_capabilities()
    return (
        bool(processor.get("avx512_f"))
        and "Intel" not in str(processor.get("cpu_name"))
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def gains(model: nn.Module) -> bool:
    """Whether passes of a model are faster `with products(...)` on this machine."""
    largest = max(
        (m.weight.numel() for m in model.modules() if isinstance(m, nn.Linear)), default=0
    )
    return largest >= MIN_WEIGHTS and is_faster()


def products(wanted: bool) -> AbstractContextManager[object]:
    """A context in which linear layers are computed by oneDNN, where that is wanted.

    Only what needs no gradient, and is float32 on a CPU; all else is computed as ever.  Where
    somebody watches torch's functions already, these stay as they are, or they would be missed.
    """
    watched = torch._C._len_torch_function_stack() > 0
    able = wanted and not watched and not torch.is_grad_enabled()
    return LinearByOneDnn() if able else nullcontext()


class LinearByOneDnn(TorchFunctionMode):
    """Computes `F.linear` by oneDNN, for the current thread."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Replace one function, pass on all others."""
        if func is F.linear:
            return _linear(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if not _is_plain(input) or input.numel() == 0:
        return F.linear(input, weight, bias)
    # What is not laid out row by row, as a tensor that was expanded, oneDNN may misread.
    parts = [weight] if bias is None else [weight, bias]
    if not all(_is_plain(part) and part.is_contiguous() for part in parts) or weight.ndim != 2:
        return F.linear(input, weight, bias)
    result: Tensor = torch.ops.mkldnn._linear_pointwise(
        input.contiguous(), weight, bias, "none", [], ""
    )
    return result


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is nothing but numbers of float32 in the memory of a CPU."""
    return (
        type(tensor) in (Tensor, nn.Parameter)
        and tensor.dtype == torch.float32
        and tensor.device.type == "cpu"
    )
