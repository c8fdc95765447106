"""The numbers of a figure as CSV, NPZ and JSON.

CSV is UTF-8 with one header line, and what `pandas.read_csv(file, keep_default_na=False)` reads.
NPZ holds arrays that `numpy.load(file, allow_pickle=False)` reads; the same figure makes the same
bytes.  One map of a long text is written into it some rows at a time.  JSON is what
`clsight replay` reads, see `json_record`.
"""

import csv as csv_module
import json as json_module
from collections.abc import Iterable
from io import BytesIO, StringIO
from typing import Any

import numpy as np

from viz.export.csv_cells import guarded, written
from viz.export.formats import Writer
from viz.export.json_record import citation_values, figure_record, request_values
from viz.export.npz_stream import write_npz
from viz.export.numbers import Arrays, Row, numbers_of, text_array
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.jobs.cancellation import check_cancelled


def csv(spec: FigureSpec, options: RenderOptions) -> bytes:
    """One table.

    Raises:
        SelectionError: where there are too many numbers for text.
    """
    return csv_file(numbers_of(spec).rows(spec))


def npz(spec: FigureSpec, options: RenderOptions) -> bytes:
    """Compressed arrays with their labels; a single layer or head has no axis.

    Raises:
        LongTextError: where there are too many numbers, of more than one map.
    """
    writer = npz_writer(spec, options)
    if writer is None:
        return npz_file(_arrays(spec))
    content = _CancellableBytes()
    writer(content)
    return content.getvalue()


def npz_writer(spec: FigureSpec, options: RenderOptions) -> Writer | None:
    """What writes the arrays of a map that is too large to hold; None for any other figure."""
    if spec.shows != "map" or spec.has_view():
        return None
    return lambda file: write_npz(file, _arrays(spec))


def _arrays(spec: FigureSpec) -> Arrays:
    prediction, encoding = spec.reading.prediction, spec.reading.encoding
    arrays = numbers_of(spec).arrays(spec) | {
        "text": np.array(encoding.text),
        "tokens": text_array(token.text for token in encoding.tokens),
        "labels": text_array(prediction.labels),
        "logits": prediction.logits,
        "citation": np.array(json_text(citation_values(spec))),
        "request": np.array(json_text(request_values(spec))),
    }
    if not prediction.regression:
        arrays["probabilities"] = prediction.probabilities
    if spec.reading.without:
        arrays["without"] = np.array(spec.reading.without)
    if encoding.pair is not None:
        arrays["pair"] = np.array(encoding.pair)
    return arrays


def json(spec: FigureSpec, options: RenderOptions) -> bytes:
    """A record that can be replayed.

    Raises:
        SelectionError: where there are too many numbers for text.
    """
    return json_text(figure_record(spec)).encode()


def csv_file(rows: Iterable[Row]) -> bytes:
    """Any table, in which no spreadsheet finds a formula."""
    table = StringIO()
    writer = csv_module.writer(table, lineterminator="\n")
    for row in rows:
        check_cancelled()
        writer.writerow([guarded(cell) if isinstance(cell, str) else written(cell) for cell in row])
    return table.getvalue().encode()


def npz_file(arrays: Arrays) -> bytes:
    """Any arrays, compressed; none of them needs a pickle."""
    content = _CancellableBytes()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def json_text(value: object) -> str:
    """Plain values as JSON without blanks; NaN is refused."""
    return json_module.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class _CancellableBytes(BytesIO):
    """A file in memory that is given up in the middle where nobody wants it any more."""

    def write(self, content: Any, /) -> int:
        check_cancelled()
        return super().write(content)
