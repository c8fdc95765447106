"""Each function of torch is made by the equation that is given for it, numbers and rows alike."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from viz.errors import SelectionError
from viz.mechanism.trace.computation import Operand
from viz.mechanism.trace.equations import EQUATIONS, difference, recompute
from viz.mechanism.trace.graph import Graph
from viz.mechanism.trace.recorder import TraceRecorder
from viz.mechanism.trace.rules import RULES, computation
from viz.mechanism.trace.selection import Selection, is_plain, made_plain, parse_selection

GENERATOR = torch.Generator().manual_seed(0)
W = torch.randn(6, 5, generator=GENERATOR, dtype=torch.float64)
V = torch.randn(5, generator=GENERATOR, dtype=torch.float64)
X = torch.randn(2, 3, 4, 5, generator=GENERATOR, dtype=torch.float64)
K = torch.randn(2, 3, 7, 5, generator=GENERATOR, dtype=torch.float64)
MASK = torch.tensor([True, False, True, False, True])

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "add": lambda x: x + V,
    "radd": lambda x: 2.0 + x,
    "add with alpha": lambda x: torch.add(x, x.mean(-1, keepdim=True), alpha=3),
    "sub": lambda x: x - V,
    "rsub": lambda x: 1 - x,
    "mul": lambda x: x * V,
    "div": lambda x: x / 3,
    "rdiv": lambda x: 2 / x,
    "pow": lambda x: x**3,
    "neg": lambda x: -x,
    "clamp": lambda x: x.clamp(-0.5, 1),
    "maximum": lambda x: torch.maximum(x, V),
    "where": lambda x: torch.where(MASK, x, -1e4),
    "where method": lambda x: x.where(MASK, V),
    "masked fill": lambda x: x.masked_fill(MASK, -1e9),
    "linear": lambda x: F.linear(x, W, torch.ones(6, dtype=torch.float64)),
    "linear without a bias": lambda x: F.linear(x, W),
    "matmul": lambda x: x @ K.transpose(2, 3),
    "matmul with a vector": lambda x: x @ V,
    "bmm": lambda x: torch.bmm(x.flatten(0, 1), K.flatten(0, 1).transpose(1, 2)),
    "addmm": lambda x: torch.addmm(W[:, 0], x[0, 0], W.T),
    "baddbmm": lambda x: torch.baddbmm(
        torch.ones(6, 4, 7, dtype=torch.float64),
        x.flatten(0, 1),
        K.flatten(0, 1).transpose(1, 2),
        beta=0.5,
        alpha=0.25,
    ),
    "einsum": lambda x: torch.einsum("bhqd,bhkd->qbhk", x, K),
    "einsum of one": lambda x: torch.einsum("bhqd->qdhb", x),
    "einsum over two axes": lambda x: torch.einsum("bhqd,hqe->bde", x, X[0]),
    "softmax": lambda x: x.softmax(-1),
    "softmax over another axis": lambda x: x.softmax(2),
    "log_softmax": lambda x: F.log_softmax(x, -1),
    "layer_norm": lambda x: F.layer_norm(x, (5,), V, W[0], 1e-5),
    "layer_norm without parameters": lambda x: F.layer_norm(x, (5,)),
    "rms_norm": lambda x: F.rms_norm(x, (5,), V, 1e-6),
    "normalize": lambda x: F.normalize(x, dim=-1),
    "mean": lambda x: x.mean(-1, keepdim=True),
    "mean over tokens": lambda x: x.mean(2),
    "sum over two axes": lambda x: x.sum((0, 2)),
    "amax": lambda x: x.amax(-1),
    "max": lambda x: x.max(dim=-1, keepdim=True).values,
    "var": lambda x: x.var(-1, keepdim=True),
    "population var": lambda x: x.var(-1, correction=0),
    "elu": lambda x: F.elu(x, 0.5),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "gelu": F.gelu,
    "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
    **{
        name: getattr(torch, name)
        for name in ("exp", "cos", "sin", "tanh", "erf", "sigmoid", "abs", "floor", "square")
    },
    **{name: getattr(F, name) for name in ("relu", "silu", "mish", "softplus", "hardswish")},
}


def traced(function: Callable[[Tensor], Tensor], x: Tensor) -> Graph:
    recorder = TraceRecorder(nn.Identity(), {"input_ids": x})
    with torch.no_grad(), recorder:
        result = function(x)
    return recorder.finish(result, lambda _: None)


def values(graph: Graph, operand: Operand) -> np.ndarray:
    if not isinstance(operand, Selection):
        return np.asarray(operand)
    tensor = graph[operand.node].tensor
    return torch.take(tensor, torch.from_numpy(np.asarray(operand.places))).double().numpy()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_equation_gives_what_torch_has_given(name: str) -> None:
    graph = traced(FUNCTIONS[name], X)
    node = graph[graph.output]
    width, count = node.shape[-1], node.tensor.numel()
    row = (count // width) // 2 * width
    whole = row + np.arange(width)
    for places in (whole, np.array(row + width - 1), np.array(0)):
        selection = Selection(node.index, places)
        result = computation(graph, selection)
        assert result.operation in EQUATIONS, result.operation
        numbers = [values(graph, operand) for operand in result.operands]
        again = recompute(result.operation, numbers, result.options)
        recorded = values(graph, selection)
        assert difference(again.reshape(recorded.shape), recorded) < 1e-14


def test_every_rule_ends_in_an_equation() -> None:
    operations = set()
    for function in FUNCTIONS.values():
        graph = traced(function, X)
        operations.add(computation(graph, Selection(graph.output, np.array(0))).operation)
    assert operations <= set(EQUATIONS)
    assert len(RULES) > 40


def test_a_function_that_nobody_knows_has_no_equation() -> None:
    graph = traced(lambda x: torch.special.bessel_j0(x), X)
    result = computation(graph, Selection(graph.output, np.array(0)))
    assert result.operation == "opaque"
    assert result.options["function"] == "special_bessel_j0"


def test_what_is_overwritten_later_is_kept_as_it_was() -> None:
    def in_place(x: Tensor) -> Tensor:
        first = x * 2
        second = first + 1
        first += 100
        return second + first

    graph = traced(in_place, X)
    result = computation(graph, Selection(graph.output, np.array(7)))
    second, first = result.operands
    assert values(graph, second) == pytest.approx(float(X.reshape(-1)[7]) * 2 + 1)
    assert values(graph, first) == pytest.approx(float(X.reshape(-1)[7]) * 2 + 100)
    assert isinstance(second, Selection)
    below = computation(graph, second).operands[0]
    assert values(graph, below) == pytest.approx(float(X.reshape(-1)[7]) * 2)


@pytest.mark.parametrize(
    "places",
    [
        np.array(5),
        np.arange(8),
        np.arange(12).reshape(3, 4) * 2,
        np.array([[3, 9], [1, 4]]),
        np.arange(6)[::-1],
        np.arange(2)[:, None] + np.zeros(3, dtype=np.int64),
    ],
)
def test_an_id_names_its_places(places: np.ndarray) -> None:
    selection = Selection(3, places)
    again = parse_selection(selection.id, selection.places.size)
    assert again.node == 3
    np.testing.assert_array_equal(again.places, places)


def test_too_many_irregular_places_have_no_id() -> None:
    places = np.arange(5000) ** 2
    assert not Selection(0, places).has_id
    with pytest.raises(SelectionError):
        _ = Selection(0, places).id


def test_heads_that_lie_end_to_end_are_rows() -> None:
    shape = (1, 3, 4, 2)  # heads, tokens, dimensions
    end_to_end = np.concatenate([np.arange(2) + head * 8 + 2 for head in range(3)])
    assert not is_plain(end_to_end, shape)
    plain = made_plain(end_to_end, shape)
    assert plain is not None
    assert plain.shape == (3, 2)
    assert made_plain(np.array([0, 5, 6]), shape) is None
