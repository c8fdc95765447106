"""What a figure shows: one reading, and everything that decides what is drawn of it."""

from dataclasses import dataclass
from typing import Literal

from viz.attention.rollout import select
from viz.attention.views import (
    AttentionView,
    Quadrant,
    Unit,
    pick,
    pick_layer,
    quadrant,
    view,
)
from viz.errors import SelectionError
from viz.types import Attribution, Contribution, FloatArray, Reading, ShownInNotebooks

Kind = Literal["head", "layer", "atlas", "arcs", "attribution"]
KINDS: tuple[Kind, ...] = ("head", "layer", "atlas", "arcs", "attribution")
Measure = Literal["weights", "contribution"]


@dataclass(frozen=True, slots=True)
class FigureSpec(ShownInNotebooks):
    """What a figure shows; its picture, its numbers and its caption all follow from it.

    Raises:
        SelectionError: where the parts contradict each other or the reading.
    """

    reading: Reading
    kind: Kind
    layer: int | None = None
    """None for the mean over layers; the atlas shows all."""
    head: int | None = None
    """None for the mean over heads; a layer shows all of its heads."""
    unit: Unit = "word"
    special: bool = True
    quadrant: Quadrant = "all"
    attribution: Attribution | None = None
    """What a figure of the kind `attribution` shows."""
    contribution: Contribution | None = None
    """Shown instead of attention weights."""

    def __post_init__(self) -> None:
        """Check that there is something to show."""
        if self.kind == "attribution" and self.attribution is None:
            raise SelectionError("A figure of an attribution needs the attribution.")
        if self.kind == "layer" and self.layer is None:
            raise SelectionError("A figure of a layer needs its number.")
        if self.quadrant != "all" and self.reading.encoding.pair is None:
            raise SelectionError(
                f"Only one text was read, so there is no quadrant {self.quadrant}; choose all."
            )
        select(self.reading.attention.weights[..., :1, :1], self.layer, self.head)

    @property
    def measure(self) -> Measure:
        """Whether it shows attention weights or contributions to the class."""
        return "weights" if self.contribution is None else "contribution"

    def view(self) -> AttentionView:
        """The numbers of a figure of attention: (1, 1, n, m), (1, H, n, m) or (L, H, n, m).

        Raises:
            SelectionError: where nothing but special tokens was read, and they are not shown, or
                nothing of one text whose quadrant is.
        """
        shown = view(
            self.reading.encoding,
            self._maps(),
            unit=self.unit,
            special=self.special,
            signed=self.contribution is not None,
        )
        if not shown.spans:
            raise SelectionError("Only special tokens were read; show them to see a picture.")
        part = quadrant(self._chosen(shown), self.quadrant)
        if not part.spans or not part.keys:
            raise SelectionError(
                f"Nothing of one of the texts was read, so {self.quadrant} is empty; choose all."
            )
        return part

    def _chosen(self, shown: AttentionView) -> AttentionView:
        if self.kind == "atlas":
            return shown
        if self.kind == "layer":
            return pick_layer(shown, 0)
        return pick(shown, *(None if index is None else 0 for index in (self.layer, self.head)))

    def _maps(self) -> FloatArray:
        """The maps that are shown, or of which the mean is."""
        taken = self.contribution
        values = self.reading.attention.weights if taken is None else taken.values
        if self.kind == "atlas":
            return values
        chosen = values if self.layer is None else values[self.layer, None]
        if self.head is not None and self.kind != "layer":
            chosen = chosen[:, self.head, None]
        if not self.special:
            return chosen
        # Where no row is rescaled, the mean is the same before words are made, and cheaper.
        if self.layer is None:
            chosen = chosen.mean(0, keepdims=True)
        single = self.head is None and self.kind != "layer"
        return chosen.mean(1, keepdims=True) if single else chosen
