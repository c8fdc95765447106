"""The layers of a network taken apart, as they read one text.

With E the states that a layer is given, A its weights and v its values, biases included,

    y = N(sum over heads and keys of A[h, q, k] v[h, k] W_O[h] + b_O + E[q])

is what the rest of the layer takes up.  N is a normalization in a layer that normalizes behind the
sum (post-norm: BERT), and nothing in one that normalizes before it (pre-norm: GPT-2).  Where a
layer keeps its modules is not looked up but followed through a pass (`LayerTrace`); what is found
is compared with what the layer put out, and refused where it differs.  Source:
viz/attribution/README.md 1.4.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache

from viz.attribution.layer_trace import LayerTrace
from viz.attribution.method import AttributionInput
from viz.attribution.mixed_state import HeadOutputs, MixedState
from viz.attribution.requirements import pooling_of
from viz.attribution.token_graph import TokenGraph
from viz.attribution.traced_layer import TracedLayer, given_states
from viz.errors import MethodError
from viz.model.classifier import Classifier
from viz.model.recording import Recorder
from viz.types import Encoding

TOLERANCE = 1e-3
"""How far a state made again from its parts may be off, relative to its largest entry."""
CHECKED_ROWS = 4
"""Rows of each state that are made again."""


@dataclass(frozen=True, slots=True)
class RecordedLayer:
    """One layer as it read one text."""

    traced: TracedLayer
    heads: HeadOutputs
    added: MixedState
    """What the heads add to the residual."""
    attended: MixedState
    """y: residual and heads, normalized where the layer normalizes behind their sum."""
    output: MixedState | None
    """What the layer puts out, where normalizations alone lie between it and y + feed-forward."""

    refuse: Callable[[str], MethodError]
    """The error that says why it can't be taken apart."""

    def required_output(self) -> MixedState:
        """The output as a sum over heads and keys.

        Raises:
            MethodError: where it isn't one.
        """
        if self.output is None:
            raise self.refuse("behind their feed-forward part they do more than normalize")
        return self.output

    @property
    def before(self) -> Tensor:
        """The states it was given.  (T, D)"""
        return self.traced.before

    @property
    def after(self) -> Tensor:
        """Its output states.  (T, D)"""
        return self.traced.after

    @property
    def projection_bias(self) -> Tensor | None:
        """What the output projection adds, (D,)."""
        return self.traced.projection_bias

    def run_behind_heads(self, states: Tensor, outputs: Tensor) -> Tensor:
        """What the layer would put out for other outputs of its heads.  (T, D)

        Behind its heads a layer treats each token on its own (`require_tokenwise`), so each row can
        stand for any token.

        Args:
            states: What it is given.  (T, D)
            outputs: What its heads put out.  (H, T, d)
        """
        traced, given = self.traced, given_states(self.traced.args, self.traced.kwargs)
        place = partial(_replaced, given, states.view_as(states if given is None else given))
        args = [place(value) for value in traced.args]
        kwargs = {name: place(value) for name, value in traced.kwargs.items()}
        with _LayerRecorder(LayerTrace(lambda heads: outputs)):
            result = traced.module(*args, **kwargs)
        after: Tensor = result[0] if isinstance(result, (tuple, list)) else result
        return after.reshape(states.shape)


def _replaced(given: Tensor | None, states: Tensor, value: Any) -> Any:
    """An argument of a layer that is called again; what other calls have stored is left out."""
    if value is given:
        return states
    return None if isinstance(value, Cache) else value


class _LayerRecorder(Recorder):
    """Tells a trace where layers begin and end."""

    def __init__(self, trace: LayerTrace, graph: TokenGraph | None = None) -> None:
        super().__init__()
        self.trace = trace
        self.graph = graph
        self.modes = [trace] if graph is None else [trace, graph]

    def __enter__(self) -> Self:
        # Outside of all else that stands in for functions: what that calls is seen as well.
        for mode in self.modes:
            mode.__enter__()  # type: ignore[no-untyped-call]
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        for mode in reversed(self.modes):
            mode.__exit__(kind, error, traceback)  # type: ignore[no-untyped-call]

    def on_enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        states = given_states(args, kwargs)
        if self.graph is not None and states is not None:
            self.graph.start(states)
        self.trace.enter_layer(module, args, kwargs)

    def on_leave(self, output: Any) -> None:
        self.trace.leave_layer(output)


