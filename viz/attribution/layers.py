"""The modules of each layer and of the head, and the states between layers.

The layouts of `finetune.checkpoint.families` compute the same thing under other names.  With E the
state a layer is given, A its weights and v = E W_V + b_V its values,

    y  = LN1(sum over heads and keys of A[h, q, k] v[h, k] W_O[h]  + b_O + E[q])
    E' = LN2(W_2 act(W_1 y + b_1) + b_2 + y).

Source: viz/attribution/README.md 1.4.
"""

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn

from finetune.checkpoint.families import FAMILIES, NAMES_AND
from viz.attribution.method import AttributionInput
from viz.errors import MethodError
from viz.model.classifier import Classifier
from viz.model.recording import Recorder, layer_stack

TOLERANCE = 1e-3
"""How far a state made again from its modules may be off, relative to its largest entry."""

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class LayerModules:
    """The modules of one layer, by what they do; `LayerLayout` says where they are."""

    value: nn.Linear
    attention_output: nn.Linear
    attention_norm: nn.LayerNorm
    up: nn.Linear
    activation: Function
    down: nn.Linear
    output_norm: nn.LayerNorm

    def output_norm_input(self, attended: Tensor) -> Tensor:
        """What enters the second LayerNorm, from what left the first one.  (..., D)"""
        result: Tensor = self.down(self.activation(self.up(attended)))
        return result + attended

    def output(self, attended: Tensor) -> Tensor:
        """What the layer makes of what left its first LayerNorm.  (..., D)"""
        result: Tensor = self.output_norm(self.output_norm_input(attended))
        return result


@dataclass(frozen=True, slots=True)
class RecordedLayer:
    """One layer as it read one text."""

    modules: LayerModules
    weights: Tensor
    """(H, T, T)"""
    before: Tensor
    """The states it was given.  (T, D)"""
    after: Tensor
    """Its output states.  (T, D)"""

    def values(self) -> Tensor:
        """The value vectors of each head, their bias included.  (H, T, d)"""
        values: Tensor = self.modules.value(self.before)
        n_heads, n_tokens = self.weights.shape[:2]
        return values.view(n_tokens, n_heads, -1).transpose(0, 1)

    def projected_values(self) -> Tensor:
        """The values of each head behind the output projection, without its bias.  (H, T, D)"""
        weight = self.modules.attention_output.weight
        projection = weight.view(len(weight), len(self.weights), -1)
        return self.values() @ projection.permute(1, 2, 0)

    def attention_norm_input(self, n_rows: int) -> Tensor:
        """What enters the first LayerNorm, biases and residual included, in the first rows.

        (R, D)
        """
        heads = self.weights[:, :n_rows] @ self.values()
        projected: Tensor = self.modules.attention_output(heads.transpose(0, 1).flatten(1))
        return projected + self.before[:n_rows]


@dataclass(frozen=True, slots=True)
class ClassifierHead:
    """What turns the last state of [CLS] into logits; `HeadLayout` says where it is."""

    hidden: nn.Linear
    activation: Function
    out: nn.Linear


def inverse_std(norm: nn.LayerNorm, vectors: Tensor) -> Tensor:
    """What a LayerNorm multiplies its centered input by.  (..., D) -> (..., 1)"""
    return (vectors.var(-1, correction=0, keepdim=True) + norm.eps).rsqrt()


def centered(norm: nn.LayerNorm, vectors: Tensor) -> Tensor:
    """Vectors less their mean, times the weight of a LayerNorm.  (..., D)

    Times the `inverse_std` of what enters it they are shares of what leaves it, its bias left out.
    """
    return (vectors - vectors.mean(-1, keepdim=True)) * norm.weight


class _StateRecorder(Recorder):
    """Keeps the state that each layer was given, and what it made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Tensor] = []
        self.after: list[Tensor] = []

    def on_layer(self, before: Tensor, after: Tensor) -> None:
        self.before.append(before[0])
        self.after.append(after[0])


def recorded_layers(inputs: AttributionInput) -> list[RecordedLayer]:
    """Read the text once more and return each layer with its states, in order.

    Raises:
        MethodError: if no known layout fits the architecture.
    """
    classifier = inputs.classifier
    modules = layer_modules(classifier)
    recorder = _StateRecorder()
    classifier.forward(inputs.reading.encoding, recorder)
    if not len(modules) == len(recorder.weights) == len(recorder.before):
        raise MethodError(unavailable(classifier))
    rows = zip(modules, recorder.weights, recorder.before, recorder.after, strict=True)
    layers = [RecordedLayer(own, weights[0], before, after) for own, weights, before, after in rows]
    if not all(_fits(layer) for layer in layers):
        raise MethodError(unavailable(classifier))
    return layers


def _fits(layer: RecordedLayer) -> bool:
    """Whether the first state that the layer put out is what its modules make of its input."""
    modules, expected = layer.modules, layer.after[:1]
    result = modules.output(modules.attention_norm(layer.attention_norm_input(1)))
    return bool((result - expected).abs().max() <= TOLERANCE * expected.abs().max())


def layer_modules(classifier: Classifier) -> list[LayerModules]:
    """The modules of every layer, by what they do.

    Raises:
        MethodError: if no known layout fits the architecture.
    """
    layers = layer_stack(classifier.model)
    modules = [each for each in map(_modules_of, layers) if each is not None]
    if not classifier.records or not modules or len(modules) < len(layers):
        raise MethodError(unavailable(classifier))
    return modules


def _modules_of(layer: nn.Module) -> LayerModules | None:
    """The modules of a layer by the first layout that fits it; None where none does."""
    for family in reversed(FAMILIES):
        if family.layer is None:
            continue
        parts = _at(layer, astuple(family.layer))
        if parts is None:
            continue
        modules = LayerModules(*parts)
        norms = (modules.attention_norm, modules.output_norm)
        # MobileBERT has all these names, and norms of its own behind them.
        if all(isinstance(norm, nn.LayerNorm) for norm in norms):
            return modules
    return None


def _at(root: nn.Module, paths: Iterable[str]) -> list[Any] | None:
    """What is at each path below a module; None where one of them leads nowhere."""
    try:
        return [attrgetter(path)(root) for path in paths]
    except AttributeError:
        return None


def classifier_head(classifier: Classifier) -> ClassifierHead:
    """The modules of the classifier's head, by what they do.

    Raises:
        MethodError: if no known layout fits the head.
    """
    for family in reversed(FAMILIES):
        if family.head is None:
            continue
        activation = family.head.activation
        linear = _at(classifier.model, (family.head.hidden, family.head.out))
        functions = _at(classifier.model, (activation,)) or [getattr(torch, activation, None)]
        if linear and all(isinstance(each, nn.Linear) for each in linear) and callable(*functions):
            return ClassifierHead(linear[0], functions[0], linear[1])
    raise MethodError(unavailable(classifier))


def require_layers(classifier: Classifier) -> None:
    """Refuse a classifier whose layers no known layout fits."""
    layer_modules(classifier)


def require_head(classifier: Classifier) -> None:
    """Refuse a classifier whose head no known layout fits."""
    classifier_head(classifier)


def unavailable(classifier: Classifier) -> str:
    """Why a method that takes layers apart can't be run."""
    return (
        f"The layers of the architecture {classifier.architecture} can't be taken apart; this "
        f"method is made for {NAMES_AND} layouts: choose another method."
    )
