"""Two texts as one colored text: each word on the color of what changed in its score.

What is inserted is underlined, what is deleted is struck through, and what stands in place of other
words follows these.
"""

from collections.abc import Iterator, Sequence

from viz.attention.words import Span
from viz.attribution.descriptions import decimals, true_minus
from viz.colors import PALETTES
from viz.comparison.alignment import Alignment, Edit
from viz.comparison.word_comparison import WordChange, WordComparison
from viz.types import Encoding
from viz.widgets.colored_text.payload import ColorScale


def payload(
    alignment: Alignment, first: Encoding, second: Encoding, words: WordComparison | None
) -> dict[str, object]:
    """What the browser is sent: the edits of each text in reading order.

    Args:
        alignment: Which words belong together.
        first: What the first reading is of.
        second: What the second is of.
        words: Their scores; None where there are none, and so no colors.
    """
    scale = None
    changes: Sequence[WordChange | None] = [None] * len(alignment.edits)
    if words is not None:
        changes = words.changes
        largest = max((abs(change.difference) for change in words.most_changed), default=0.0)
        scale = ColorScale(largest, signed=True)
    parts: list[list[dict[str, object]]] = [[], []]
    for edit, change in zip(alignment.edits, changes, strict=True):
        if not edit.span.special:
            encoding = first if edit.second is None else second
            parts[edit.span.part or 0] += _segments(edit, change, scale, encoding)
    data: dict[str, object] = {"parts": [part for part in parts if part]}
    if scale is None:
        return data | {"lowest": "", "highest": "", "ramp": None}
    ramp = {
        theme: f"linear-gradient(to right, {', '.join(scale.colors(palette))})"
        for theme, palette in PALETTES.items()
    }
    return data | {
        "ramp": ramp,
        "lowest": scale.format(-scale.largest),
        "highest": scale.format(scale.largest),
    }


def _segments(
    edit: Edit, change: WordChange | None, scale: ColorScale | None, encoding: Encoding
) -> Iterator[dict[str, object]]:
    """The blanks before a word, and the word."""
    if gap := _blanks_before(edit.span, encoding):
        yield {"text": gap, "kind": "gap"}
    segment: dict[str, object] = {"text": edit.span.label, "kind": "word"}
    if edit.kind != "same":
        segment["mark"] = edit.kind
    if edit.kind == "replaced" and edit.first is not None:
        segment["before"] = edit.first.label
    if change is not None and scale is not None:
        segment["score"] = _numbers(change, scale)
        segment |= {
            theme: scale.colors_of(change.difference, palette)
            for theme, palette in PALETTES.items()
        }
    yield segment


def _blanks_before(span: Span, encoding: Encoding) -> str:
    before = encoding.part_text(span.part)[: span.start]
    return before[len(before.rstrip()) :]


def _numbers(change: WordChange, scale: ColorScale) -> str:
    """The scores on both sides, and what changed: the difference of what is written of them."""
    places = decimals(scale.largest)
    first, second = (round(score or 0.0, places) for score in (change.first, change.second))
    one, other = (
        "–" if score is None else scale.format(score) for score in (change.first, change.second)
    )
    return true_minus(f"{scale.format(second - first)} ({one}, then {other})")
