"""A tensor comes back from its difference with every bit, whatever is in it."""

import pytest
import torch
from torch import Tensor

from finetune.run.history_format import same_bits
from finetune.run.tensor_differences import difference, restore

ODD = [0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1e-45, -1e-45, 3.4e38, 1.0, -1.0]


def odd(dtype: torch.dtype) -> Tensor:
    return torch.tensor(ODD, dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_bit_comes_back(dtype: torch.dtype) -> None:
    chance = torch.Generator().manual_seed(3)
    first = torch.randn(300, 7, generator=chance).to(dtype)
    near = (first + 1e-3 * torch.randn(300, 7, generator=chance).to(dtype)).to(dtype)
    numbers = odd(dtype)
    pairs = [
        (near, first), (first, near), (first, first), (near.t(), first.t()), (-first, first),
        (numbers, numbers.flip(0)), (numbers.roll(1), numbers), (first[:0], first[:0]),
        (first[0, 0], first[1, 1]),
    ]  # fmt: skip
    for tensor, before in pairs:
        restored = restore(difference(tensor, before), before)
        assert same_bits(restored, tensor)


def test_what_changed_little_is_smaller() -> None:
    chance = torch.Generator().manual_seed(3)
    first = torch.randn(40_000, generator=chance)
    for change, most in ((0.0, 100), (1e-5, 90_000), (1e-3, 120_000)):
        near = first * (1 + change * torch.randn(40_000, generator=chance))
        assert len(difference(near, first)) < most
    anything = torch.randn(40_000, generator=chance)
    assert len(difference(anything, first)) < 4 * 40_000 + 100


def test_what_is_no_difference_is_refused() -> None:
    first = torch.zeros(50)
    stored = difference(torch.full((50,), 1e-40), first)
    longer, damaged = torch.cat([stored, stored]), stored.clone()
    longer[0] += 1
    damaged[8] ^= 0xFF
    for wrong in (longer, damaged, stored[:30]):
        with pytest.raises(ValueError, match="a plane"):
            restore(wrong, first)
