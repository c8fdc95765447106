"""Rules by what functions do: no value changes, and input and biases add up to the output."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor
from transformers.activations import ACT2FN

from viz.model.functions import RecordedFunctions
from viz.model.hooks import is_activation
from viz.model.linearized import LinearizedFunctions

GENERATOR = torch.Generator().manual_seed(0)
W = torch.randn(6, 6, generator=GENERATOR, dtype=torch.float64)
B = torch.randn(6, generator=GENERATOR, dtype=torch.float64)
KERNEL = torch.randn(4, 4, 3, generator=GENERATOR, dtype=torch.float64)
MASK = torch.tensor([True, False, True, False, False, True])


def rms_norm_written_out(x: Tensor) -> Tensor:
    return (1 + B) * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


def layer_norm_written_out(x: Tensor) -> Tensor:
    mean, deviation = x.mean(-1, keepdim=True), x.std(-1, keepdim=True)
    return B * (x - mean) / (deviation + 1e-6) + 1


def attention(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x @ W, x, x @ W.T, is_causal=True)


def experts(x: Tensor) -> Tensor:
    weights, chosen = (x @ W).softmax(-1).topk(2)
    outputs = torch.stack([x @ W, F.silu(x) @ W.T, x * 2 + B], -2)
    return (
        outputs.gather(-2, (chosen % 3)[..., None].expand(*chosen.shape, 6)) * weights[..., None]
    ).sum(-2)


def in_place(x: Tensor) -> Tensor:
    y = x * 2
    y += B
    y[:, 0] = B
    z = torch.zeros_like(x) + 1
    z += y
    return z


def delta_rule(x: Tensor) -> Tensor:
    state, outputs = torch.zeros(6, 6, dtype=x.dtype), []
    for row in x[0]:
        gate = torch.sigmoid(row @ W).mean()
        state = state * gate + torch.outer(row, row @ W)
        outputs.append(row @ state)
    return torch.stack(outputs)[None]


def masked_decay(x: Tensor) -> Tensor:
    """As in linear attention: what is to come is masked by minus infinity."""
    total = F.softplus(x[..., 0]).cumsum(-1)
    to_come = torch.ones(4, 4, dtype=torch.bool).triu(1)
    return (total[..., None] - total[..., None, :]).masked_fill(to_come, -torch.inf).exp() @ x


def solved(x: Tensor) -> Tensor:
    system = x @ x.transpose(-1, -2)
    solution: Tensor = torch.linalg.solve_triangular(system, x, upper=False, unitriangular=True)
    return solution


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: F.linear(x, W, B),
    "Conv1D": lambda x: torch.addmm(B, x[0], W)[None],
    "convolution": lambda x: F.conv1d(x, KERNEL, B[:4], padding=1),
    "LayerNorm": lambda x: F.layer_norm(x, (6,), B, B),
    "RMSNorm": lambda x: F.rms_norm(x, (6,), B, 1e-6),
    "RMSNorm written out": rms_norm_written_out,
    "LayerNorm written out": layer_norm_written_out,
    "unit length": lambda x: F.normalize(x, dim=-1),
    "GLU": lambda x: F.silu(x @ W) * (x @ W.T + B),
    "F.glu": lambda x: F.glu(x),
    "three factors": lambda x: x * (x @ W) * (x @ W.T),
    "square": lambda x: x**2 + (x @ W).square(),
    "soft cap": lambda x: torch.tanh(x @ W / 3) * 3,
    "sigmoid": lambda x: torch.sigmoid(x @ W + B),
    "exponential": lambda x: torch.exp(x),
    "softplus": lambda x: F.softplus(x @ W),
    "clamp": lambda x: (x @ W).clamp(min=0.5, max=1.5),
    "GELU of tanh": lambda x: F.gelu(x @ W, approximate="tanh"),
    "constants": lambda x: 1 - x + 2.0 - B,
    "masks": lambda x: torch.where(MASK, x, B) + x.masked_fill(MASK, 2.0),
    "joined": lambda x: torch.cat([x, B.expand(1, 4, 6)], 1).flip(1),
    "attention": attention,
    "einsum": lambda x: torch.einsum("btd,bsd,bse->bte", x, x @ W, x),
    "experts": experts,
    "in place": in_place,
    "product in place": lambda x: (x * 2).mul_(x @ W),
    "concatenated": lambda x: torch.concatenate([x, B.expand(1, 4, 6)], -1),
    "masked decay": masked_decay,
    "solution": solved,
    "recurrence": delta_rule,
}
"""What networks are made of, some of it written in several ways."""


def parts(function: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor, float, float]:
    """The output as it is, as made linear, and what input and biases have of a mix of it."""
    x = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = function(x)
    leaf = x.clone().requires_grad_()
    with LinearizedFunctions() as linear:
        output = function(leaf)
    mix = torch.linspace(1, 2, output.numel(), dtype=x.dtype).view(output.shape)
    value = (output * mix).sum()
    leaves = [leaf, *linear.biases]
    slopes = torch.autograd.grad(value, leaves, allow_unused=True)
    pairs = zip(leaves, slopes, strict=True)
    shares = sum(float((a.detach() * b).sum()) for a, b in pairs if b is not None)
    return expected, output.detach(), shares, float(value.detach())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_value_changes_and_parts_add_up(name: str) -> None:
    expected, output, shares, value = parts(FUNCTIONS[name])
    torch.testing.assert_close(output, expected, rtol=1e-12, atol=1e-12)
    assert shares == pytest.approx(value, rel=1e-11, abs=1e-11)


def test_a_function_that_no_rule_knows_does_not_add_up() -> None:
    _, _, shares, value = parts(torch.atan)
    assert abs(shares - value) > 1e-3


def test_an_activation_that_leaves_0_as_it_is_adds_no_bias() -> None:
    x = torch.tensor([0.0, 1.0, -2.0], requires_grad=True)
    functions = LinearizedFunctions()
    with functions:
        fixed = functions.linearized(x, F.gelu(x), 0.0)
    assert not functions.biases
    (slope,) = torch.autograd.grad(fixed.sum(), x)
    activated = F.gelu(x.detach())
    torch.testing.assert_close(slope, torch.stack([x[0] * 0, activated[1], activated[2] / -2]))


def test_factors_of_a_product_share_it_alike() -> None:
    a = torch.tensor([2.0], requires_grad=True)
    b = torch.tensor([3.0], requires_grad=True)
    with LinearizedFunctions():
        product = a * b
    slopes = torch.autograd.grad(product.sum(), [a, b])
    assert [float(slope) for slope in slopes] == [1.5, 1.0]


@pytest.mark.parametrize("name", ["gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "silu",
                                  "relu2", "mish", "laplace", "tanh"])  # fmt: skip
def test_activations_are_told_by_trying_them(name: str) -> None:
    assert is_activation(ACT2FN[name])


def test_a_last_bit_that_depends_on_the_place_makes_no_difference() -> None:
    class Vectorized(torch.nn.Module):
        def forward(self, numbers: Tensor) -> Tensor:
            values = numbers.tanh()
            values.view(-1)[:16] = torch.nextafter(values.view(-1)[:16], torch.tensor(2.0))
            return values

    assert is_activation(Vectorized())


@pytest.mark.parametrize(
    "module",
    [torch.nn.Identity(), torch.nn.Dropout(), torch.nn.Softmax(-1), torch.nn.Linear(4, 4),
     torch.nn.LayerNorm(4), torch.nn.Flatten(), torch.nn.Embedding(3, 4)],
)  # fmt: skip
def test_other_modules_are_no_activations(module: torch.nn.Module) -> None:
    assert not is_activation(module.eval())


def test_fused_attention_is_taken_apart_and_seen() -> None:
    seen: list[Tensor] = []

    def on_softmax(scores: Tensor, weights: Tensor, dim: int) -> Tensor:
        seen.append(weights)
        return weights

    query, value = (torch.randn(1, n, 5, 8, generator=GENERATOR) for n in (4, 2))
    expected = F.scaled_dot_product_attention(query, value, value, is_causal=True, enable_gqa=True)
    with RecordedFunctions(on_softmax):
        output = F.scaled_dot_product_attention(
            query, value, value, is_causal=True, enable_gqa=True
        )
    torch.testing.assert_close(output, expected, rtol=1e-5, atol=1e-6)
    assert [tuple(weights.shape) for weights in seen] == [(1, 4, 5, 5)]
