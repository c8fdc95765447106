"""Every head of an atlas in one row: its facts, and what stands out in it."""

from collections.abc import Iterator, Sequence

import numpy as np

from viz.attention.statistics import STATISTICS, head_statistics
from viz.figures.spec import FigureSpec


def head_rows(spec: FigureSpec) -> Iterator[Sequence[object]]:
    """A header, then one row a head: its facts, its largest number, and who looks at whom there."""
    shown = spec.view()
    facts = fact_arrays(spec)
    place = ("query_index", "query", "key_index", "key")
    yield ["layer", "head", *facts, f"largest_{spec.measure}", *place]
    n_layers, n_heads, _, n_keys = shown.weights.shape
    for layer, head in np.ndindex(n_layers, n_heads):
        values = shown.weights[layer, head]
        query, key = divmod(int(np.abs(values).argmax()), n_keys)
        where = (query, shown.spans[query].label, key, shown.keys[key].label)
        known = (fact[layer, head] for fact in facts.values())
        yield [layer, head, *known, values[query, key], *where]


def fact_arrays(spec: FigureSpec) -> dict[str, np.ndarray]:
    """The facts of every head by name, each (L, H): of its attention, whatever is shown of it."""
    reading = spec.reading
    facts = head_statistics(reading.encoding, reading.attention.weights)
    return {fact.name: getattr(facts, fact.name) for fact in STATISTICS}
