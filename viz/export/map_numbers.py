"""The numbers of maps of attention.

In CSV a map is a labeled matrix, one row a query: `layer`, `head` (`mean` for a mean),
`query_index`, `query`, `removed`, then one column a key, named `key 3: fall`; a cell is empty where
the query can't look at the key.  Of a region, indices are those in the whole map.  A layer puts the
matrices of its heads below each other.  The atlas has one row a head: its statistics and its
largest number.  NPZ and JSON say in `impossible` what can't be looked at, and lack it where all can
be.
"""

from collections.abc import Iterator

import numpy as np

from viz.attention.statistics import STATISTICS, head_statistics
from viz.export.formats import FORMATS
from viz.export.json_record import span_values
from viz.export.numbers import Arrays, Numbers, Row, Values, span_arrays
from viz.figures.spec import FigureSpec


def _matrix_rows(spec: FigureSpec) -> Iterator[Row]:
    shown = spec.view()
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
    if spec.contribution is not None:
        arrays["value"] = np.float64(spec.contribution.value)
    return arrays


def _map_values(spec: FigureSpec) -> Values:
    shown = spec.view()
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
    shown = spec.view()
    statistics = _statistic_arrays(spec)
    place = ("query_index", "query", "key_index", "key")
    yield ["layer", "head", *statistics, f"largest_{spec.measure}", *place]
    n_layers, n_heads, _, n_keys = shown.weights.shape
    for layer, head in np.ndindex(n_layers, n_heads):
        values = shown.weights[layer, head]
        query, key = divmod(int(np.abs(values).argmax()), n_keys)
        where = (query, shown.spans[query].label, key, shown.keys[key].label)
        measured = (statistic[layer, head] for statistic in statistics.values())
        yield [layer, head, *measured, values[query, key], *where]


def _statistic_arrays(spec: FigureSpec) -> Arrays:
    """Of every head by name, each (L, H): of its attention, whatever is shown of it."""
    encoding, attention = spec.reading.encoding, spec.reading.attention
    statistics = head_statistics(encoding, attention.weights, attention.impossible)
    return {statistic.name: getattr(statistics, statistic.name) for statistic in STATISTICS}


ATLAS_NUMBERS = Numbers(
    _head_rows, lambda spec: _map_arrays(spec) | _statistic_arrays(spec), _map_values
)
