"""Attributions from one gradient of the explained scalar."""

import torch

from viz.attribution.method import Method, Split, Target
from viz.classifier import Classifier
from viz.recording import Recorder
from viz.types import Reading


def _grad_attention(classifier: Classifier, reading: Reading, target: Target) -> Split:
    """[CLS] row of the last layer, weights times gradients, summed over heads.

    The classifier reads only [CLS], so no other row of the last layer has a gradient.
    """
    recorder = Recorder("words")
    logits = classifier.forward(reading.encoding, recorder)
    recorder.differentiated()
    weights = recorder.weights[-1]
    (gradient,) = torch.autograd.grad(target.of(logits), weights)
    return Split((weights * gradient)[0, :, 0].sum(0).detach().cpu().numpy())


def _input_x_gradient(classifier: Classifier, reading: Reading, target: Target) -> Split:
    recorder = Recorder("words")
    logits = classifier.forward(reading.encoding, recorder)
    words = recorder.differentiated()
    (gradient,) = torch.autograd.grad(target.of(logits), words)
    return Split((words * gradient)[0].sum(-1).detach().cpu().numpy())


GRAD_ATTENTION = Method(
    name="grad-attention",
    label="Gradient × attention",
    signed=True,
    cost=1.9,
    description="What [CLS] takes from a token in the last layer, times its effect on the class.",
    reference="Barkan et al. 2021; Chefer et al. 2021",
    run=_grad_attention,
)

INPUT_X_GRADIENT = Method(
    name="input-x-gradient",
    label="Input × gradient",
    signed=True,
    cost=1.9,
    description="Each word embedding times the gradient of the class: a first-order estimate.",
    reference="Shrikumar et al. 2016",
    run=_input_x_gradient,
)
