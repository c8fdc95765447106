"""Keeps every operation of one pass, whatever the family of the network."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from viz.errors import MethodError
from viz.mechanism.trace.graph import Graph, Node, Ref, Segment, refs, replaced, storage
from viz.mechanism.trace.moving_functions import GETTERS
from viz.model.recording import Recorder

MAX_TRACE_BYTES = 3 * 2**30
"""What all tensors of a traced pass may take: BERT-base takes about 1 GB at 512 tokens."""
IN_PLACE = {"__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__", "__idiv__"}


class TraceRecorder(Recorder):
    """Records one pass as a graph of its operations.

    Args:
        model: Whose parameters are named.
        inputs: The model's inputs by name; what is looked up by `input_ids` is of the text.
    """

    def __init__(self, model: nn.Module, inputs: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.graph = Graph()
        self._operations = _Operations(self.graph, model, inputs)

    def __enter__(self) -> Self:
        # Below the mode that takes fused attention apart, so that each of its steps is seen.
        self._operations.__enter__()  # type: ignore[no-untyped-call]
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop recording, also after an error."""
        super().__exit__(kind, error, traceback)
        self._operations.__exit__(kind, error, traceback)  # type: ignore[no-untyped-call]

    def on_weights(self, weights: Tensor) -> Tensor:
        """Know which tensor holds the weights of a layer."""
        self.graph.attention.append(self._operations.node(weights))
        return weights

    def on_activation(self, value: Tensor, activated: Tensor, at_zero: float) -> Tensor:
        """Know what one function of each number was given, whatever it is computed with."""
        own = self._operations.node
        self.graph.activations[own(activated)] = own(value)
        return activated

    def on_enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """A stretch begins."""
        self._operations.open.append(len(self.graph.nodes))

    def on_leave(self, output: Any) -> None:
        """A stretch ends."""
        segment = Segment(self._operations.open.pop(), len(self.graph.nodes))
        self.graph.segments.append(segment)

    def finish(self, logits: Tensor, after: Callable[[Tensor], object]) -> Graph:
        """The graph of a pass that has run, with what is computed from its logits after it."""
        self.graph.output = self._operations.node(logits)
        with self._operations:
            after(logits)
        return self.graph


class _Operations(TorchFunctionMode):
    """Sees each call of a function of torch; for the current thread only."""

    def __init__(self, graph: Graph, model: nn.Module, inputs: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.graph = graph
        self.open: list[int] = []
        """Where the stretches begin that have not ended yet."""
        # By id, with the tensor kept in its node: an id is free again once its tensor is gone.
        self._nodes: dict[int, int] = {}
        self._by_storage: dict[int, list[int]] = defaultdict(list)
        self._overwritten: set[int] = set()
        """Where tensors lie that were overwritten: what else is seen there is computed, too."""
        self._n_bytes = 0
        self._parameters = {id(tensor): name for name, tensor in model.named_parameters()}
        self._inputs = {id(tensor): name for name, tensor in inputs.items()}
        self._text_places = {
            storage(tensor) for name, tensor in inputs.items() if name == "input_ids"
        }

    def node(self, tensor: Tensor) -> int:
        """The node of a tensor; a new one where no function of the pass has made it."""
        index = self._nodes.get(id(tensor))
        if index is not None and self.graph[index].tensor is tensor:
            return index
        name = self._parameters.get(id(tensor), "")
        changed = storage(tensor) in self._overwritten
        return self._add(
            Node(
                len(self.graph.nodes),
                tensor,
                parameter=name,
                learned=bool(name) or changed,
                input=self._inputs.get(id(tensor), ""),
                follows_text=storage(tensor) in self._text_places or changed,
            )
        )

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Compute what is wanted, and keep it."""
        kwargs = kwargs or {}
        name = str(GETTERS.get(func) or getattr(func, "__name__", ""))
        overwrites = name in IN_PLACE or (name.endswith("_") and not name.endswith("__"))
        target = args[0] if overwrites and args and isinstance(args[0], Tensor) else None
        if kwargs.get("out") is not None:
            target = kwargs["out"]
        if target is None and not _computes(func, name):
            return func(*args, **kwargs)
        given = replaced((args, kwargs), self._reference)
        if target is not None:
            self._preserve(target)
        output = func(*args, **kwargs)
        results = output if isinstance(output, (tuple, list)) else (output,)
        if target is not None and not isinstance(output, Tensor):
            results = (target,)
        several = isinstance(output, (tuple, list))
        for place, result in enumerate(results):
            if not isinstance(result, Tensor):
                continue
            known = self._nodes.get(id(result))
            if target is None and known is not None and self.graph[known].tensor is result:
                continue  # what a function hands on as it is
            self._add(
                Node(
                    len(self.graph.nodes),
                    result,
                    name,
                    func,
                    given[0],
                    given[1],
                    place if several else None,
                    follows_text=any(self.graph[r.node].follows_text for r in refs(given)),
                    learned=any(self.graph[r.node].learned for r in refs(given)),
                )
            )
        return output

    def _reference(self, value: Any) -> Any:
        return Ref(self.node(value)) if isinstance(value, Tensor) else value

    def _add(self, node: Node) -> int:
        if not node.parameter and not any(
            self.graph[other].tensor.untyped_storage().nbytes()
            for other in self._by_storage.get(storage(node.tensor), ())[:1]
        ):
            self._n_bytes += node.tensor.untyped_storage().nbytes()
            if self._n_bytes > MAX_TRACE_BYTES:
                raise MethodError(
                    "Every operation of a pass over this text would take more than "
                    f"{MAX_TRACE_BYTES / 2**30:.0f} GB of memory; choose a shorter text."
                )
        self.graph.nodes.append(node)
        self._nodes[id(node.tensor)] = node.index
        self._by_storage[storage(node.tensor)].append(node.index)
        return node.index

    def _preserve(self, target: Tensor) -> None:
        """Keep what is about to be overwritten, for all tensors that lie in the same place."""
        self.node(target)
        place = storage(target)
        self._overwritten.add(place)
        with torch._C.DisableTorchFunction():
            for index in self._by_storage.pop(place, ()):
                node = self.graph[index]
                self._nodes.pop(id(node.tensor), None)
                node.tensor = node.tensor.detach().clone()


def _computes(func: Callable[..., Any], name: str) -> bool:
    """Whether a function may give tensors of numbers; attributes such as a shape do not."""
    return bool(name) and (name != "__get__" or func in GETTERS) and name not in _NO_NUMBERS


_NO_NUMBERS = {
    *("size", "dim", "numel", "stride", "item", "tolist", "is_floating_point", "__len__", "numpy"),
    *("requires_grad_", "register_hook", "untyped_storage", "data_ptr", "__set__", "__repr__"),
    *("element_size", "storage_offset", "is_contiguous", "__bool__", "type_promotion", "__hash__"),
}
