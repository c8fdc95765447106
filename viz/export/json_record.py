"""A figure as plain values: all that is needed to compute its numbers again, and the numbers.

`python -m viz replay` reads such a record, builds the same figure from it and compares the two, so
whatever a record holds is either an input of the computation or checked against its outcome.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from viz.attention.views import Span, merge, spans
from viz.errors import SelectionError
from viz.figures.citation import citation
from viz.figures.spec import FigureSpec
from viz.types import Attribution, Encoding, Prediction

FORMAT = 1
"""Raised when a record changes so that an older CLSight could not replay it."""

MOST_NUMBERS = 4_000_000
"""Numbers that a text file holds at most; a file of that many in JSON has about 85 MB."""

Values = dict[str, Any]
"""What JSON can hold."""


def record(spec: FigureSpec) -> Values:
    """A figure as plain values.

    Raises:
        SelectionError: where its numbers are too many for text.
    """
    return {
        "clsight": FORMAT,
        "citation": cited(spec),
        "request": request(spec),
        "text": spec.reading.encoding.text,
        "pair": spec.reading.encoding.pair,
        "tokens": tokens(spec.reading.encoding),
        "prediction": prediction(spec.reading.prediction),
        "numbers": _scores(spec) if spec.kind == "attribution" else _maps(spec),
    }


def cited(spec: FigureSpec) -> Values:
    """What the numbers are cited by, and the sentence that says so."""
    source = citation(spec)
    return asdict(source) | {"settings": list(source.settings), "sentence": source.sentence()}


def request(spec: FigureSpec) -> Values:
    """What was asked for; classes by their index, with their names beside."""
    labels, taken = spec.reading.prediction.labels, spec.attribution or spec.contribution
    target, against = (None, None) if taken is None else (taken.target_class, taken.against_class)
    return {
        "kind": spec.kind,
        "layer": spec.layer,
        "head": spec.head,
        "unit": spec.unit,
        "special": spec.special,
        "quadrant": spec.quadrant,
        "measure": spec.measure,
        "method": None if spec.attribution is None else spec.attribution.method,
        "options": {} if spec.attribution is None else dict(spec.attribution.options),
        "target_class": target,
        "target_label": None if target is None else labels[target],
        "against_class": against,
        "against_label": None if against is None else labels[against],
    }


def tokens(encoding: Encoding) -> list[Values]:
    """Every token with its place in the text."""
    return [asdict(token) for token in encoding.tokens]


def prediction(made: Prediction) -> Values:
    """What the classifier says, to the last digit; the logit of a regression is its score."""
    said = {
        "label": made.label,
        "multi_label": made.multi_label,
        "assigned": [made.labels[index] for index in made.assigned_classes],
        "labels": list(made.labels),
        "logits": made.logits.tolist(),
    }
    return said if made.regression else said | {"probabilities": made.probabilities.tolist()}


def attributed(made: Attribution) -> Values:
    """The explained scalar, and the share of each token in it."""
    errors = {} if made.errors is None else {"token_errors": made.errors.tolist()}
    scores = made.scores.tolist()
    return {"value": made.value, "bias": made.bias, "token_scores": scores, **errors}


def check_few(n_numbers: int, format: str) -> None:
    """Refuse what would make a text file that nobody can open."""
    if n_numbers > MOST_NUMBERS:
        raise SelectionError(
            f"These are {n_numbers:,} numbers and {format} holds {MOST_NUMBERS:,} at most; "
            "NPZ holds them all."
        )


def _scores(spec: FigureSpec) -> Values:
    made = spec.attribution
    assert made is not None  # checked by FigureSpec
    over = spans(spec.reading.encoding, spec.unit)
    return attributed(made) | {
        "spans": _spans(over),
        "scores": merge(made.scores, over).tolist(),
    }


def _maps(spec: FigureSpec) -> Values:
    shown = spec.view()
    check_few(shown.weights.size, "JSON")
    taken = spec.contribution
    return ({} if taken is None else {"value": taken.value}) | {
        "queries": _spans(shown.spans),
        "keys": _spans(shown.keys),
        spec.measure: shown.weights.tolist(),
        "removed": shown.removed.tolist(),
    }


def _spans(over: Sequence[Span]) -> list[Values]:
    return [asdict(span) | {"tokens": list(span.tokens)} for span in over]
