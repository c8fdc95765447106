"""How a pass is recorded without touching the shared model.

A Recorder lives in a ContextVar, so threads that read at once never see each other's texts.  It is
asked by our attention function (`viz.model.attention_function`), by the softmax of families with
attention code of their own (`viz.model.functions`) and by hooks (`viz.model.hooks`).
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor, nn

from viz.errors import MethodError
from viz.model.chunked_attention import AttentionCall, chunked_attention
from viz.model.functions import RecordedFunctions
from viz.model.linearized import LinearizedFunctions

Leaf = Literal["words", "input"]
"""Where gradients start: the word embeddings, or the input of the first layer."""

_active: ContextVar["Recorder | None"] = ContextVar("recorder", default=None)


def active_recorder() -> "Recorder | None":
    """The recorder of this thread."""
    return _active.get()


class GraphCut(NamedTuple):
    """A state through which all that lies below reaches what lies above."""

    state: Tensor
    """(B, T, D)"""
    n_biases: int
    """How many biases were added below."""


class PassLayout(NamedTuple):
    """What a recorder has to know of a pass before it runs."""

    n_rows: int
    n_tokens: int
    time_axis: int | None = 1
    """Which axis of states counts tokens: 1 where they are (B, T, D), 0 in XLNet; None where that
    is not known, so that what a first layer is given can't be split by tokens."""
    by_interface: bool = False
    """Whether attention is known to pass through our own function."""
    double: bool = False
    """Whether the network is one in double precision."""
    long: bool = False
    """Whether the text is a long one, of which no pass keeps the weights of all heads."""


