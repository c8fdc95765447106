"""What BertViz's script reads, and how much of it a browser can handle."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.words import BYTE, CONTINUATION, spans
from viz.colors import Theme
from viz.errors import SelectionError
from viz.types import Reading

View = Literal["head", "model"]

MAX_LINES = 200_000
"""Lines drawn at once: Chromium takes 6 s to paint so many on two cores, and 3 s for a click."""
MAX_BYTES = 24_000_000
"""Bytes of numbers in a page: the head view draws one layer but holds all of them."""
DIGITS = 4
"""Significant digits of a weight; it becomes an opacity, of which a screen shows 256 steps."""
BYTES = 9
"""Bytes that a weight of so many digits takes in JSON, with its comma."""


def parameters(
    reading: Reading,
    *,
    view: View = "head",
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    theme: Theme = "light",
) -> dict[str, object]:
    """What BertViz's script reads: those that BertViz itself would make, weights rounded.

    Raises:
        SelectionError: as `bertviz_html`.
    """
    if view not in get_args(View):
        raise SelectionError(f"BertViz view {view!r} is unknown; head and model are what there is.")
    attention = reading.attention
    chosen = _chosen("layer", layers, attention.n_layers)
    shown = _chosen("head", heads, attention.n_heads)
    _check_size(reading, view, len(chosen), len(shown))
    common = {"default_filter": "0", "root_div_id": "bertviz", "include_layers": chosen}
    weights = attention.weights[chosen]
    if view == "head":
        on = None if heads is None else shown
        return common | {"attention": _maps(reading, weights), "layer": None, "heads": on}
    return common | {
        "attention": _maps(reading, weights[:, shown]),
        "display_mode": theme,
        "include_heads": shown,
        "total_heads": attention.n_heads,
    }


def affordable_layers(reading: Reading, view: View) -> int:
    """How many layers, all heads of each, a browser can handle; 0 where not even one."""
    n_layers, n_heads = reading.attention.n_layers, reading.attention.n_heads
    counts = range(n_layers, 0, -1)
    return next((n for n in counts if _is_affordable(reading, view, n, n_heads)), 0)


def _chosen(name: str, indices: Sequence[int] | None, count: int) -> list[int]:
    """The chosen layers or heads, each once, in the order given."""
    if indices is None:
        return list(range(count))
    if not indices:
        raise SelectionError(f"No {name} was chosen; this model's {name}s are 0 to {count - 1}.")
    for index in indices:
        if not 0 <= index < count:
            raise SelectionError(
                f"{name.capitalize()} {index} does not exist; "
                f"this model's {name}s are 0 to {count - 1}."
            )
    return [int(index) for index in dict.fromkeys(indices)]


def _lines(reading: Reading, view: View, n_layers: int, n_heads: int) -> int:
    """SVG lines that are drawn at once; the head view draws all heads, shown or not."""
    maps = reading.attention.n_heads if view == "head" else n_layers * n_heads
    return maps * reading.attention.n_tokens**2


def _bytes(reading: Reading, view: View, n_layers: int, n_heads: int) -> int:
    """Bytes of the weights in JSON; those of a pair go out whole and in four quarters."""
    maps = n_layers * (reading.attention.n_heads if view == "head" else n_heads)
    times = 1 if start_of_second(reading) is None else 2
    return times * maps * reading.attention.n_tokens**2 * BYTES


def _is_affordable(reading: Reading, view: View, n_layers: int, n_heads: int) -> bool:
    size = (reading, view, n_layers, n_heads)
    return _lines(*size) <= MAX_LINES and _bytes(*size) <= MAX_BYTES


def _check_size(reading: Reading, view: View, n_layers: int, n_heads: int) -> None:
    if _is_affordable(reading, view, n_layers, n_heads):
        return
    lines, size = (f(reading, view, n_layers, n_heads) for f in (_lines, _bytes))
    if view == "head":  # which draws one layer at a time, and all heads of it
        n_heads = reading.attention.n_heads
    drawn = f"{_counted(n_layers, 'layer')} × {_counted(n_heads, 'head')}"
    raise SelectionError(
        f"BertViz would draw {lines:,} lines from {size / 1e6:.1f} MB of numbers for {drawn} × "
        f"{reading.attention.n_tokens} tokens; a browser can handle {MAX_LINES:,} lines and "
        f"{MAX_BYTES / 1e6:.0f} MB. {_way_out(reading, view)}, or open the atlas, which shows all "
        "at once."
    )


def _way_out(reading: Reading, view: View) -> str:
    """What a reader can do about it."""
    if layers := affordable_layers(reading, view):
        return f"Choose at most {_counted(layers, 'layer')}"
    heads = MAX_LINES // reading.attention.n_tokens**2
    if heads:
        model = "the model view, " if view == "head" else ""
        return f"Choose {model}one layer and at most {_counted(heads, 'head')} of it"
    return "Read a shorter text"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _maps(reading: Reading, weights: FloatArray) -> list[dict[str, object]]:
    """The weights with their tokens; of a pair, also each text's look at each.  (L, H, T, T)"""
    tokens, start = _tokens(reading), start_of_second(reading)
    every = slice(None)
    if start is None:
        return [_map(weights, tokens, every, every, None)]
    a, b = slice(start), slice(start, None)
    quarters = {"A -> Sentence A": (a, a), "B -> Sentence B": (b, b)}
    quarters |= {"A -> Sentence B": (a, b), "B -> Sentence A": (b, a)}
    return [
        _map(weights, tokens, every, every, "All"),
        *(_map(weights, tokens, *cut, f"Sentence {name}") for name, cut in quarters.items()),
    ]


def _map(
    weights: FloatArray, tokens: list[str], queries: slice, keys: slice, name: str | None
) -> dict[str, object]:
    return {
        "name": name,
        "attn": _rounded(weights[:, :, queries, keys]).tolist(),
        "left_text": tokens[queries],
        "right_text": tokens[keys],
    }


def _rounded(weights: FloatArray) -> FloatArray:
    """Weights to `DIGITS` significant digits."""
    values = weights.astype(np.float64)
    size = np.floor(np.log10(values, out=np.zeros_like(values), where=values > 0))
    scale = 10 ** (DIGITS - 1 - size)
    return np.asarray(np.rint(values * scale) / scale)


def _tokens(reading: Reading) -> list[str]:
    """Wordpieces as BertViz cleans them; where that leaves bytes, what they are in the text."""
    cleaned: list[str] = []
    for span, token in zip(
        spans(reading.encoding, "wordpiece"), reading.encoding.tokens, strict=True
    ):
        # As `bertviz.util.format_special_chars` takes the marks of tokenizers away.
        piece = token.text.replace("Ġ", " ").replace("▁", " ").replace("</w>", "")
        if piece.startswith(CONTINUATION) or (piece.isascii() and not BYTE.fullmatch(piece)):
            cleaned.append(piece)
        else:
            cleaned.append(span.label.removeprefix(CONTINUATION))
    return cleaned


def start_of_second(reading: Reading) -> int | None:
    """The position where the second text of a pair begins; None where there is none."""
    parts = [token.part for token in reading.encoding.tokens]
    return parts.index(1) if 1 in parts else None
