"""A figure as plain values: all that is needed to compute its numbers again, and the numbers.

`clsight replay` reads such a record, builds the same figure from it and compares the two, so
whatever a record holds is either an input of the computation or checked against its outcome.
"""

from collections.abc import Sequence
from dataclasses import asdict

from viz.attention.region import Region
from viz.attention.words import Span
from viz.export.numbers import Values, numbers_of
from viz.figures.citation import citation
from viz.figures.spec import FigureSpec
from viz.types import Encoding, Prediction, Reading

FORMAT = 1
"""Raised when a record changes so that an older CLSight could not replay it."""


def figure_record(spec: FigureSpec) -> Values:
    """A figure as plain values.

    Raises:
        SelectionError: where its numbers are too many for text.
    """
    return {
        "clsight": FORMAT,
        "citation": citation_values(spec),
        "request": request_values(spec),
        "text": spec.reading.encoding.text,
        "pair": spec.reading.encoding.pair,
        "tokens": token_values(spec.reading.encoding),
        **pooling_values(spec.reading),
        **without_values(spec.reading),
        **window_values(spec.reading),
        "prediction": prediction_values(spec.reading.prediction),
        "numbers": numbers_of(spec).values(spec),
    }


def citation_values(spec: FigureSpec) -> Values:
    """What the numbers are cited by, and the sentence that says so."""
    source = citation(spec)
    return asdict(source) | {"settings": list(source.settings), "sentence": source.sentence()}


def request_values(spec: FigureSpec) -> Values:
    """What was asked for; classes by their index, with their names beside."""
    labels, explanation = spec.reading.prediction.labels, spec.attribution or spec.contribution
    target = None if explanation is None else explanation.target_class
    against = None if explanation is None else explanation.against_class
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
        **({} if spec.region is None else {"region": _region_values(spec.region)}),
    }


def _region_values(region: Region) -> Values:
    """The first row and the one behind the last, and of columns; null for all of them."""
    sides = {"rows": region.rows, "columns": region.columns}
    return {name: None if side is None else list(side) for name, side in sides.items()}


def token_values(encoding: Encoding) -> list[Values]:
    """Every token with its place in the text."""
    return [asdict(token) for token in encoding.tokens]


def pooling_values(reading: Reading) -> Values:
    """Where the class is read from: the position of one token, or the share of each.

    Nothing where it is the first token, as in records of before; null where it is unknown.
    """
    if reading.deciding_token == 0:
        return {}
    shares = None if reading.pooling is None else reading.pooling.tolist()
    return {"pooling": shares if reading.deciding_token is None else reading.deciding_token}


def without_values(reading: Reading) -> Values:
    """The heads that were off, each layer and head; nothing where all were on, as in most files."""
    return {"without": [list(head) for head in reading.without]} if reading.without else {}


def window_values(reading: Reading) -> Values:
    """How a document was read in windows, and which of them this is; null for all of them pooled.

    Nothing where a text was read at once, as in most files.
    """
    part = reading.document
    if part is None:
        return {}
    whole = {} if part.index is None else {"text": part.text}
    return {"windows": asdict(part.settings) | {"index": part.index} | whole}


def prediction_values(prediction: Prediction) -> Values:
    """What the classifier says, to the last digit; the logit of a regression is its score.

    The label of a base model, which has no classes, is None.
    """
    values = {
        "label": prediction.label if prediction.labels else None,
        "multi_label": prediction.multi_label,
        "assigned": [prediction.labels[index] for index in prediction.assigned_classes],
        "labels": list(prediction.labels),
        "logits": prediction.logits.tolist(),
    }
    if not prediction.regression:
        values["probabilities"] = prediction.probabilities.tolist()
    return values


def span_values(spans: Sequence[Span]) -> list[Values]:
    """Every word or wordpiece with its place and its tokens."""
    return [asdict(span) | {"tokens": list(span.tokens)} for span in spans]
