"""The numbers of an attribution: in CSV one row a word or wordpiece, then bias and value."""

from collections.abc import Iterator

import numpy as np

from finetune.checkpoint.arrays import IntArray
from viz.attention.sentences import is_divided, paragraph_numbers, sentence_numbers
from viz.attention.words import Span, merge, spans
from viz.export.json_record import span_values
from viz.export.numbers import Arrays, Numbers, Row, Values, span_arrays
from viz.figures.spec import FigureSpec
from viz.types import Attribution


def _attribution(spec: FigureSpec) -> Attribution:
    assert spec.attribution is not None  # checked by FigureSpec
    return spec.attribution


def score_rows(spec: FigureSpec) -> Iterator[Row]:
    """A header, a row for each word or wordpiece, then bias, hidden value and explained value."""
    attribution, units = _attribution(spec), spans(spec.reading.encoding, spec.unit)
    header: Row = ["kind", "index", "text", "part", "start", "end", "special", "score", "share"]
    scores = merge(attribution.scores, units)
    shares = None if attribution.shares is None else merge(attribution.shares.scores, units)
    numbers = _division(spec) if is_divided(spec.reading) else None
    yield header if numbers is None else [*header, "sentence", "paragraph"]
    for index, (span, score) in enumerate(zip(units, scores, strict=True)):
        place = (span.part, span.start, span.end, span.special)
        share = None if shares is None else shares[index]
        own = [] if numbers is None else [None if n < 0 else n for n in numbers[:, index].tolist()]
        yield [spec.unit, index, span.label, *place, score, share, *own]
    rest = [] if numbers is None else [None, None]

    parts = {
        "bias": (attribution.bias, None),
        "hidden": (None, None if attribution.shares is None else attribution.shares.hidden),
        "value": (attribution.value, None if shares is None else attribution.value),
    }
    for kind, columns in parts.items():
        if any(number is not None for number in columns):
            yield [kind, None, "", None, None, None, None, *columns, *rest]


def _division(spec: FigureSpec) -> IntArray:
    """The sentence and the paragraph of each word or wordpiece; -1 for special tokens.  (2, n)"""
    encoding = spec.reading.encoding
    units = spans(encoding, spec.unit)
    return np.stack([sentence_numbers(encoding, units), paragraph_numbers(encoding, units)])


def _score_arrays(spec: FigureSpec) -> Arrays:
    attribution, units = _attribution(spec), spans(spec.reading.encoding, spec.unit)
    arrays = {
        "scores": merge(attribution.scores, units),
        "token_scores": attribution.scores,
        "value": np.float64(attribution.value),
        **span_arrays("span", units),
    }
    if attribution.bias is not None:
        arrays["bias"] = np.float64(attribution.bias)
    if attribution.shares is not None:
        arrays["shares"] = merge(attribution.shares.scores, units)
        arrays["hidden"] = np.float64(attribution.shares.hidden)
    return arrays


def _score_values(spec: FigureSpec) -> Values:
    attribution, units = _attribution(spec), spans(spec.reading.encoding, spec.unit)
    errors = attribution.errors
    return {
        "value": attribution.value,
        "bias": attribution.bias,
        "token_scores": attribution.scores.tolist(),
        **({} if errors is None else {"token_errors": errors.tolist()}),
        "spans": span_values(units),
        "scores": merge(attribution.scores, units).tolist(),
        **_share_values(attribution, units),
    }


def _share_values(attribution: Attribution, units: tuple[Span, ...]) -> Values:
    """What adds up to the value, where there is such a thing, and what it was made with."""
    own = attribution.shares
    if own is None:
        return {}
    return {
        "hidden": own.hidden,
        "hidden_by": own.operator,
        "shares": merge(own.scores, units).tolist(),
        "share_factors": list(own.factors),
    }


SCORE_NUMBERS = Numbers(score_rows, _score_arrays, _score_values)
