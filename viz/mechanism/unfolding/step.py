"""One equation of a pass: what was made of what, by which operation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from viz.mechanism.unfolding.term import Term

Stage = Literal["embeddings", "attention", "feed-forward", "decoder", "classifier"]
"""The part of the network an equation stands in; with the layer it names the place.  The decoder
behind an encoder is one part."""


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """One equation, with every operand that its right-hand side needs."""

    result: Term
    operation: str
    """The rule by which the result is made of the operands, such as `linear` or `softmax`: a key of
    `viz.mechanism.trace.equations.EQUATIONS`.  `opaque` where an operation can't be written down,
    which has operands but no equation."""
    operands: tuple[Term, ...]
    """In the order in which the rule takes them."""
    options: Mapping[str, float | int | str] = field(default_factory=dict)
    """The numbers of the rule that are no operands, such as the epsilon of a normalization."""
    stage: Stage = "attention"
    layer: int | None = None
    """None before the first layer and behind the last one."""

    def __post_init__(self) -> None:
        """Freeze the options."""
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    @property
    def name(self) -> str:
        """What is computed: the name of the result."""
        return self.result.name
