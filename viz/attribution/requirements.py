"""What methods require of a classifier: tried in a pass, not read off its name."""

from collections.abc import Sequence

import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.method import AttributionInput
from viz.errors import MethodError
from viz.model.classifier import FORWARD_ERRORS, Classifier
from viz.model.pooling import MIN_RELATIVE_GRADIENT
from viz.model.recording import Recorder
from viz.types import Reading


def require_attention(classifier: Classifier) -> None:
    """Refuse a classifier without a map of each token by each token."""
    if classifier.capabilities.attention is None:
        raise MethodError(classifier.capabilities.no_attention)


def require_pooling(classifier: Classifier) -> None:
    """Refuse a classifier of which no gradient tells from which tokens it reads its class."""
    (reading,) = classifier.read_many([classifier.encoder.probe()])
    _check_pooling(classifier, reading)


def require_deciding_rows(classifier: Classifier) -> None:
    """Refuse a classifier that reads its class further on than the maps that are shown.

    There, in the encoder of BART, rows of other tokens than the deciding one matter too.
    """
    require_attention(classifier)
    require_pooling(classifier)
    probe, recorder = classifier.encoder.probe(), Recorder("words")
    logits = classifier.forward(probe, recorder)
    last_map = recorder.weights[classifier.n_layers - 1]
    (slopes,) = gradients(classifier, logits.sum(), [last_map])
    effects = slopes[0].abs().sum((0, 2)).cpu().numpy()
    pooling = classifier.pooling(probe)
    if pooling is None or (effects[pooling == 0] > MIN_RELATIVE_GRADIENT * effects.max()).any():
        raise MethodError(
            f"{classifier.name!r} reads its class further on than in the layers whose attention is "
            "shown, and this method ends with them; choose another method."
        )


def pooling_of(inputs: AttributionInput) -> FloatArray:
    """How much of each token the class is read from.  (T,)

    Raises:
        MethodError: where that can't be told for this text.
    """
    return _check_pooling(inputs.classifier, inputs.reading)


def _check_pooling(classifier: Classifier, reading: Reading) -> FloatArray:
    if reading.pooling is None:
        raise MethodError(
            f"No gradient tells from which tokens {classifier.name!r} reads its class, and this "
            "method follows them; choose another method."
        )
    return reading.pooling


def require_gradient(classifier: Classifier) -> None:
    """Refuse a classifier whose logits have no gradient in the word embeddings."""
    recorder = Recorder("words")
    logits = classifier.forward(classifier.encoder.probe(), recorder)
    gradients(classifier, logits.sum(), [recorder.required_leaf()])


def require_attention_gradient(classifier: Classifier) -> None:
    """Refuse a classifier whose logits have no gradient in the attention weights it returns."""
    require_attention(classifier)
    recorder = Recorder("words")
    logits = classifier.forward(classifier.encoder.probe(), recorder)
    gradients(classifier, logits.sum(), recorder.weights[: classifier.n_layers])


def gradients(
    classifier: Classifier, value: Tensor, tensors: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """The gradients of a number.

    Raises:
        MethodError: if the architecture's own code cuts the graph or fails.
    """
    try:
        return torch.autograd.grad(value, tensors)
    except FORWARD_ERRORS as error:
        raise MethodError(
            f"No gradient can be taken through {classifier.architecture}; choose another method."
        ) from error
