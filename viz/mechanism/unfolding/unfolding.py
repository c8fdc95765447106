"""One attention weight unfolded: the record of every equation from ids to class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Term
from viz.types import Reading


class Walk(Protocol):
    """Follows any term of a pass up and down; `viz.mechanism.trace` has it."""

    def term(self, term_id: str) -> Term:
        """The term of an id.

        Raises:
            SelectionError: if the pass has no such term.
        """
        ...

    def made_by(self, term_id: str) -> Step | None:
        """The equation whose left-hand side a term is; None for parameters, constants and ids."""
        ...

    def uses(self, term_id: str) -> Sequence[Step]:
        """The equations in which a term is an operand, each for the row that shows it best."""
        ...

    def part(self, term_id: str, index: tuple[int, ...]) -> Term:
        """One row or one number of a term."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Unfolding:
    """How one head came to look from one token at another, and what became of it.

    The steps follow the query token from its ids through all layers below and the layer of the
    head, the head itself (query, key, product, score, mask, softmax, mix of values), and from the
    layer above on the deciding token to the class.
    """

    reading: Reading
    layer: int
    head: int
    query: int
    """Position of the token that looks."""
    key: int
    """Position of the token looked at."""
    score: float
    """The product of query and key after the division and before mask and softmax, with relative
    terms where a family has some."""
    weight: float
    """The attention weight: what the softmax gives."""
    steps: tuple[Step, ...]
    """In the order in which they are computed."""
    walk: Walk
    """Any other term, from each to what made it and what it makes."""

    def step(self, name: str, layer: int | None = None) -> Step:
        """The step whose result has a name, in a layer or anywhere; if it can, that of the head.

        Raises:
            KeyError: if there is none.
        """
        named = [
            each
            for each in self.steps
            if each.name == name and (layer is None or each.layer == layer)
        ]
        own = [each for each in named if each.layer == self.layer and each.result.head == self.head]
        if not named:
            raise KeyError(name)
        return min(own, key=lambda each: each.result.values.size) if own else named[0]
