"""A reading with its attribution in words and numbers: as lines of text, and as plain values."""

from collections.abc import Iterator, Sequence

from viz.attention.views import merge, spans
from viz.attribution import find_method
from viz.attribution.descriptions import percent, quantity, summary, verdict
from viz.export.json_record import prediction_values, token_values
from viz.types import Attribution, Prediction, Reading

MOST_CLASSES = 10
"""Classes that are listed in text."""
MOST_WORDS = 10
BAR = 24
"""Characters of a bar for the whole."""


def record(reading: Reading, attribution: Attribution | None) -> dict[str, object]:
    """All but the attention weights, as plain values that JSON can hold.

    Without an attribution, `attribution` is null.
    """
    encoding, labels = reading.encoding, reading.prediction.labels
    return {
        "checkpoint": reading.checkpoint,
        "fingerprint": reading.fingerprint,
        "text": encoding.text,
        "pair": encoding.pair,
        **prediction_values(reading.prediction),
        "tokens": token_values(encoding),
        "attribution": None if attribution is None else _scores(attribution, labels),
        "notes": list(encoding.notes),
    }


def _scores(attribution: Attribution, labels: Sequence[str]) -> dict[str, object]:
    against = attribution.against_class
    return {
        "method": attribution.method,
        "target_class": labels[attribution.target_class],
        "against_class": None if against is None else labels[against],
        "against_all": attribution.against_all,
        "value": attribution.value,
        "bias": attribution.bias,
        "scores": attribution.scores.tolist(),
    }


def report(reading: Reading, attribution: Attribution | None) -> Iterator[str]:
    """Lines for people: the class, the likeliest classes with bars, the strongest words.

    Without an attribution, the classes alone.
    """
    names, probability = verdict(reading.prediction)
    if reading.prediction.regression:
        yield f"{names} {probability} says {reading.checkpoint}"
    else:
        yield f"{names} ({probability}) says {reading.checkpoint}"
        yield ""
        yield from _classes(reading.prediction)
    if attribution is None:
        return
    method = find_method(attribution.method)
    yield f"\nStrongest words by {method.label.lower()}"
    if method.caveat is not None:
        yield method.caveat
    yield from _words(reading, attribution)
    yield summary(reading, attribution, signed=method.signed)


def _classes(made: Prediction) -> Iterator[str]:
    """The likeliest classes as a small table with bars."""
    order = made.probabilities.argsort()[::-1]
    wide = max(len(made.labels[index]) for index in order[:MOST_CLASSES])
    for index in order[:MOST_CLASSES]:
        probability = float(made.probabilities[index])
        bar = "█" * round(probability * BAR)
        yield f"  {made.labels[index]:<{wide}}  {percent(probability):>8}  {bar}".rstrip()
    if len(order) > MOST_CLASSES:
        yield f"  and {len(order) - MOST_CLASSES} more"


def _words(reading: Reading, attribution: Attribution) -> Iterator[str]:
    """The words with the largest scores, strongest first."""
    over = spans(reading.encoding)
    scores = merge(attribution.scores, over)
    own = [(s, span.label) for s, span in zip(scores, over, strict=True) if not span.special]
    signed, regression = find_method(attribution.method).signed, reading.prediction.regression
    strongest = sorted(own, key=lambda pair: -abs(pair[0]))[:MOST_WORDS]
    for score, label in strongest:
        yield f"  {quantity(score, 3, signed=signed, regression=regression):>8}  {label}"
