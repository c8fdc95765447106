"""The numbers of a figure, the same that its picture shows: as CSV, NPZ and JSON.

CSV is UTF-8 with one header line, and what `pandas.read_csv(file, keep_default_na=False)` reads.
A map is a labelled matrix, one row a query: `layer`, `head` (`mean` for a mean), `query_index`,
`query`, `removed`, then one column a key, named `key 3: fall`.  A layer puts the matrices of its
heads below each other.  The atlas has one row a head: its facts and its largest number.  An
attribution has one row a word or wordpiece, then the bias and the explained value.

NPZ holds arrays that `numpy.load(file, allow_pickle=False)` reads; the same figure makes the same
bytes.  JSON is what `python -m viz replay` reads, see `record`.
"""

import csv as csv_module
import json as json_module
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO, StringIO
from typing import Any

import numpy as np

from viz.attention.views import AttentionView, Span, merge, spans
from viz.export.csv_cells import guarded, written
from viz.export.head_rows import fact_arrays, head_rows
from viz.export.json_record import check_few, cited, record, request
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.jobs.cancellation import check_cancelled

Row = Sequence[object]
Arrays = dict[str, Any]


def csv(spec: FigureSpec, options: RenderOptions) -> bytes:
    """One table.

    Raises:
        SelectionError: where there are too many numbers for text.
    """
    rows = {"attribution": _score_rows, "atlas": head_rows}.get(spec.kind, _map_rows)
    table = StringIO()
    csv_module.writer(table, lineterminator="\n").writerows(_cells(rows(spec)))
    return table.getvalue().encode()


def npz(spec: FigureSpec, options: RenderOptions) -> bytes:
    """Compressed arrays with their labels; the layers and heads it lacks have no axis."""
    shown = _score_arrays(spec) if spec.kind == "attribution" else _map_arrays(spec)
    made, encoding = spec.reading.prediction, spec.reading.encoding
    always = {
        "text": np.array(encoding.text),
        "tokens": _texts(token.text for token in encoding.tokens),
        "labels": _texts(made.labels),
        "logits": made.logits,
        "citation": np.array(_dumps(cited(spec))),
        "request": np.array(_dumps(request(spec))),
    }
    if not made.regression:
        always["probabilities"] = made.probabilities
    if encoding.pair is not None:
        always["pair"] = np.array(encoding.pair)
    content = _Watched()
    np.savez_compressed(content, allow_pickle=False, **(shown | always))
    return content.getvalue()


def json(spec: FigureSpec, options: RenderOptions) -> bytes:
    """A record that can be replayed.

    Raises:
        SelectionError: where there are too many numbers for text.
    """
    return _dumps(record(spec)).encode()


def _dumps(value: object) -> str:
    return json_module.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class _Watched(BytesIO):
    """A file in memory that is given up in the middle where nobody wants it any more."""

    def write(self, content: Any, /) -> int:
        check_cancelled()
        return super().write(content)


def _cells(rows: Iterable[Row]) -> Iterator[list[str]]:
    for row in rows:
        check_cancelled()
        yield [guarded(cell) if isinstance(cell, str) else written(cell) for cell in row]


def _map_rows(spec: FigureSpec) -> Iterator[Row]:
    shown = spec.view()
    check_few(shown.weights.size, "CSV")
    columns = ("layer", "head", "query_index", "query", "removed")
    yield [*columns, *(f"key {index}: {key.label}" for index, key in enumerate(shown.keys))]
    layer = "mean" if spec.layer is None else spec.layer
    for index, head in enumerate(_heads(spec, shown)):
        for row, query in enumerate(shown.spans):
            removed = shown.removed[0, index, row]
            yield [layer, head, row, query.label, removed, *shown.weights[0, index, row]]


def _heads(spec: FigureSpec, shown: AttentionView) -> list[int | str]:
    if spec.kind == "layer":
        return list(range(shown.weights.shape[1]))
    return ["mean" if spec.head is None else spec.head]


def _score_rows(spec: FigureSpec) -> Iterator[Row]:
    made, over = spec.attribution, spans(spec.reading.encoding, spec.unit)
    assert made is not None  # checked by FigureSpec
    yield ["kind", "index", "text", "part", "start", "end", "special", "score"]
    for index, (span, score) in enumerate(zip(over, merge(made.scores, over), strict=True)):
        place = (span.part, span.start, span.end, span.special)
        yield [spec.unit, index, span.label, *place, score]
    if made.bias is not None:
        yield ["bias", None, "", None, None, None, None, made.bias]
    yield ["value", None, "", None, None, None, None, made.value]


def _map_arrays(spec: FigureSpec) -> Arrays:
    shown = spec.view()
    axes = {"atlas": (), "layer": (0,)}.get(spec.kind, (0, 1))
    arrays = {
        spec.measure: shown.weights.squeeze(axes),
        "removed": shown.removed.squeeze(axes),
        **_span_arrays("query", shown.spans),
        **_span_arrays("key", shown.keys),
    }
    if spec.contribution is not None:
        arrays["value"] = np.float64(spec.contribution.value)
    return arrays | (fact_arrays(spec) if spec.kind == "atlas" else {})


def _score_arrays(spec: FigureSpec) -> Arrays:
    made, over = spec.attribution, spans(spec.reading.encoding, spec.unit)
    assert made is not None  # checked by FigureSpec
    arrays = {
        "scores": merge(made.scores, over),
        "token_scores": made.scores,
        "value": np.float64(made.value),
        **_span_arrays("span", over),
    }
    return arrays if made.bias is None else arrays | {"bias": np.float64(made.bias)}


def _span_arrays(name: str, over: Sequence[Span]) -> Arrays:
    """Labels, places in the text, and which are special; part −1 is that of a special token."""
    return {
        name: _texts(span.label for span in over),
        f"{name}_place": np.array([(s.start, s.end) for s in over], np.int64).reshape(-1, 2),
        f"{name}_special": np.array([span.special for span in over], np.bool_),
        f"{name}_part": np.array([-1 if s.part is None else s.part for s in over], np.int64),
    }


def _texts(labels: Iterable[str]) -> Any:
    return np.array(list(labels), dtype=np.str_)
