"""Heads as they are written: `3.7` on the command line and in links, `L3 · H7` for readers."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import index

from viz.errors import SelectionError

Heads = tuple[tuple[int, int], ...]
"""Heads by layer and number, each once, in order."""


def parse_heads(text: str, n_layers: int, n_heads: int) -> Heads:
    """Heads of a list such as `3.7,4`: head 7 of layer 3, and all of layer 4.

    Args:
        text: Layers, and heads behind a point, with commas or blanks between.
        n_layers: How many layers the model has.
        n_heads: How many heads each has.

    Raises:
        SelectionError: for what is not a head of the model.
    """
    heads: set[tuple[int, int]] = set()
    for word in re.split(r"[,\s]+", text.strip()) if text.strip() else ():
        match = re.fullmatch(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?", word)
        if match is None:
            raise SelectionError(
                f"{word[:40]!r} is not a head; write 3.7 for head 7 of layer 3, or 3 for the whole "
                "layer."
            )
        layer = int(match[1])
        chosen = range(n_heads) if match[2] is None else (int(match[2]),)
        heads.update((layer, head) for head in chosen)
    return checked_heads(heads, n_layers, n_heads)


def checked_heads(heads: Iterable[tuple[int, int]], n_layers: int, n_heads: int) -> Heads:
    """Heads in order, each once.

    Raises:
        SelectionError: for one that doesn't exist, and for what is not a pair of whole numbers.
    """
    try:
        pairs = sorted({(index(layer), index(head)) for layer, head in heads})
    except (TypeError, ValueError) as error:
        raise SelectionError(
            "Heads are pairs of whole numbers, such as [(3, 7)] for head 7 of layer 3."
        ) from error
    for layer, head in pairs:
        if not (0 <= layer < n_layers and 0 <= head < n_heads):
            raise SelectionError(
                f"Head {head} of layer {layer} does not exist; this model's layers are 0 to "
                f"{n_layers - 1} and its heads 0 to {n_heads - 1}."
            )
    return tuple(pairs)


def head_list(heads: Iterable[tuple[int, int]], n_heads: int | None = None) -> str:
    """Heads as `parse_heads` reads them: `3.7,4`.

    Args:
        heads: In order.
        n_heads: How many heads a layer has, so that one that is whole is written as one.
    """
    words = []
    for layer, members in groupby(heads, key=lambda pair: pair[0]):
        numbers = [head for _, head in members]
        whole = n_heads is not None and len(numbers) == n_heads
        words += [str(layer)] if whole else [f"{layer}.{head}" for head in numbers]
    return ",".join(words)


def heads_off(heads: Sequence[tuple[int, int]]) -> str:
    """What is said of heads that are off: `head L3 · H7 off`; in long lists runs are joined."""
    if not heads:
        return "all heads on"
    layers = []
    for layer, members in groupby(heads, key=lambda pair: pair[0]):
        numbers = [head for _, head in members]
        layers.append(f"L{layer} · {', '.join(_runs(numbers))}")
    return f"{'head' if len(heads) == 1 else 'heads'} {'; '.join(layers)} off"


def _runs(numbers: Sequence[int]) -> list[str]:
    """Numbers in order as `H1`, and as `H3–H5` where three or more follow one another."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = []
    for run in runs:
        words += [f"H{each}" for each in run] if len(run) < 3 else [f"H{run[0]}–H{run[-1]}"]
    return words
