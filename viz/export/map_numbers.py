"""The numbers of maps of attention.

In CSV a map is a labeled matrix, one row a query: `layer`, `head` (`mean` for a mean),
`query_index`, `query`, `removed`, then one column a key, named `key 3: fall`; a cell is empty where
the query can't look at the key.  Of a region, indices are those in the whole map.  A layer puts the
matrices of its heads below each other.  The atlas has one row a head: its statistics and its
largest number; of a long text, nobody looks where that stands, and those cells are empty.  NPZ and
JSON say in `impossible` what can't be looked at, and lack it where all can be.
"""

from collections.abc import Iterator

import numpy as np

from viz.attention.long_attention import statistics_of
from viz.attention.long_view import LongView
from viz.attention.pooling import farthest_from_zero
from viz.attention.statistics import STATISTICS
from viz.export.formats import FORMATS, MAX_NUMBERS
from viz.export.json_record import span_values
from viz.export.npz_stream import LongMap
from viz.export.numbers import Arrays, Numbers, Row, Values, span_arrays
from viz.figures.long_maps import pooled_model
from viz.figures.spec import FigureSpec


def _matrix_rows(spec: FigureSpec) -> Iterator[Row]:
    shown = spec.view(MAX_NUMBERS)
    FORMATS["csv"].check_fits(shown.weights.size)
    columns = ("layer", "head", "query_index", "query", "removed")
    first_row, first_column = (0, 0) if spec.region is None else spec.region.corner
    keys = enumerate(shown.keys, first_column)
    yield [*columns, *(f"key {index}: {key.label}" for index, key in keys)]
    layer = "mean" if spec.layer is None else spec.layer
    mean_or_head = "mean" if spec.head is None else spec.head
    heads = range(spec.n_maps) if spec.shows == "layer" else [mean_or_head]
    for index, head in enumerate(heads):
        for row, query in enumerate(shown.spans):
            removed = shown.removed[0, index, row]
            cells: Row = shown.weights[0, index, row]
            if shown.impossible is not None:
                forbidden = shown.impossible[0, row]
                cells = [None if no else cell for cell, no in zip(cells, forbidden, strict=True)]
            yield [layer, head, first_row + row, query.label, removed, *cells]


def _map_arrays(spec: FigureSpec) -> Arrays:
    long = spec.long_view
    if long is not None and spec.shows == "map" and not spec.has_view():
        rows, columns = part = spec.part_of(long)
        return {
            **LongMap(long, spec.layer, spec.head, part).entries(spec.measure),
            **span_arrays("query", long.spans[rows]),
            **span_arrays("key", long.keys[columns]),
            **_value_arrays(spec),
        }
    shown = spec.view()
    axes = {"model": (), "layer": (0,), "map": (0, 1)}[spec.shows]
    arrays = {
        spec.measure: shown.weights.squeeze(axes),
        "removed": shown.removed.squeeze(axes),
        **span_arrays("query", shown.spans),
        **span_arrays("key", shown.keys),
    }
    if shown.impossible is not None:
        arrays["impossible"] = shown.impossible.squeeze(axes[:1])
    return arrays | _value_arrays(spec)


def _value_arrays(spec: FigureSpec) -> Arrays:
    return {} if spec.contribution is None else {"value": np.float64(spec.contribution.value)}


def _map_values(spec: FigureSpec) -> Values:
    shown = spec.view(MAX_NUMBERS)
    FORMATS["json"].check_fits(shown.weights.size)
    values: Values = {} if spec.contribution is None else {"value": spec.contribution.value}
    if shown.impossible is not None:
        values["impossible"] = shown.impossible.tolist()
    return values | {
        "queries": span_values(shown.spans),
        "keys": span_values(shown.keys),
        spec.measure: shown.weights.tolist(),
        "removed": shown.removed.tolist(),
    }


MAP_NUMBERS = Numbers(_matrix_rows, _map_arrays, _map_values)


def _head_rows(spec: FigureSpec) -> Iterator[Row]:
    """A header, then one row a head: its statistics, its largest number, and where that stands."""
    statistics = _statistic_arrays(spec)
    place = ("query_index", "query", "key_index", "key")
    yield ["layer", "head", *statistics, f"largest_{spec.measure}", *place]
    long = spec.long_view
    if long is not None:
        yield from _long_head_rows(long, statistics)
        return
    shown = spec.view()
    n_layers, n_heads, _, n_keys = shown.weights.shape
    for layer, head in np.ndindex(n_layers, n_heads):
        values = shown.weights[layer, head]
        query, key = divmod(int(np.abs(values).argmax()), n_keys)
        where = (query, shown.spans[query].label, key, shown.keys[key].label)
        measured = (statistic[layer, head] for statistic in statistics.values())
        yield [layer, head, *measured, values[query, key], *where]


def _long_head_rows(long: LongView, statistics: Arrays) -> Iterator[Row]:
    """The same of a long text, without the place of the largest number."""
    pixels = pooled_model(long, 1, 1).weights  # of any size: the largest pixel is what counts
    largest = farthest_from_zero(pixels.max((-1, -2)), pixels.min((-1, -2)))
    for layer, head in np.ndindex(*largest.shape):
        measured = (statistic[layer, head] for statistic in statistics.values())
        yield [layer, head, *measured, largest[layer, head], None, None, None, None]


def _statistic_arrays(spec: FigureSpec) -> Arrays:
    """Of every head by name, each (L, H): of its attention, whatever is shown of it."""
    statistics = statistics_of(spec.reading)
    return {statistic.name: getattr(statistics, statistic.name) for statistic in STATISTICS}


ATLAS_NUMBERS = Numbers(
    _head_rows, lambda spec: _map_arrays(spec) | _statistic_arrays(spec), _map_values
)
