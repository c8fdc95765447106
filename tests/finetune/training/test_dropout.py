"""Dropout that draws four values at once drops what torch's own would, as often."""

import pytest
import torch
from torch import nn

from finetune.training.dropout import LEVELS, SharedDrawDropout, share_draws


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_share_is_dropped_and_the_rest_keeps_the_mean(share: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    states = torch.ones(101, 3, 331, dtype=dtype, requires_grad=True)
    dropped = SharedDrawDropout(share)(states)
    exact = round(share * LEVELS) / LEVELS
    assert (dropped == 0).double().mean() == pytest.approx(exact, abs=0.006)  # 4 standard errors
    kept = dropped[dropped != 0]
    assert torch.equal(kept, torch.full_like(kept, 1 / (1 - exact)))
    dropped.sum().backward()
    assert torch.equal(states.grad, dropped.detach())  # type: ignore[arg-type]
    # Values that share a number, or stand in one row, are dropped independently of each other.
    zero = (dropped.detach() == 0).double().flatten()
    pairs = [torch.corrcoef(torch.stack((zero[:-lag], zero[lag:])))[0, 1] for lag in (1, 2, 3, 331)]
    assert max(map(abs, pairs)) < 0.015


def test_the_mask_hangs_on_the_generator_alone() -> None:
    states, layer = torch.randn(7, 5), SharedDrawDropout(0.4)
    state = torch.random.get_rng_state()
    first, second = layer(states), layer(states)
    assert not torch.equal(first, second)
    torch.random.set_rng_state(state)
    assert torch.equal(layer(states), first)
    assert torch.equal(layer.eval()(states), states)
    assert torch.equal(SharedDrawDropout(0.0)(states), states)
    assert not SharedDrawDropout(1.0)(states).any()


def test_only_torchs_own_dropout_is_taken_over() -> None:
    class Own(nn.Dropout):
        pass

    model = nn.Sequential(nn.Dropout(0.3), Own(), nn.Dropout(inplace=True), nn.Dropout1d())
    share_draws(model)
    assert [type(each) for each in model] == [
        SharedDrawDropout, Own, nn.Dropout, nn.Dropout1d,
    ]  # fmt: skip
    assert model[0].p == 0.3