def recorded_layers(
    classifier: Classifier, encoding: Encoding, graph: TokenGraph | None = None
) -> list[RecordedLayer]:
    """Read a text once more and return each layer with its states, in order.

    Args:
        classifier: Whose layers.
        encoding: The text.
        graph: Where all that the pass computes from the first layer on is kept.

    Raises:
        MethodError: if the layers can't be taken apart.
    """
    trace = LayerTrace()
    refuse = partial(refusal, classifier.architecture)
    with torch.inference_mode():
        inputs = classifier.pad([encoding.inputs])
        logits = classifier.run(inputs, _LayerRecorder(trace, graph))
        if graph is not None:
            graph.logits = logits
        if not len(trace.layers) == trace.n_products == classifier.n_layers:
            raise refuse("they don't hold one product of attention weights and values each")
        layers = [_recorded(layer, refuse) for layer in trace.layers]
        for lower, upper in pairwise(layers):
            if not near(upper.before, lower.after):
                raise refuse("their states change on the way from one to the next")
    return layers


def _recorded(traced: TracedLayer, refuse: Callable[[str], MethodError]) -> RecordedLayer:
    """A layer whose parts were seen to make up its states."""
    if traced.projected is None:
        raise refuse("what follows their heads is more than a linear map of what these put out")
    if traced.added is None or traced.attended is None or not traced.attended.has_residual:
        raise refuse("what their heads put out isn't added to the states that they are given")
    # What heads add is a part of either.
    states = (traced.attended, traced.output)
    if not all(_is_made_of_its_parts(state) for state in states if state is not None):
        raise refuse("the states made again from their parts aren't those of the model")
    return RecordedLayer(
        traced, traced.heads[0], traced.added, traced.attended, traced.output, refuse
    )


def _is_made_of_its_parts(state: MixedState) -> bool:
    """Whether some rows of a state, first and last among them, are the sum they should be."""
    n_rows = len(state.value)
    checked = torch.linspace(0, n_rows - 1, min(CHECKED_ROWS, n_rows)).round().long()
    rows = checked.to(state.value.device)
    return near(state.rebuilt(rows), state.value[rows])


def near(states: Tensor, expected: Tensor) -> bool:
    """Whether two states are the same but for rounding."""
    return states.shape == expected.shape and bool(
        (states - expected).abs().max() <= TOLERANCE * expected.abs().max()
    )


_tried: WeakKeyDictionary[Classifier, list[RecordedLayer]] = WeakKeyDictionary()


def _layers_of_few_tokens(classifier: Classifier) -> list[RecordedLayer]:
    """The layers as they read a text that is only there to try them; read once for a classifier."""
    if classifier not in _tried:
        _tried[classifier] = recorded_layers(classifier, classifier.encoder.probe())
    return _tried[classifier]


def require_layers(classifier: Classifier) -> None:
    """Refuse a classifier whose layers can't be taken apart: tried on a few tokens."""
    _layers_of_few_tokens(classifier)


def require_outputs(classifier: Classifier) -> None:
    """Refuse one whose layers do more behind their feed-forward part than normalize."""
    for layer in _layers_of_few_tokens(classifier):
        layer.required_output()


def require_tokenwise(classifier: Classifier) -> None:
    """Refuse one whose layers treat a token by its place, or by others, also behind their heads."""
    with torch.inference_mode():
        for layer in _layers_of_few_tokens(classifier):
            outputs = (layer.heads.weights @ layer.heads.values).roll(1, 1)
            moved = layer.run_behind_heads(layer.before.roll(1, 0), outputs)
            if not near(moved, layer.after.roll(1, 0)):
                raise layer.refuse("behind their heads tokens aren't treated one by one")


def deciding_queries(inputs: AttributionInput) -> tuple[Tensor, Tensor]:
    """The tokens that the class is read from, and their shares in float64.  (R,), (R,)

    Raises:
        MethodError: where that can't be told for this text.
    """
    shares = torch.from_numpy(pooling_of(inputs).astype("float64")).to(inputs.classifier.device)
    queries = shares.nonzero().flatten()
    return queries, shares[queries]


def refusal(architecture: str, reason: str) -> MethodError:
    """Why a method that takes layers apart can't be run."""
    return MethodError(
        f"The layers of the architecture {architecture} can't be taken apart: {reason}; "
        "choose another method."
    )
