"""Where maps of attention come from, a few rows at a time, however long a text is.

Of 8,192 tokens and 22 x 12 heads all weights would take 71 GB.  A source gives those of some
queries of one layer, as often as they are asked for; `viz.attention.long_view` makes views of them,
and `viz.attention.sweep` passes over all of them once.
"""

from typing import NamedTuple, Protocol

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.types import BoolArray


class MapBlock(NamedTuple):
    """Some rows of the maps of one layer."""

    values: FloatArray
    """(H, q, k): of one head (1, q, k)."""
    first_key: int
    """The key of the first column; of keys in no column, all values are 0."""
    impossible: BoolArray | None
    """(q, k): which keys no head can look at; None where each can be looked at.  Keys in no column
    can't be looked at, ever."""
    sink: FloatArray | None = None
    """(H, q): what goes to no token; None where there is no sink."""


class MapSource(Protocol):
    """Maps of every head of every layer, computed when asked for."""

    @property
    def n_layers(self) -> int:
        """Number of layers."""

    @property
    def n_heads(self) -> int:
        """Number of heads in each layer."""

    @property
    def n_tokens(self) -> int:
        """Number of token positions."""

    @property
    def signed(self) -> bool:
        """Whether values are signed shares, not attention weights."""

    @property
    def nbytes(self) -> int:
        """What it keeps in memory."""

    def block(self, layer: int, queries: slice, head: int | None = None) -> MapBlock:
        """Some rows of one layer.

        Args:
            layer: The layer.
            queries: The rows, from `start` to `stop`.
            head: The one head that is wanted; None for all of them.
        """


class ArrayMaps:
    """Maps that are all in memory.

    Args:
        values: (L, H, T, T).
        impossible: (L, T, T), as in `Attention.impossible`.
        signed: Whether they are signed shares.
    """

    def __init__(
        self, values: FloatArray, impossible: BoolArray | None = None, *, signed: bool = False
    ) -> None:
        self._values, self._impossible = values, impossible
        self.n_layers, self.n_heads, self.n_tokens, _ = values.shape
        self.signed = signed
        self.nbytes = values.nbytes

    def block(self, layer: int, queries: slice, head: int | None = None) -> MapBlock:
        """Some rows of one layer."""
        heads = slice(None) if head is None else slice(head, head + 1)
        impossible = None if self._impossible is None else self._impossible[layer, queries]
        return MapBlock(self._values[layer, heads, queries], 0, impossible)


def whole_rows(block: MapBlock, n_tokens: int) -> tuple[FloatArray, BoolArray | None]:
    """A block with a column for each key.

    Returns:
        Values (H, q, T), and what can't be looked at (q, T); None where nothing is forbidden.
    """
    values, first = block.values, block.first_key
    n_keys = values.shape[-1]
    if n_keys == n_tokens:
        return values, block.impossible
    whole = np.zeros((*values.shape[:-1], n_tokens), values.dtype)
    whole[..., first : first + n_keys] = values
    impossible = np.ones((values.shape[-2], n_tokens), dtype=bool)
    inside = False if block.impossible is None else block.impossible
    impossible[:, first : first + n_keys] = inside
    return whole, impossible
