"""The attention weight that the lesson follows: a layer, a head, and who looks at whom."""

from typing import NamedTuple

import numpy as np

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
    attention = reading.attention
    counts = (attention.n_layers, attention.n_heads, attention.n_tokens, attention.n_tokens)
    for name, index, count in zip(Cell._fields, cell, counts, strict=True):
        if not 0 <= index < count:
            raise SelectionError(
                f"{name.capitalize()} {index} does not exist; choose one from 0 to {count - 1}."
            )
    return cell


def default_cell(reading: Reading) -> Cell:
    """Where the deciding token looks hardest at a word other than itself.

    Of a mean it is any token that looks.  Heads that rest on special tokens, or as decoders do on
    the first token, are passed over where there is a choice, and so is punctuation.

    Raises:
        MissingAttentionError: if there are no attention weights.
    """
    weights, tokens = reading.attention.weights, reading.encoding.tokens
    at = reading.deciding_token
    queries = list(range(len(tokens))) if at is None else [at]
    words = [index for index, token in enumerate(tokens) if not token.special]
    written = [
        i for i in words if i and any(map(str.isalnum, reading.encoding.token_text(tokens[i])))
    ]
    keys = written or words
    rows = weights[:, :, queries][..., keys].astype(np.float64)
    same = np.equal.outer(np.array(queries), np.array(keys))
    if not same.all():
        rows[..., same] = -1
    layer, head, query, key = (int(index) for index in np.unravel_index(rows.argmax(), rows.shape))
    return Cell(layer, head, queries[query], keys[key])
