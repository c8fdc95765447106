"""torch's functions made linear at the values they take, by what each of them does.

A tensor depends on the text where it requires a gradient.  For those that do,

* a softmax, the scale of a normalization and any other divisor are held at their values,
* an activation f(x) is x times the slope (f(x) - f(0)) / x, held, and f(0) is a constant,
* in a product of n factors each takes 1/n of it, as the product is linear in each,
* a constant that is added is a bias, whose share can be read off.

No value changes, and what is differentiated afterwards adds up.  The rules know functions and no
architecture.  That factors share a product alike is a convention (the uniform rule of Achtibat et
al. 2024, AttnLRP); all others leave no choice.  Source: viz/attribution/README.md 1.3.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor

from viz.model.functions import Handler, OnSoftmax, RecordedFunctions

LARGEST_CONSTANT = 1e4
"""Numbers put in the place of a state beyond this size are masks, which a softmax turns to 0."""


class LinearizedFunctions(RecordedFunctions):
    """Runs torch's non-linear functions as linear ones that give the same values.

    Each constant that is added becomes a leaf of its own, so that its share can be read off without
    touching the shared parameters.

    Args:
        biases: Where these leaves go, in the order in which they are added.
        on_softmax: What is asked of every softmax; by default each is held.
        double: Whether the network is one in double precision.
    """

    def __init__(
        self,
        biases: list[Tensor] | None = None,
        on_softmax: OnSoftmax = lambda scores, weights, dim: weights.detach(),
        *,
        double: bool = False,
    ) -> None:
        super().__init__(on_softmax, double=double)
        self.biases: list[Tensor] = [] if biases is None else biases
        self.attention_places: set[int] = set()
        """Where attention weights lie that are differentiated by: no factors of the text's."""
        handlers: dict[Callable[..., Any], Handler] = {
            F.linear: self._linear,
            torch.addmm: self._sum_and_product,
            torch.baddbmm: self._sum_and_product,
            torch.addcmul: self._sum_and_product,
            torch.Tensor.addmm: self._sum_and_product,
            torch.Tensor.baddbmm: self._sum_and_product,
            F.layer_norm: self._layer_norm,
            F.rms_norm: self._rms_norm,
            F.normalize: self._normalize,
            torch.where: self._where,
            torch.Tensor.where: self._where_method,
            F.glu: self._glu,
            torch.Tensor.__setitem__: self._set_item,
            **dict.fromkeys(_of(torch, F, names="conv1d conv2d"), self._convolution),
            **dict.fromkeys(_of(*_NAMESPACES, names="masked_fill masked_fill_"), self._masked_fill),
            **dict.fromkeys(
                _of(torch, names="cat concat concatenate stack hstack vstack"), self._joined
            ),
            **dict.fromkeys(_of(*_NAMESPACES, names=_SUMS), self._sum),
            **dict.fromkeys(_of(*_NAMESPACES, names=_PRODUCTS), self._product),
            **dict.fromkeys(_of(*_NAMESPACES, names=_DIVISIONS), self._division),
            **dict.fromkeys(_of(*_NAMESPACES, torch.linalg, names=_SCALES), self._held),
            **dict.fromkeys(_of(*_NAMESPACES, names=_POWERS), self._power),
            **dict.fromkeys(_of(*_NAMESPACES, F, names=_ACTIVATIONS), self._activation),
            torch.linalg.solve_triangular: self._solution,
            torch.Tensor.__rtruediv__: self._held,
            torch.Tensor.__rdiv__: self._held,
        }
        self.handlers |= handlers

    def leaf(self, constant: Tensor) -> Tensor:
        """A constant as a leaf, whose share is that of a bias."""
        self.biases.append(constant.detach().requires_grad_())
        return self.biases[-1]

    def _constant(self, value: Any, like: Tensor) -> Any:
        """A term that doesn't depend on the text, as a leaf; anything else as it is."""
        if isinstance(value, Tensor):
            known = value.requires_grad or not value.is_floating_point()
            return value if known else self.leaf(value)
        if isinstance(value, float | int) and value != 0 and abs(value) < LARGEST_CONSTANT:
            return self.leaf(like.new_tensor(float(value)))
        return value

    def _shared(self, *operands: Any) -> tuple[Any, ...]:
        """The factors of a product, each with its share of the gradient."""
        dependent = [_depends_one(each) and not self._is_attention(each) for each in operands]
        share = 1 / max(1, sum(dependent))
        if share == 1:
            return operands
        return tuple(
            _ScaledGradient.apply(each, share)  # type: ignore[no-untyped-call]
            if depends
            else each
            for each, depends in zip(operands, dependent, strict=True)
        )

    def _is_attention(self, tensor: Tensor) -> bool:
        return tensor.untyped_storage().data_ptr() in self.attention_places

    def _softmax(
        self, func: Callable[..., Tensor], scores: Tensor, *args: Any, **named: Any
    ) -> Any:
        weights = super()._softmax(func, scores, *args, **named)
        if weights.requires_grad:
            self.attention_places.add(weights.untyped_storage().data_ptr())
        return weights

    def _linear(
        self, func: Callable[..., Tensor], x: Tensor, weight: Tensor, bias: Tensor | None = None
    ) -> Tensor:
        if not (x.requires_grad or weight.requires_grad):
            return func(x, weight, bias)
        x, weight = self._shared(x, weight)
        return func(x, weight, None if bias is None else self._constant(bias, x))

    def _convolution(
        self,
        func: Callable[..., Tensor],
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        *args: Any,
        **named: Any,
    ) -> Tensor:
        if not (x.requires_grad or weight.requires_grad):
            return func(x, weight, bias, *args, **named)
        x, weight = self._shared(x, weight)
        return func(x, weight, None if bias is None else self._constant(bias, x), *args, **named)

    def _sum_and_product(
        self, func: Callable[..., Tensor], term: Tensor, *factors: Tensor, **named: Any
    ) -> Tensor:
        if _depends(*factors):
            factors = self._shared(*factors)
            return func(self._constant(term, term), *factors, **named)
        return self._sum(lambda a, b: a + b, term, func(torch.zeros_like(term), *factors, **named))

    def _sum(self, func: Callable[..., Tensor], *terms: Any, **named: Any) -> Tensor:
        a, b, *others = terms if len(terms) > 1 else (*terms, named.pop("other"))
        a_depends, b_depends = _depends(a), _depends(b)
        if a_depends and not b_depends:
            b = self._constant(b, a)
        elif b_depends and not a_depends:
            a = self._constant(a, b)
            if isinstance(a, Tensor) and a.is_leaf:
                a = a.clone()  # what stands in front of += can't be a leaf
        return func(a, b, *others, **named)

    def _product(self, func: Callable[..., Tensor], *factors: Any, **named: Any) -> Tensor:
        if func in _PRODUCTS_IN_PLACE and all(map(_depends_one, factors)):
            target, factor = factors
            product: Tensor = target.copy_(torch.mul(*self._shared(target.clone(), factor)))
            return product
        return func(*self._shared(*factors), **named)

    def _division(self, func: Callable[..., Tensor], *args: Any, **named: Any) -> Tensor:
        dividend, divisor, *others = args if len(args) > 1 else (*args, named.pop("other"))
        constant = divisor.detach() if isinstance(divisor, Tensor) else divisor
        return func(dividend, constant, *others, **named)

    def _solution(self, func: Callable[..., Tensor], a: Tensor, b: Tensor, **named: Any) -> Tensor:
        """Of a system of equations, which divides by a matrix: held, as every divisor."""
        return func(a.detach(), b, **named)

    def _held(self, func: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with torch.no_grad():
            return func(*args, **named)

    def _power(self, func: Callable[..., Tensor], x: Any, *args: Any, **named: Any) -> Tensor:
        exponent = args[0] if args else named.get("exponent", 2.0)
        if not isinstance(exponent, float | int) or exponent < 1:
            scale: Tensor = self._held(func, x, *args, **named)
            return scale
        return self._activation(func, x, *args, **named)

    def _activation(self, func: Callable[..., Tensor], *args: Any, **named: Any) -> Tensor:
        x, *others = args if args else (named.pop("input"),)
        if not _depends(x):
            return func(x, *others, **named)
        named.pop("inplace", None)
        with torch.no_grad():
            activated = func(x.detach(), *others, **named)
            at_zero = float(func(x.new_zeros(1), *others, **named))
        return self.linearized(x, activated, at_zero)

    def linearized(self, x: Tensor, activated: Tensor, at_zero: float) -> Tensor:
        """`activated`, as f(0) and `x` times a slope that is held."""
        if not x.requires_grad or at_zero == 0:
            return linearized_activation(x, activated) if x.requires_grad else activated
        finite = x.isfinite()
        if bool(finite.all()):
            return linearized_activation(x, activated - at_zero) + self.leaf(x.new_tensor(at_zero))
        # Only a mask puts an infinity there, so what f makes of it is a constant.
        whole = self.linearized(x.masked_fill(~finite, 0), activated, at_zero)
        return torch.where(finite, whole, self.leaf(activated))

    def _layer_norm(
        self,
        func: Callable[..., Tensor],
        x: Tensor,
        normalized_shape: Sequence[int],
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> Tensor:
        if not x.requires_grad:
            return func(x, normalized_shape, weight, bias, eps)
        dims = tuple(range(-len(normalized_shape), 0))
        centered = x - x.mean(dims, keepdim=True)
        scale = (centered.square().mean(dims, keepdim=True) + eps).rsqrt().detach()
        scaled = centered * scale if weight is None else centered * scale * weight
        return scaled if bias is None else scaled + self._constant(bias, x)

    def _rms_norm(
        self,
        func: Callable[..., Tensor],
        x: Tensor,
        normalized_shape: Sequence[int],
        weight: Tensor | None = None,
        eps: float | None = None,
    ) -> Tensor:
        dims = tuple(range(-len(normalized_shape), 0))
        least = torch.finfo(x.dtype).eps if eps is None else eps
        scale = (x.detach().square().mean(dims, keepdim=True) + least).rsqrt()
        return x * scale if weight is None else x * scale * weight

    def _normalize(
        self,
        func: Callable[..., Tensor],
        x: Tensor,
        p: float = 2.0,
        dim: int = 1,
        eps: float = 1e-12,
        out: Tensor | None = None,
    ) -> Tensor:
        size: Tensor = torch.linalg.vector_norm(x.detach(), p, dim, keepdim=True)
        return x / size.clamp_min(eps)

    def _glu(self, func: Callable[..., Tensor], x: Tensor, dim: int = -1) -> Tensor:
        value, gate = x.chunk(2, dim)
        half_open = self._activation(torch.sigmoid, gate)
        return self._product(torch.mul, value, half_open)

    def _where(self, func: Callable[..., Tensor], condition: Tensor, *args: Any) -> Any:
        if len(args) < 2 or not _depends(*args):
            return func(condition, *args)
        like = next(each for each in args if _depends(each))
        return func(condition, *(self._constant(each, like) for each in args))

    def _where_method(
        self, func: Callable[..., Tensor], x: Tensor, condition: Tensor, other: Any
    ) -> Any:
        return self._where(torch.where, condition, x, other)

    def _masked_fill(
        self, func: Callable[..., Tensor], x: Tensor, mask: Tensor, value: Any
    ) -> Tensor:
        if not _depends(x) or isinstance(value, Tensor):
            return func(x, mask, value)
        constant = self._constant(value, x)
        return torch.where(mask, constant, x) if _depends(constant) else func(x, mask, value)

    def _joined(
        self, func: Callable[..., Tensor], tensors: Sequence[Tensor], *args: Any, **named: Any
    ) -> Tensor:
        if _depends(*tensors):
            tensors = [self._constant(each, each) for each in tensors]
        return func(tensors, *args, **named)

    def _set_item(self, func: Callable[..., None], x: Tensor, index: Any, value: Any) -> None:
        func(x, index, self._constant(value, x) if _depends(x) else value)


def linearized_activation(value: Tensor, activated: Tensor) -> Tensor:
    """`activated`, written as `value` times a slope that is held fixed; 0 stays 0."""
    # Of what depends on nothing, so that the zeros are no bias.
    x, activated = value.detach(), activated.detach()
    slope = torch.where(x == 0, torch.zeros_like(x), activated / x)
    return value * slope


class _ScaledGradient(torch.autograd.Function):
    """A tensor as it is, whose gradient is multiplied by a factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0] * ctx.factor, None


def _depends_one(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _depends(*values: Any) -> bool:
    """Whether one of several values depends on the text."""
    return any(map(_depends_one, values))


def _of(*namespaces: Any, names: str) -> list[Callable[..., Any]]:
    """Functions by their names, from wherever torch has them."""
    functions = (getattr(each, name, None) for each in namespaces for name in names.split())
    return [function for function in functions if function is not None]


_NAMESPACES = (torch, torch.Tensor)
_SUMS = "add add_ __add__ __radd__ __iadd__ sub sub_ __sub__ __rsub__ __isub__ subtract rsub"
_PRODUCTS = (
    "mul mul_ multiply __mul__ __rmul__ __imul__ matmul __matmul__ __rmatmul__ mm mv bmm dot outer "
    "einsum"
)
_PRODUCTS_IN_PLACE = (torch.Tensor.mul_, torch.Tensor.__imul__)
_DIVISIONS = "div div_ divide true_divide __truediv__ __itruediv__ __div__ __idiv__"
_SCALES = "rsqrt sqrt reciprocal var std norm vector_norm std_mean var_mean"
_POWERS = "pow __pow__ square"
_ACTIVATIONS = (
    "gelu silu mish tanh sigmoid softplus elu celu selu exp erf sin cos logsigmoid relu6 hardtanh "
    "hardswish hardsigmoid softsign clamp clamp_min clamp_max quick_gelu tanhshrink softshrink"
)