class Recorder:
    """Records one forward pass; use it as a context manager around the pass.

    Args:
        leaf: The tensor to differentiate by; None records under no gradient at all.
        freeze: Whether attention weights and activations are held fixed, so that the network is
            linear in the leaf (viz/attribution/README.md 1.3).
        by_weights: Whether frozen weights can be differentiated by, each layer's on their own.
    """

    computes_weights = True
    """Whether attention is computed step by step, so that its weights can be kept."""

    def __init__(
        self, leaf: Leaf | None = None, *, freeze: bool = False, by_weights: bool = False
    ) -> None:
        self.leaf_name = leaf
        self.freeze = freeze
        self.by_weights = by_weights
        self.leaf: Tensor | None = None
        """(B, T, D) once the pass has run with a `leaf`."""
        self.decoder_leaf: Tensor | None = None
        """The input of the decoder's first layer, where there is a decoder and the leaf is the
        input: what it holds at t is of token t - 1.  (B, T, D)"""
        self.weights: list[Tensor] = []
        """One (B, H, Q, K) for each time that every token looked at every token, in order."""
        self.biases: list[Tensor] = []
        """What a pass made linear has added so far, each a leaf of its own."""
        self.cuts: list[GraphCut] = []
        """Where a frozen pass can be cut in two, from below: behind layers."""
        self.layout = PassLayout(1, 0)
        self.uses_interface = False
        """Whether our own attention function was called."""
        self._first_words: tuple[Tensor, Tensor] | None = None
        self._words_replaced = False
        self._last_state: GraphCut | None = None
        self._functions: RecordedFunctions | None = None
        """What stands between the whole pass and torch."""
        self._in_attention: RecordedFunctions | None = None
        """What stands there while our attention function computes."""
        self._token: Token[Recorder | None] | None = None

    def begin(self, layout: PassLayout) -> None:
        """Be told what comes, before the pass."""
        self.layout = layout

    def __enter__(self) -> Self:
        """Become the recorder of this thread."""
        self._token = _active.set(self)
        if self.freeze:
            self._functions = LinearizedFunctions(
                self.biases, self._on_softmax, double=self.layout.double
            )
        elif not self.layout.by_interface or (
            self.layout.double and (self.computes_weights or self.layout.long)
        ):
            self._functions = RecordedFunctions(self._on_softmax, double=self.layout.double)
        if self._functions is not None:
            self._functions.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop recording, also after an error."""
        if self._functions is not None:
            self._functions.__exit__(kind, error, traceback)  # type: ignore[no-untyped-call]
        for functions in filter(None, (self._functions, self._in_attention)):
            functions.handlers.clear()  # they hold the recorder, and all that it keeps
        self._functions = self._in_attention = None
        if self._last_state is not None and self.cuts:
            self.cuts.append(self._last_state)
        if self._token is not None:
            _active.reset(self._token)

    def replay(self) -> Self:
        """A recorder that does in a pass what this one would do from here on, and keeps nothing."""
        other = copy.copy(self)
        other.weights, other.biases, other.cuts = [], [], []
        other._functions = other._in_attention = other._token = None
        return other

    def attend(self, call: AttentionCall) -> Tensor | None:
        """What a layer's heads put out where the recorder attends; None where the family does.

        (B, Q, H, d)
        """
        with self._functions_as_they_are():
            return self.on_attention(call)

    @contextmanager
    def _functions_as_they_are(self) -> Iterator[None]:
        """Within, no softmax is seen and nothing is made linear."""
        functions = self._functions
        if functions is None or functions.paused:
            yield
            return
        functions.paused = True
        try:
            yield
        finally:
            functions.paused = False

    def softmax_seen(self) -> AbstractContextManager[object]:
        """A context in which each softmax is seen, for our attention function to attend in."""
        if self._functions is not None or not self.computes_weights or self.layout.long:
            return nullcontext()
        if self._in_attention is None:
            self._in_attention = RecordedFunctions(self._on_softmax, double=self.layout.double)
        return self._in_attention

    def required_leaf(self) -> Tensor:
        """The leaf of a pass that has run.  (B, T, D)

        Raises:
            MethodError: where the architecture never passes through it.
        """
        if self.leaf is None:
            raise MethodError(
                "No gradient can be taken through this architecture; choose another method."
            )
        return self.leaf

    def on_attention(self, call: AttentionCall) -> Tensor | None:
        """Attend in the place of one layer, or leave it to the family with None.  (B, Q, H, d)

        Of a long text no weights are kept.
        """
        if self.layout.long and (self.freeze or self.layout.double):
            return chunked_attention(call, frozen=self.freeze)
        return None

    def on_weights(self, weights: Tensor) -> Tensor:
        """Store one layer's weights; return those the layer should go on with."""
        held_weights = weights.detach() if self.freeze else weights
        if self.by_weights:
            held_weights.requires_grad_()
        self.weights.append(held_weights)
        return held_weights

    def on_scores(self, scores: Tensor) -> None:
        """Receive what a softmax over keys was given, masks included.  (B, H, Q, K)"""

    def on_head_outputs(self, outputs: Tensor) -> Tensor:
        """What one layer should go on with in place of its heads' outputs.  (B, Q, H, d)"""
        return outputs

    def on_enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Learn that a pass comes to an entry of a list of modules, and what this is given."""

    def on_leave(self, output: Any) -> None:
        """Learn what the entry that was come to last and not left yet puts out."""

    def on_layer(self, before: Tensor, after: Tensor) -> None:
        """Receive the input and the output of one layer.  Each (B, T, D)

        Where a layer is given the very tensor that the one below put out, nothing passes by, unless
        the network does not read the text through what its first layer is given.
        """
        if not self.freeze or self.layout.time_axis is None:
            return
        if self._last_state is not None and self._last_state.state is before:
            self.cuts.append(self._last_state)
        self._last_state = GraphCut(after, len(self.biases))

    def on_last_states(self, states: Tensor) -> None:
        """Receive what the encoder put out, from which the head reads.  (B, T, D)"""

    def on_leaf(self, name: Leaf, output: Tensor) -> Tensor:
        """Cut the graph at `output` where it is the leaf asked for.  (B, T, D)"""
        if name != self.leaf_name:
            return output
        self.leaf = output.detach().requires_grad_()
        return self.leaf.clone()  # some families (CTRL) go on in place

    def on_decoder_input(self, output: Tensor) -> Tensor:
        """Cut the graph at the input of the decoder's first layer.  (B, T, D)"""
        if self.leaf_name != "input":
            return output
        self.decoder_leaf = output.detach().requires_grad_()
        return self.decoder_leaf.clone()

    def on_first_layer(self, state: Tensor) -> Tensor:
        """What the first layer should go on with in place of a state, whatever its axes."""
        axis = self.layout.time_axis
        if axis is None:
            return state
        oriented = state if axis == 1 else state.transpose(1, axis)
        replaced = self._replace_leading("input", oriented)
        return replaced if axis == 1 else replaced.transpose(1, axis)

    def on_words(self, ids: Tensor, output: Tensor) -> Tensor:
        """What the network goes on with in place of the embeddings of `ids`.

        A decoder looks the text up once more, one token later; what was put in the place of the
        first embeddings stands there too.
        """
        if ids.shape[0] != self.layout.n_rows:  # (T, B)
            return self.on_words(ids.transpose(0, 1), output.transpose(0, 1)).transpose(0, 1)
        if self._first_words is None:
            words = self._replace_leading("words", output)
            if self.layout.time_axis is None:
                words = self._replace_leading("input", words)
            self._first_words = ids, words
            self._words_replaced = words is not output
            return words
        if not self._words_replaced:
            return output
        first, words = self._first_words
        if ids.shape == first.shape and torch.equal(ids, first):
            return words
        if ids.shape == first.shape and torch.equal(ids[:, 1:], first[:, :-1]):
            return torch.cat([output[:, :1], words[:, :-1]], 1)
        return output

    def _replace_leading(self, name: Leaf, state: Tensor) -> Tensor:
        """A state with another in the place of its tokens; some families pad at the end."""
        n_tokens = self.layout.n_tokens
        if state.shape[1] == n_tokens:
            return self.on_leaf(name, state)
        leading = state[:, :n_tokens]
        replaced = self.on_leaf(name, leading)
        return state if replaced is leading else torch.cat([replaced, state[:, n_tokens:]], 1)

    def on_activation(self, value: Tensor, activated: Tensor, at_zero: float) -> Tensor:
        """What to go on with in place of an activation.

        Args:
            value: What the activation was given.
            activated: What it made of it.
            at_zero: What it makes of 0.
        """
        if not isinstance(self._functions, LinearizedFunctions):
            return activated
        self._functions.paused = False
        return self._functions.linearized(value, activated, at_zero)

    def on_activation_entered(self) -> None:
        """Leave functions as they are inside of an activation, which is made linear as a whole."""
        if isinstance(self._functions, LinearizedFunctions):
            self._functions.paused = True

    def _on_softmax(self, scores: Tensor, weights: Tensor, dim: int) -> Tensor:
        """Take what a softmax gave for attention weights, if its shape is theirs."""
        n_rows, n_tokens = self.layout.n_rows, self.layout.n_tokens
        shape = weights.shape
        by_key = dim in (-1, len(shape) - 1)
        # With a sink, a head may also look at nothing: one more column.
        if by_key and shape[-2:-1] == (n_tokens,) and shape[-1] in (n_tokens, n_tokens + 1):
            if len(shape) == 4 and shape[0] == n_rows:
                self.on_scores(scores)
                return self.on_weights(weights)
            if len(shape) == 3 and shape[0] % n_rows == 0 and shape[0] > n_rows:
                by_head = (n_rows, -1, *shape[1:])
                self.on_scores(scores.view(by_head))
                return self.on_weights(weights.view(by_head)).view(shape)
        return weights.detach() if self.freeze else weights
