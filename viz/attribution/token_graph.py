"""The operations of one pass, from the states that its first layer is given to the logits."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from viz.attribution.operations import operands, overwrites
from viz.model.linear_maps import MATRIX_PRODUCTS


@dataclass(eq=False, slots=True)
class Node:
    """One tensor that depends on the states, and how it was computed."""

    value: Tensor
    name: str = ""
    """The operation; empty for the states that the pass is followed from."""
    function: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    operands: tuple[Any, ...] = ()
    """What it was computed with: nodes, and what doesn't depend on the states as it is."""
    place: int | None = None
    """Which of the tensors that the operation put out it is; None for its only one."""

    @property
    def nodes(self) -> list["Node"]:
        """Those of its operands that depend on the states."""
        return [operand for operand in self.operands if isinstance(operand, Node)]


class TokenGraph(TorchFunctionMode):
    """Keeps what a pass computes; the mode holds for the current thread only."""

    def __init__(self) -> None:
        super().__init__()
        # A node holds its tensor, so that no other tensor can get its id.
        self._nodes: dict[int, Node] = {}
        self._replaced: list[Node] = []
        self.logits: Tensor | None = None
        """(1, C) once the pass has run."""

    def start(self, states: Tensor) -> None:
        """Begin with some states, unless it has begun."""
        if not self._nodes:
            self._nodes[id(states)] = Node(states)

    def node(self, tensor: Tensor | None) -> Node | None:
        """What is known of a tensor."""
        return self._nodes.get(id(tensor))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Compute what was asked for, and keep it."""
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        given = tuple(self._nodes.get(id(each), each) for each in operands(args))
        if not any(isinstance(each, Node) for each in given):
            return func(*args, **kwargs)
        if overwrites(name) and isinstance(given[0], Node):
            given[0].value = given[0].value.clone()
            self._replaced.append(given[0])
            del self._nodes[id(args[0])]
        output = func(*args, **kwargs)
        if output is None:  # written into, piece by piece
            output = args[0]
        if name == "softmax" and isinstance(given[0], Node):
            # How weights come about is never split, and scores are the largest tensors of a pass.
            self._forget_scores(given[0])
            given = ()
        several = isinstance(output, (tuple, list))
        for place, tensor in enumerate(output if several else [output]):
            if _is_followed(name, tensor, given):
                node = Node(tensor, name, func, args, kwargs, given, place if several else None)
                # What leaves a number where it is can put out the tensor that it was given.
                if not any(tensor is each.value for each in node.nodes):
                    self._nodes[id(tensor)] = node
        return output

    def _forget_scores(self, node: Node) -> None:
        """Let go of what a softmax was made from, as far down as it has the same shape."""
        self._nodes.pop(id(node.value), None)
        for operand in node.nodes:
            if operand.value.shape == node.value.shape:
                self._forget_scores(operand)


def _is_followed(name: str, tensor: Any, given: Iterable[Any]) -> bool:
    """Whether a tensor depends on the states in more than one number for each row.

    What a row is divided by, such as its length, is held; its mean is subtracted from it.  A head
    for one class puts out one number as well, which a linear map makes.
    """
    if not (isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.dim() > 0):
        return False
    if tensor.shape[-1] > 1 or name == "mean" or name in MATRIX_PRODUCTS:
        return True
    nodes = [each for each in given if isinstance(each, Node)]
    return any(each.value.shape[-1] == 1 and each.name != "mean" for each in nodes)
