"""One number, vector or matrix of a pass, as it stands in an equation."""

from dataclasses import dataclass
from typing import Literal

from finetune.checkpoint.arrays import FloatArray

Axis = Literal["token", "head", "dimension", "class"]
"""What an axis of a term counts.  `dimension` is any width: of states, of a head, of a layer."""
Source = Literal["computed", "parameter", "constant", "input"]
"""Where a term comes from: an operation of the pass, the checkpoint's weights, a number that the
code of the family has, or the ids of the text."""


@dataclass(frozen=True, eq=False, slots=True)
class Term:
    """A number, a vector or a matrix of the pass.  Its values are those the pass computed with."""

    id: str
    """Names it for good: the same text, checkpoint and id give the same term, so links can hold it
    and a click can send it.  Characters: letters, digits, `.`, `-`, `_`, `,`, `:`, `x`."""
    name: str
    """What it is in the field's words, such as `query`, `weights`, `residual` (see `NAMES`); the
    name of the parameter for a parameter."""
    symbol: str
    r"""LaTeX, such as `q_{5}^{(3,7)}`; what KaTeX and matplotlib's mathtext both can set."""
    values: FloatArray
    """(), (n,), (m, n) or (H, m, n); float32 or float64, read-only."""
    axes: tuple[Axis, ...]
    """What each axis counts."""
    source: Source = "computed"
    layer: int | None = None
    """The layer it is computed in, or whose parameter it is; None outside of layers."""
    head: int | None = None
    """The head it belongs to; None where it belongs to all, or to none."""
    token: int | None = None
    """The position whose it is; None where it spans several, or none."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self.values.shape
