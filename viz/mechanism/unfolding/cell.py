"""One attention weight: a layer, a head, and who looks at whom."""

from typing import NamedTuple

import numpy as np

from viz.attention.long_attention import require_all_weights
from viz.errors import SelectionError
from viz.types import Reading


class Cell(NamedTuple):
    """One cell of one attention map."""

    layer: int
    head: int
    query: int
    """Position of the token that looks."""
    key: int
    """Position of the token looked at."""


def check_cell(reading: Reading, cell: Cell) -> Cell:
    """The cell, where the reading has it.

    Raises:
        MissingAttentionError: if there are no attention weights.
        SelectionError: for a layer, a head or a token that doesn't exist.
    """
    for name, index in cell._asdict().items():
        _check(reading, name, index)
    return cell


def _check(reading: Reading, name: str, index: int) -> None:
    attention = reading.attention
    counts = (attention.n_layers, attention.n_heads, attention.n_tokens, attention.n_tokens)
    count = dict(zip(Cell._fields, counts, strict=True))[name]
    if not 0 <= index < count:
        raise SelectionError(
            f"{name.capitalize()} {index} does not exist; choose one from 0 to {count - 1}."
        )


def default_cell(
    reading: Reading,
    *,
    layer: int | None = None,
    head: int | None = None,
    query: int | None = None,
    key: int | None = None,
) -> Cell:
    """Where the deciding token looks hardest at a word other than itself.

    Of a mean it is any token that looks.  Heads that rest on special tokens, or as decoders do on
    the first token, are passed over where there is a choice, and so is punctuation.

    Args:
        reading: What was read.
        layer: The only one to choose from; None for all.
        head: The same.
        query: The same, in the place of the deciding token.
        key: The same, whatever token it is.

    Raises:
        MissingAttentionError: if there are no attention weights.
        LongTextError: if they are not kept.
        SelectionError: for a layer, a head or a token that doesn't exist.
    """
    for name, index in {"layer": layer, "head": head, "query": query, "key": key}.items():
        if index is not None:
            _check(reading, name, index)
    require_all_weights(reading, "Taking an attention weight apart")
    attention, tokens = reading.attention, reading.encoding.tokens
    looking = reading.deciding_token if query is None else query
    queries = list(range(len(tokens))) if looking is None else [looking]
    keys = _words(reading) if key is None else [key]
    layers = range(attention.n_layers) if layer is None else [layer]
    heads = range(attention.n_heads) if head is None else [head]
    rows = attention.weights[np.ix_(layers, heads, queries, keys)].astype(np.float64)
    same = np.equal.outer(np.array(queries), np.array(keys))
    if not same.all():
        rows[..., same] = -1
    at = [int(index) for index in np.unravel_index(rows.argmax(), rows.shape)]
    return Cell(layers[at[0]], heads[at[1]], queries[at[2]], keys[at[3]])


def _words(reading: Reading) -> list[int]:
    """Positions of tokens that are worth a look."""
    tokens = reading.encoding.tokens
    words = [index for index, token in enumerate(tokens) if not token.special]
    written = [
        i for i in words if i and any(map(str.isalnum, reading.encoding.token_text(tokens[i])))
    ]
    return written or words or list(range(len(tokens)))
