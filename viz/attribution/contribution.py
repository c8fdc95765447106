"""Attention with a sign: what each head contributes to the class, from every key to every query.

The network is made linear as for the decomposition, and its slope in each attention weight is
taken.  Weight times slope is the exact share of the explained scalar that passes through that
weight: over all weights of a layer it adds up to what that layer's attention, its value biases
included, contributes to the scalar; the rest flows past it.  Source: viz/attribution/README.md 2.4.
"""

import numpy as np

from viz.attention.long_attention import LongAttention
from viz.attribution import reader_of
from viz.attribution.linear_pass import linear_pass
from viz.attribution.target import Against, resolve_target
from viz.errors import LongTextError
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier
from viz.model.recording import Recorder
from viz.types import Contribution, Reading


def contribution(
    classifier: Classifier,
    reading: Reading,
    target_class: int | None = None,
    against: Against = "runner-up",
) -> Contribution:
    """Measure what every attention weight contributes to a class; costs about two forward passes.

    Args:
        classifier: The classifier that made the reading.
        reading: What `classifier.read` returned.
        target_class: The class to explain; the predicted one where None.
        against: The class it is compared with, as for `attribute`.

    Returns:
        Signed values (L, H, Q, K).  Where one token decides, the last layer has values in its row
        alone.

    Raises:
        MethodError: if the network isn't linear where attention is held fixed.
        MissingAttentionError: if there are no attention weights.
        LongTextError: if they are too many to keep.
        SelectionError: for a class that doesn't exist, or a reading of another classifier.
    """
    classifier = reader_of(classifier, reading)
    if isinstance(reading.attention, LongAttention):
        raise LongTextError(
            f"There are too many contributions of {reading.encoding.n_tokens:,} tokens to keep all "
            "of them; take long_contribution(classifier, reading), which computes parts."
        )
    n_layers, n_tokens = reading.attention.n_layers, reading.attention.n_tokens
    target = resolve_target(reading.prediction, target_class, against)
    recorder = Recorder("input", freeze=True, by_weights=True)
    linear = linear_pass(
        classifier, [reading.encoding.inputs], recorder, reading.prediction.logits[None]
    )
    maps = recorder.weights[:n_layers]
    slopes = linear.split_gradients(target.value, *maps)
    shares = []
    for weights, slope in zip(maps, slopes.others, strict=True):
        check_cancelled()
        shares.append((weights.detach() * slope)[0, ..., :n_tokens].cpu().numpy())
    return Contribution(
        values=np.stack(shares),
        value=float(target.value(reading.prediction.logits)),
        target_class=target.target_class,
        against_class=target.against_class,
        reading=reading,
    )
