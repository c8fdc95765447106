"""The operations of one pass, in order, and what each was given."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from viz.mechanism.trace.moving_functions import MOVES


class Ref(NamedTuple):
    """Stands for a tensor among the arguments of a function."""

    node: int


@dataclass(eq=False, slots=True)
class Node:
    """A tensor of the pass, and the call that made it, if any."""

    index: int
    tensor: Tensor
    name: str = ""
    """What the function is called; empty for what no function of the pass has made."""
    func: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    """With a `Ref` in the place of each tensor."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    place: int | None = None
    """Which of several outputs it is; None where the function has one."""
    parameter: str = ""
    """The name of the parameter that it is."""
    input: str = ""
    """The name of the model's input that it is."""
    follows_text: bool = False
    """Whether it depends on the ids of the text."""
    learned: bool = False
    """Whether it depends on parameters."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the tensor."""
        return tuple(self.tensor.shape)

    @property
    def moves(self) -> bool:
        """Whether its numbers were moved here, not computed."""
        return self.func is not None and self.name in MOVES

    @property
    def is_state(self) -> bool:
        """Whether it holds what was looked up for the text, or was computed from it."""
        return self.follows_text and self.learned and self.tensor.is_floating_point()


class Segment(NamedTuple):
    """What an entry of a list of modules has computed: its nodes from `start` to before `end`."""

    start: int
    end: int


@dataclass(slots=True)
class Graph:
    """All tensors of one pass."""

    nodes: list[Node] = field(default_factory=list)
    attention: list[int] = field(default_factory=list)
    """The attention weights of each layer."""
    segments: list[Segment] = field(default_factory=list)
    """What entries of lists of modules have computed, inner ones before outer ones."""
    output: int = -1
    """The logits."""
    activations: dict[int, int] = field(default_factory=dict)
    """What an activation was given, by what it gave."""
    _consumers: dict[int, list[int]] = field(default_factory=dict)
    _weights: set[int] = field(default_factory=set)

    def __getitem__(self, index: int) -> Node:
        return self.nodes[index]

    @property
    def weights(self) -> set[int]:
        """The nodes that hold attention weights, also where they have been moved."""
        if not self._weights:
            pending = list(self.attention)
            while pending:
                index = pending.pop()
                self._weights.add(index)
                pending += [each for each in self.consumers(index) if self[each].moves]
        return self._weights

    def consumers(self, index: int) -> list[int]:
        """The nodes that were given a node."""
        if not self._consumers:
            consumers = defaultdict(list)
            for node in self.nodes:
                for ref in dict.fromkeys(refs(node.args, node.kwargs)):
                    consumers[ref.node].append(node.index)
            self._consumers = dict(consumers)
        return self._consumers.get(index, [])


def refs(*structures: Any) -> Iterator[Ref]:
    """All tensors in some arguments, in order."""
    for structure in structures:
        if isinstance(structure, Ref):
            yield structure
        elif isinstance(structure, (tuple, list)):
            yield from refs(*structure)
        elif isinstance(structure, Mapping):
            yield from refs(*structure.values())


def replaced(structure: Any, replace: Callable[[Any], Any]) -> Any:
    """Arguments with each leaf, a tensor or a Ref or any other, replaced."""
    if isinstance(structure, Ref) or not isinstance(structure, (tuple, list, dict)):
        return replace(structure)
    if isinstance(structure, dict):
        return {name: replaced(each, replace) for name, each in structure.items()}
    several = (replaced(each, replace) for each in structure)
    return list(several) if isinstance(structure, list) else tuple(several)


def is_number(value: Any) -> bool:
    """Whether a leaf is a plain number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def storage(tensor: Tensor) -> int:
    """Where the numbers of a tensor lie."""
    return int(tensor.untyped_storage().data_ptr())
