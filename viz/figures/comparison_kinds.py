"""The kinds of figures of a comparison, and what one of them shows."""

from dataclasses import dataclass

from viz.attention.heads import heads_off
from viz.comparison.descriptions import difference_title
from viz.comparison.readings import ReadingComparison
from viz.errors import SelectionError
from viz.figures.citation import SHOWN_HASH_DIGITS, text_hash
from viz.figures.kinds import Reference
from viz.model.installation import version
from viz.types import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonKind:
    """One kind of figure of a comparison."""

    name: str
    """In file names and on the command line."""
    label: str
    """On the page."""
    draw: Reference
    """From a `ComparisonSpec` and `RenderOptions` to a Figure of matplotlib."""
    page: Reference
    """From a `ComparisonSpec` to the `PageContent` of its HTML."""
    needs_words: bool = False
    needs_heads: bool = False


COMPARISON_KINDS = {
    kind.name: kind
    for kind in (
        ComparisonKind(
            name="words",
            label="class and words",
            draw="viz.figures.comparison:words_figure",
            page="viz.export.comparison_page:words_page",
        ),
        ComparisonKind(
            name="distances",
            label="all heads",
            draw="viz.figures.comparison:distances_figure",
            page="viz.export.comparison_page:heads_page",
            needs_heads=True,
        ),
        ComparisonKind(
            name="difference",
            label="one head",
            draw="viz.figures.comparison:difference_figure",
            page="viz.export.comparison_page:difference_page",
            needs_heads=True,
        ),
    )
}
"""All of them by name, in the order in which they are offered."""


@dataclass(frozen=True, slots=True)
class ComparisonSpec:
    """A figure of a comparison; its picture, its numbers and its caption follow from it.

    Raises:
        SelectionError: for an unknown kind.
        MissingAttentionError: where heads are to be shown that can't be compared.
    """

    comparison: ReadingComparison
    kind: str
    """A name in `COMPARISON_KINDS`."""
    layer: int | None = None
    """Of the difference of one head; None for the mean over layers."""
    head: int | None = None

    def __post_init__(self) -> None:
        """Check that there is something to show."""
        if self.kind not in COMPARISON_KINDS:
            raise SelectionError(
                f"Figure {self.kind!r} is unknown; known are {', '.join(COMPARISON_KINDS)}."
            )
        if self.figure_kind.needs_heads:
            self.comparison.require_heads()

    @property
    def figure_kind(self) -> ComparisonKind:
        """The record of its kind."""
        return COMPARISON_KINDS[self.kind]

    @property
    def title(self) -> str:
        """What became of the class, or where there is none, what is compared."""
        classes = self.comparison.classes
        if classes is not None:
            return classes.sentence
        first, second = self.comparison.first.checkpoint, self.comparison.second.checkpoint
        return f"{first} and {second}"

    @property
    def name_parts(self) -> tuple[str, ...]:
        """What tells a file from others of the same comparison."""
        first, second = self.comparison.first, self.comparison.second
        other = () if first.checkpoint == second.checkpoint else ("with", second.checkpoint)
        index = (
            "all-layers" if self.layer is None else f"L{self.layer}",
            "mean" if self.head is None else f"H{self.head}",
        )
        return (*other, "compare", self.kind, *(index if self.kind == "difference" else ()))

    def citation(self) -> str:
        """One line of small print: what is shown, of which texts and checkpoints."""
        compared = self.comparison
        words = compared.words
        if self.kind == "difference":
            title = difference_title(compared.require_heads(), self.layer, self.head)
            shows = f"difference of attention weights · {title}"
        elif self.kind == "distances":
            shows = "Jensen-Shannon distance of heads"
        else:
            shows = "change of class" if words is None else f"change of words by {words.method}"
        sides = [_cited(reading) for reading in (compared.first, compared.second)]
        return " · ".join((shows, sides[0], f"compared with {sides[1]}", f"CLSight {version()}"))


def _cited(reading: Reading) -> str:
    digest = reading.fingerprint[:SHOWN_HASH_DIGITS] or "no hash"
    off = f", {heads_off(reading.without)}" if reading.without else ""
    text = text_hash(reading.encoding)[:SHOWN_HASH_DIGITS]
    return f"checkpoint {reading.checkpoint} ({digest}){off}, text {text}"
