"""An attribution in words: what is explained, and what it adds up to, alike on screen and paper."""

import numpy as np

from viz.types import Attribution, Prediction, Reading


def number(value: float, places: int = 2) -> str:
    """A number with its sign, a true minus among them."""
    return f"{value:+.{places}f}".replace("-", "−")


def explained_scalar(prediction: Prediction, attribution: Attribution) -> str:
    """The explained scalar, as in `logit Business − logit Sci/Tech`."""
    own = f"logit {prediction.labels[attribution.target_class]}"
    against = attribution.against_class
    return own if against is None else f"{own} − logit {prediction.labels[against]}"


def scale_ends(prediction: Prediction, attribution: Attribution) -> tuple[str, str]:
    """What the lowest and the highest score speak for."""
    target, against = prediction.labels[attribution.target_class], attribution.against_class
    low = f"against {target}" if against is None else f"for {prediction.labels[against]}"
    return low, f"for {target}"


def summary(reading: Reading, attribution: Attribution, *, signed: bool) -> str:
    """One line on what the words do not show: special tokens, bias, and what is explained.

    Only for a method with a bias do the parts add up, so only there is a sum stated.

    Args:
        reading: The text that was read.
        attribution: What a method made of it.
        signed: Whether that method tells for from against.
    """
    special = np.array([token.special for token in reading.encoding.tokens])
    scores = attribution.scores.astype(np.float64)
    parts = [("words", scores[~special].sum()), ("special tokens", scores[special].sum())]
    if not signed:
        return " · ".join(f"{name} {share:.2f}" for name, share in parts)
    what = explained_scalar(reading.prediction, attribution)
    if attribution.bias is None:
        ending = f"{what} = {number(attribution.value)}, to which they need not add up"
    else:
        parts.append(("bias", attribution.bias))
        ending = f"sum {number(sum(share for _, share in parts))} = {what}"
    return " · ".join((*(f"{name} {number(share)}" for name, share in parts), ending))
