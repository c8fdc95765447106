"""Which columns of W_O each head feeds: the map from (layer, head) to inputs of a weight.

It is found by what the model does, whatever its modules are called.  A few short passes are run in
which heads are silenced by the digits of their number, head 5 in those of the digits 1 and 4: an
input of a linear map that is nothing in just these passes holds what head 5 puts out.  The first
linear map behind a layer's attention whose inputs tell all of its heads apart is its output
projection.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

from viz.errors import MethodError
from viz.model.head_gates import HeadGates
from viz.model.linear_maps import MATRIX_PRODUCTS, linear_map

NO_PROJECTION = (
    "Heads of this model can't be turned off: no linear map behind its attention takes up what "
    "each of them puts out."
)


@dataclass(frozen=True, slots=True, eq=False)
class OutputProjection:
    """Where one layer takes up what its heads put out.

    In BERT `attention.output.dense.weight`, (O, I): head h feeds its columns h d to (h + 1) d.
    """

    parameter: str
    """The name of the weight in the model."""
    use: int
    """Which use of that weight in a pass is this layer's: 0 unless layers share it (ALBERT)."""
    n_uses: int
    """How often a pass uses the weight."""
    columns: Tensor
    """Which inputs each head feeds.  (H, d)"""
    size: tuple[int, ...]
    """(I, O)"""
    stride: tuple[int, ...]
    offset: int
    """Where the matrix begins in the storage of the parameter."""

    def matrix(self, weight: Tensor) -> Tensor:
        """The parameter, or a copy of it, as the matrix that inputs are multiplied by.

        A view, so that what is written into it is written into the parameter.  (I, O)
        """
        return weight.as_strided(self.size, self.stride, weight.storage_offset() + self.offset)


class _Product(NamedTuple):
    """A linear map of a parameter, as a pass came to it."""

    layer: int
    """Which layer's attention came last."""
    parameter: str
    use: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    zeros: Tensor
    """Which inputs were 0 for every token.  (I,)"""


class _Products(TorchFunctionMode):
    """Keeps the linear maps of parameters behind the attention of layers."""

    def __init__(self, model: PreTrainedModel, gates: HeadGates) -> None:
        super().__init__()
        self.products: list[_Product] = []
        self.uses: dict[str, int] = {}
        self._gates = gates
        self._parameters: dict[int, list[tuple[str, nn.Parameter]]] = {}
        for name, parameter in model.named_parameters():
            place = parameter.untyped_storage().data_ptr()
            self._parameters.setdefault(place, []).append((name, parameter))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Compute what was asked for, and look at it."""
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        output = func(*args, **kwargs)
        if name == "conv1d" and args[1].shape[-1] == 1 and isinstance(output, Tensor):
            states, weight, *_ = args  # a convolution over one token is a linear map
            self._keep(states.transpose(1, 2), weight[..., 0].T)
        elif name in MATRIX_PRODUCTS and isinstance(output, Tensor):
            if name == "linear":  # I-BERT names its arguments
                named = ("input", "weight", "bias")[len(args) :]
                args = (*args, *(kwargs[each] for each in named if each in kwargs))
            states = args[1] if name in ("addmm", "einsum") else args[0]
            if isinstance(states, Tensor):
                linear = linear_map(name, args, kwargs, states, output)
                if linear is not None:
                    self._keep(linear.input, linear.weight)
        return output

    def _keep(self, states: Tensor, weight: Tensor) -> None:
        inputs = states.reshape(-1, states.shape[-1])
        for name, parameter in self._parameters.get(weight.untyped_storage().data_ptr(), []):
            offset = weight.storage_offset() - parameter.storage_offset()
            if 0 <= offset < parameter.numel() and len(weight) == inputs.shape[1]:
                use = self.uses[name] = self.uses.get(name, -1) + 1
                layer = self._gates.layer - 1
                zeros = (inputs == 0).all(0)
                self.products.append(
                    _Product(layer, name, use, weight.shape, weight.stride(), int(offset), zeros)
                )
                return


def output_projections(
    model: PreTrainedModel, run: Callable[[HeadGates], object], n_layers: int, n_heads: int
) -> tuple[OutputProjection, ...]:
    """The output projection of each layer.

    Args:
        model: Whose heads.
        run: Reads a short text with it, under gates.
        n_layers: How many layers it has.
        n_heads: How many heads each has.

    Raises:
        MethodError: where a layer has none.
    """
    passes = list(_gated_passes(model, run, n_layers, n_heads))
    uses = passes[0].uses
    projections: dict[int, OutputProjection] = {}
    for same in zip(*(each.products for each in passes), strict=True):
        first = same[0]
        if first.layer < 0 or first.layer in projections:
            continue
        columns = _columns([each.zeros for each in same], n_heads)
        if columns is not None:
            projections[first.layer] = OutputProjection(
                first.parameter,
                first.use,
                uses[first.parameter] + 1,
                columns,
                first.size,
                first.stride,
                first.offset,
            )
    if set(projections) != set(range(n_layers)):
        raise MethodError(NO_PROJECTION)
    return tuple(projections[layer] for layer in range(n_layers))


def _gated_passes(
    model: PreTrainedModel, run: Callable[[HeadGates], object], n_layers: int, n_heads: int
) -> Iterator[_Products]:
    """A pass with all heads, and one for each digit of their numbers, counted from 1."""
    parameter = next(model.parameters())
    numbers = torch.arange(1, n_heads + 1)
    for digit in (0, *(2**place for place in range(n_heads.bit_length()))):
        gates = ((numbers & digit) == 0).to(parameter).expand(1, n_layers, n_heads)
        recorder = HeadGates(gates)
        products = _Products(model, recorder)
        with products, torch.inference_mode():
            run(recorder)
        yield products


def _columns(zeros: list[Tensor], n_heads: int) -> Tensor | None:
    """The inputs that each head feeds, (H, d); None where they don't tell the heads apart."""
    always, *by_digit = (each.cpu() for each in zeros)
    number = sum((each.long() << place for place, each in enumerate(by_digit)), torch.tensor(0))
    head = number - 1
    if bool(always.any()):  # which could be any head's: what the others say of the order decides
        in_order = torch.arange(len(head)) // max(1, len(head) // n_heads)
        if not torch.equal(head[~always], in_order[~always]):
            return None
        head = in_order
    columns = [(head == each).nonzero().flatten() for each in range(n_heads)]
    sizes = {len(each) for each in columns}
    if len(sizes) > 1 or 0 in sizes:
        return None
    return torch.stack(columns)
