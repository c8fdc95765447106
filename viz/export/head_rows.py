"""Every head of an atlas in one row: its facts, and what stands out in it."""

from collections.abc import Iterator, Sequence

import numpy as np

from viz.attention.statistics import FACTS, head_facts
from viz.figures.spec import Plate


def head_rows(plate: Plate) -> Iterator[Sequence[object]]:
    """A header, then one row a head: its facts, its largest number, and who looks at whom there."""
    shown = plate.view()
    facts = fact_arrays(plate)
    place = ("query_index", "query", "key_index", "key")
    yield ["layer", "head", *facts, f"largest_{plate.measure}", *place]
    n_layers, n_heads, _, n_keys = shown.weights.shape
    for layer, head in np.ndindex(n_layers, n_heads):
        values = shown.weights[layer, head]
        query, key = divmod(int(np.abs(values).argmax()), n_keys)
        where = (query, shown.spans[query].label, key, shown.keys[key].label)
        known = (fact[layer, head] for fact in facts.values())
        yield [layer, head, *known, values[query, key], *where]


def fact_arrays(plate: Plate) -> dict[str, np.ndarray]:
    """The facts of every head by name, each (L, H): of its attention, whatever is shown of it."""
    reading = plate.reading
    facts = head_facts(reading.encoding, reading.attention.weights)
    return {fact.name: getattr(facts, fact.name) for fact in FACTS}
