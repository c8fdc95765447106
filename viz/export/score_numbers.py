"""The numbers of an attribution: in CSV one row a word or wordpiece, then bias and value."""

from collections.abc import Iterator

import numpy as np

from finetune.checkpoint.arrays import IntArray
from viz.attention.sentences import is_divided, paragraph_numbers, sentence_numbers
from viz.attention.words import merge, spans
from viz.export.json_record import span_values
from viz.export.numbers import Arrays, Numbers, Row, Values, span_arrays
from viz.figures.spec import FigureSpec
from viz.types import Attribution


def _attribution(spec: FigureSpec) -> Attribution:
    assert spec.attribution is not None  # checked by FigureSpec
    return spec.attribution


def _score_rows(spec: FigureSpec) -> Iterator[Row]:
    attribution, units = _attribution(spec), spans(spec.reading.encoding, spec.unit)
    header: Row = ["kind", "index", "text", "part", "start", "end", "special", "score"]
    scores = merge(attribution.scores, units)
    numbers = _division(spec) if is_divided(spec.reading) else None
    yield header if numbers is None else [*header, "sentence", "paragraph"]
    for index, (span, score) in enumerate(zip(units, scores, strict=True)):
        place = (span.part, span.start, span.end, span.special)
        own = [] if numbers is None else [None if n < 0 else n for n in numbers[:, index].tolist()]
        yield [spec.unit, index, span.label, *place, score, *own]
    rest = [] if numbers is None else [None, None]
    if attribution.bias is not None:
        yield ["bias", None, "", None, None, None, None, attribution.bias, *rest]
    yield ["value", None, "", None, None, None, None, attribution.value, *rest]


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
    return arrays if attribution.bias is None else arrays | {"bias": np.float64(attribution.bias)}


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
    }


SCORE_NUMBERS = Numbers(_score_rows, _score_arrays, _score_values)
