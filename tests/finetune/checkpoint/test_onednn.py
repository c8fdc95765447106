"""Linear layers by oneDNN give what torch gives, however their tensors lie in memory."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from finetune.checkpoint import onednn
from finetune.checkpoint.onednn import LinearByOneDnn, gains, products

needs_onednn = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="torch was built without oneDNN"
)


def layer(
    *, rows: tuple[int, ...] = (5, 7), wide: bool = True, layout: str = "plain"
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Input, weight and bias of a layer."""
    torch.manual_seed(0)
    n_out = 400 if wide else 1
    x, weight, bias = torch.randn(*rows, 300), torch.randn(n_out, 300), torch.randn(n_out)
    match layout:
        case "no bias":
            return x, weight, None
        case "transposed":
            return x.transpose(0, -2), weight.t().contiguous().t(), bias
        case "expanded":
            return x[:1].expand_as(x), weight, bias[:1].expand_as(bias)
        case "strided":
            return x, torch.randn(n_out, 600)[:, ::2], torch.randn(2 * n_out)[::2]
        case "empty":
            return x[:0], weight, bias
    return x, weight, bias


@needs_onednn
@pytest.mark.parametrize("rows", [(), (1,), (5, 7)])
@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("layout", ["plain", "no bias"])
def test_a_linear_layer_is_what_it_is_in_double_precision(
    rows: tuple[int, ...], wide: bool, layout: str
) -> None:
    check(*layer(rows=rows, wide=wide, layout=layout))


@needs_onednn
@pytest.mark.parametrize("layout", ["transposed", "expanded", "strided", "empty"])
def test_tensors_may_lie_in_memory_in_any_way(layout: str) -> None:
    check(*layer(layout=layout))


def check(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    with torch.inference_mode(), LinearByOneDnn():
        result = F.linear(x, weight, bias)
    expected = F.linear(x.double(), weight.double(), None if bias is None else bias.double())
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_numbers_than_float32_are_left_alone(dtype: torch.dtype) -> None:
    x, weight, bias = (torch.randn(3, 4).to(dtype) for _ in range(3))
    with torch.inference_mode(), LinearByOneDnn():
        result = F.linear(x, weight, bias[0, :3])
    assert torch.equal(result, F.linear(x, weight, bias[0, :3]))


def test_nothing_is_done_where_a_gradient_may_be_taken() -> None:
    assert not isinstance(products(True), LinearByOneDnn)
    with torch.no_grad():
        assert isinstance(products(True), LinearByOneDnn)
        assert not isinstance(products(False), LinearByOneDnn)


def test_whoever_watches_functions_sees_linear_layers() -> None:
    seen: list[object] = []

    class Watch(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            seen.append(func)
            return func(*args, **(kwargs or {}))

    x, weight = torch.randn(2, 4), torch.randn(3, 4)
    with torch.inference_mode(), Watch(), products(True):
        F.linear(x, weight)
    assert F.linear in seen
    seen.clear()
    with torch.inference_mode(), products(True), Watch():
        F.linear(x, weight)
    assert F.linear in seen


def test_a_small_model_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn, "is_faster", lambda: True)
    assert not gains(nn.Linear(64, 64))
    assert not gains(nn.Embedding(1000, 1000))
    assert gains(nn.Sequential(nn.Linear(8, 8), nn.Linear(256, 256)))


@pytest.mark.parametrize(
    ("processor", "faster"),
    [
        ({"avx512_f": True, "cpu_name": "AMD EPYC"}, True),
        ({"avx512_f": False, "cpu_name": "AMD EPYC"}, False),
        ({"avx512_f": True, "cpu_name": "Intel(R) Xeon(R)"}, False),
        ({}, False),
    ],
)
@needs_onednn
def test_it_is_for_processors_whose_long_instructions_mkl_does_not_take(
    processor: dict[str, object], faster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    assert onednn.is_faster.__wrapped__() is faster
