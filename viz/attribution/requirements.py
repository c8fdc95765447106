"""What methods require of a classifier: tried in a pass, not read off its name."""

from collections.abc import Sequence

import torch
from torch import Tensor

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.method import AttributionInput
from viz.errors import MethodError
from viz.model.classifier import Classifier
from viz.model.recording import Recorder
from viz.types import Reading


def require_attention(classifier: Classifier) -> None:
    """Refuse a classifier without a map of each token by each token."""
    if classifier.capabilities.attention is None:
        raise MethodError(classifier.capabilities.no_attention)


def require_pooling(classifier: Classifier) -> None:
    """Refuse a classifier of which no gradient tells from which tokens it reads its class."""
    _check_pooling(classifier, _probe_reading(classifier))


def _probe_reading(classifier: Classifier) -> Reading:
    (reading,) = classifier.read_many([classifier.encoder.probe()])
    return reading


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
    except RuntimeError as error:
        raise MethodError(
            f"No gradient can be taken through {classifier.architecture}; choose another method."
        ) from error
