"""One equation for a saved page: its formulas as outlines, and every number of its terms."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.colors import PALETTES, mix
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Term
from viz.types import Reading
from viz.widgets.equations.payload import N_COLORS, Names
from viz.widgets.equations.term_picture import largest, strongest
from viz.widgets.shared.array_codec import encode_array
from viz.widgets.shared.widget import Widget

MAX_VALUES = 262_144
"""Numbers of a term that a page carries along; of a larger one the strongest of each block."""

HTML = """
<div class="root">
  <div class="formulas"></div>
  <div class="terms"></div>
  <div class="tip" data-testid="term-tip" hidden></div>
  <p class="live" aria-live="polite"></p>
</div>
"""

TERMS = Widget("terms", "terms/terms", HTML)


def payload(
    reading: Reading,
    step: Step,
    formulas: Sequence[Mapping[str, object]],
    symbols: Sequence[Mapping[str, object]],
) -> dict[str, object]:
    """What the browser is sent.

    Args:
        reading: Names tokens and classes.
        step: The equation.
        formulas: Its lines, each an outline as `terms.js` draws it.
        symbols: The outline of the symbol of each operand, and of the result.
    """
    names = Names.of(reading)
    terms = (*step.operands, step.result)
    pictures = [_picture(term) for term in terms]
    ends = np.cumsum([values.size for values, _ in pictures])
    return {
        "formulas": list(formulas),
        "terms": [
            {
                "name": term.name.replace(".", ".\u200b"),  # may break there
                "outline": symbol,
                "place": names.place(term),
                "source": term.source,
                "shape": list(term.shape),
                "axes": list(term.axes),
                "rows": int(np.prod(term.shape[:-1])),
                "columns": term.shape[-1] if term.shape else 1,
                "drawn": list(values.shape),
                "block": list(block),
                "largest": largest(values),
                "offset": int(end - values.size),
            }
            for term, symbol, (values, block), end in zip(
                terms, symbols, pictures, ends, strict=True
            )
        ],
        "values": encode_array(np.concatenate([values.ravel() for values, _ in pictures])),
        "tokens": list(names.tokens),
        "classes": list(names.classes),
        "themes": {
            theme: [mix(palette.diverging, index / (N_COLORS - 1)) for index in range(N_COLORS)]
            for theme, palette in PALETTES.items()
        },
    }


def _picture(term: Term) -> tuple[FloatArray, tuple[int, int]]:
    """All numbers as one matrix, float32; or blocks of them, and how large a block is."""
    values = term.values.astype(np.float32).reshape(-1, term.shape[-1] if term.shape else 1)
    if values.size <= MAX_VALUES:
        return values, (1, 1)
    # Blocks as square as the sides of the matrix allow.
    count, (rows, columns) = -(-values.size // MAX_VALUES), values.shape
    height = min(math.isqrt(count - 1) + 1, rows)
    width = min(-(-count // height), columns)
    block = (min(-(-count // width), rows), width)
    return strongest(values, block), block
