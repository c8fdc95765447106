"""What each head looks at more, or less, in the second reading: maps on a diverging scale."""

import numpy as np

from viz.attention.views import AttentionView, pick
from viz.attention.words import Span
from viz.comparison.aligned_attention import AlignedAttention
from viz.comparison.alignment import Alignment, Edit
from viz.comparison.head_comparison import HeadComparison, counterpart_maps
from viz.errors import SelectionError
from viz.jobs.cancellation import check_cancelled
from viz.types import Attention


def difference_maps(
    alignment: Alignment, heads: HeadComparison, first: Attention, second: Attention
) -> AttentionView:
    """The maps of the counterparts less those of the first reading.  (L, H, n, m)

    A row is a word that both readings have, a column a word that any of them has: below 0 where the
    second reading looks at it less, above 0 where it looks at it more.

    Args:
        alignment: Which words belong together.
        heads: Which heads are counterparts.
        first: The maps of the first reading.
        second: Those of the second.
    """
    n_layers, n_heads = heads.distances.shape
    n_rows, n_columns = heads.n_queries, len(alignment.edits)
    weights = np.zeros((n_layers, n_heads, n_rows, n_columns), np.float32)
    impossible = np.zeros((n_layers, n_rows, n_columns), bool)
    ours, theirs = AlignedAttention.of_both(alignment, first, second)
    for layer, counterparts in enumerate(heads.counterparts):
        check_cancelled()
        weights[layer] = counterpart_maps(theirs, counterparts) - ours.maps(layer)
        impossible[layer] = ours.impossible(layer)
        for other in np.unique(counterparts[:, 0]):
            impossible[layer] &= theirs.impossible(int(other))
    columns = tuple(map(_label_span, alignment.edits))
    rows = tuple(_label_span(edit) for edit in alignment.edits if edit.is_shared)
    nothing = np.zeros(weights.shape[:3], np.float32)
    return AttentionView(
        rows, weights, nothing, columns, signed=True, impossible=impossible, difference=True
    )


def pick_difference(
    differences: AttentionView, layer: int | None, head: int | None
) -> AttentionView:
    """The difference of one head, or the mean over layers, heads or both.  (1, 1, n, m)

    Raises:
        SelectionError: where the first model has no such layer or head.
    """
    names = (("Layer", layer), ("Head", head))
    for (name, index), count in zip(names, differences.weights.shape[:2], strict=True):
        if index is not None and not 0 <= index < count:
            raise SelectionError(
                f"{name} {index} does not exist; this model's {name.lower()}s are 0 to {count - 1}."
            )
    return pick(differences, layer, head)


def _label_span(edit: Edit) -> Span:
    """An edit as a row or a column of a picture."""
    span = edit.span
    return Span(edit.label, span.start, span.end, span.tokens, span.special, span.part)


def head_of_word(differences: AttentionView, edit: Edit) -> tuple[int, int]:
    """The head that looks most differently at a word: by the mean size of its column."""
    column = next(
        index
        for index, span in enumerate(differences.keys)
        if (span.tokens, span.part, span.label) == (edit.span.tokens, edit.span.part, edit.label)
    )
    sizes = np.abs(differences.weights[..., column]).mean(-1)
    layer, head = np.unravel_index(int(sizes.argmax()), sizes.shape)
    return int(layer), int(head)
