"""The parts of each layer, where the family keeps them: what the sums of vectors are made of.

The four layouts (BERT, RoBERTa and ELECTRA alike, DistilBERT) compute the same thing under other
names.  With E the state a layer is given, A its weights and v = E W_V + b_V its values,

    y  = LN1(sum over heads and keys of A[h, q, k] v[h, k] W_O[h]  + b_O + E[q])
    E' = LN2(W_2 act(W_1 y + b_1) + b_2 + y).

Source: viz/attribution/README.md 1.4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from viz.attribution.method import AttributionInput
from viz.errors import MethodError
from viz.model.classifier import Classifier
from viz.model.recording import Recorder, layer_stack

TOLERANCE = 1e-3
"""How far a state made again from its parts may be off, relative to its largest entry."""

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class LayerModules:
    """The modules of one layer, by what they do."""

    value: nn.Linear
    output: nn.Linear
    first_norm: nn.LayerNorm
    up: nn.Linear
    activation: Function
    down: nn.Linear
    second_norm: nn.LayerNorm

    def between(self, attended: Tensor) -> Tensor:
        """What enters the second LayerNorm, from what left the first one.  (..., D)"""
        made: Tensor = self.down(self.activation(self.up(attended)))
        return made + attended

    def after(self, attended: Tensor) -> Tensor:
        """What the layer makes of what left its first LayerNorm.  (..., D)"""
        made: Tensor = self.second_norm(self.between(attended))
        return made


@dataclass(frozen=True, slots=True)
class RecordedLayer:
    """One layer as it read one text."""

    parts: LayerModules
    weights: Tensor
    """(H, T, T)"""
    before: Tensor
    """The states it was given.  (T, D)"""
    after: Tensor
    """The states it handed on.  (T, D)"""

    def values(self) -> Tensor:
        """The value vectors of each head, their bias included.  (H, T, d)"""
        values: Tensor = self.parts.value(self.before)
        n_heads, n_tokens = self.weights.shape[:2]
        return values.view(n_tokens, n_heads, -1).transpose(0, 1)

    def projected_values(self) -> Tensor:
        """The values of each head behind the output projection, without its bias.  (H, T, D)"""
        weight = self.parts.output.weight
        projection = weight.view(len(weight), len(self.weights), -1)
        return self.values() @ projection.permute(1, 2, 0)

    def first_norm_input(self, n_rows: int) -> Tensor:
        """What enters the first LayerNorm, biases and residual included, in the first rows.

        (R, D)
        """
        heads = self.weights[:, :n_rows] @ self.values()
        projected: Tensor = self.parts.output(heads.transpose(0, 1).flatten(1))
        return projected + self.before[:n_rows]


def inverse_std(norm: nn.LayerNorm, entering: Tensor) -> Tensor:
    """What a LayerNorm multiplies its centred input with.  (..., D) -> (..., 1)"""
    return (entering.var(-1, correction=0, keepdim=True) + norm.eps).rsqrt()


def centered(norm: nn.LayerNorm, vectors: Tensor) -> Tensor:
    """Vectors less their mean, times the weight of a LayerNorm.  (..., D)

    Times `inverse_std` of what enters it they are shares of what leaves it, its bias left out.
    """
    return (vectors - vectors.mean(-1, keepdim=True)) * norm.weight


class _States(Recorder):
    """Keeps the state that each layer was given, and what it made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Tensor] = []
        self.after: list[Tensor] = []

    def on_layer(self, before: Tensor, after: Tensor) -> None:
        self.before.append(before[0])
        self.after.append(after[0])


def recorded_layers(task: AttributionInput) -> list[RecordedLayer]:
    """Read the text once more and hand out each layer with its states, in order.

    Raises:
        MethodError: where the architecture is not one of the four layouts.
    """
    classifier = task.classifier
    parts = layer_modules(classifier)
    recorder = _States()
    classifier.forward(task.reading.encoding, recorder)
    if not len(parts) == len(recorder.weights) == len(recorder.before):
        raise MethodError(unavailable(classifier))
    rows = zip(parts, recorder.weights, recorder.before, recorder.after, strict=True)
    layers = [RecordedLayer(own, weights[0], before, after) for own, weights, before, after in rows]
    if not all(_fits(layer) for layer in layers):
        raise MethodError(unavailable(classifier))
    return layers


def layer_modules(classifier: Classifier) -> list[LayerModules]:
    """The modules of every layer, by what they do.

    Raises:
        MethodError: where the architecture is not one of the four layouts.
    """
    layers = layer_stack(classifier.model)
    if not classifier.records or not layers:
        raise MethodError(unavailable(classifier))
    try:
        return [_parts(layer) for layer in layers]
    except AttributeError as error:
        raise MethodError(unavailable(classifier)) from error


def _parts(layer: Any) -> LayerModules:
    attention = layer.attention
    if hasattr(layer, "ffn"):
        feed = layer.ffn
        return LayerModules(
            *(attention.v_lin, attention.out_lin, layer.sa_layer_norm),
            *(feed.lin1, feed.activation, feed.lin2, layer.output_layer_norm),
        )
    between = layer.intermediate
    return LayerModules(
        *(attention.self.value, attention.output.dense, attention.output.LayerNorm),
        *(between.dense, between.intermediate_act_fn, layer.output.dense, layer.output.LayerNorm),
    )


def _fits(layer: RecordedLayer) -> bool:
    """Whether the first state the layer handed on is what its parts make of those it was given."""
    made = layer.parts.after(layer.parts.first_norm(layer.first_norm_input(1)))
    expected = layer.after[:1]
    return bool((made - expected).abs().max() <= TOLERANCE * expected.abs().max())


def require_layers(classifier: Classifier) -> None:
    """Refuse a classifier whose layers are not one of the four layouts."""
    layer_modules(classifier)


def require_head(classifier: Classifier) -> None:
    """Refuse a classifier whose head is not one of the four layouts."""
    classifier_head(classifier)


def unavailable(classifier: Classifier) -> str:
    """Why a method that takes layers apart can't be run."""
    return (
        f"The layers of the architecture {classifier.architecture} can't be taken apart; this "
        "method is made for BERT, RoBERTa, ELECTRA and DistilBERT layouts: choose another method."
    )


@dataclass(frozen=True, slots=True)
class ClassifierHead:
    """What turns the last state of [CLS] into logits."""

    hidden: nn.Linear
    activation: Function
    out: nn.Linear


def classifier_head(classifier: Classifier) -> ClassifierHead:
    """The modules of the classifier's head, by what they do.

    Raises:
        MethodError: where the head is not one of the four layouts.
    """
    model = cast(Any, classifier.model)
    try:
        if hasattr(model, "pre_classifier"):
            return ClassifierHead(model.pre_classifier, F.relu, model.classifier)
        if isinstance(model.classifier, nn.Linear):
            pooler = model.base_model.pooler
            return ClassifierHead(pooler.dense, pooler.activation, model.classifier)
        own = model.classifier
        return ClassifierHead(own.dense, getattr(own, "activation", torch.tanh), own.out_proj)
    except AttributeError as error:
        raise MethodError(unavailable(classifier)) from error
