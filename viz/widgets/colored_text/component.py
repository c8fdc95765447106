"""The colored text on the page."""

from collections.abc import Callable, Sequence

import streamlit as st

from finetune.checkpoint.arrays import FloatArray
from viz.attention.words import Span
from viz.comparison.readings import ReadingComparison
from viz.types import BoolArray, Encoding
from viz.widgets.colored_text import changes
from viz.widgets.colored_text.payload import COLORED_TEXT, payload
from viz.widgets.shared.component import register

_mount = register(COLORED_TEXT)


def colored_text(
    encoding: Encoding,
    spans: Sequence[Span],
    scores: FloatArray,
    *,
    errors: FloatArray | None = None,
    signed: bool,
    relative: bool = False,
    key: str,
    low_label: str = "",
    high_label: str = "",
    caption: str | None = None,
    opens: bool = False,
    impossible: BoolArray | None = None,
    largest: float | None = None,
    on_select: Callable[[], None] | None = None,
) -> None:
    """Show the text with every span on the color of its score.

    Args:
        encoding: The text that was read.
        spans: In reading order, as from `words.spans`; special tokens may be left out.
        scores: (n,), one for each span.
        errors: (n,), standard errors of the scores; shown with them where the reader points.
        signed: Whether scores below 0 speak against something: the diverging scale, centered on 0.
        relative: Whether scores are written as percentages of the strongest word's.
        key: The component's own key.
        low_label: What the low end of the scale means, e.g. "against Sci/Tech".
        high_label: What the high end means.
        caption: A sentence under the scale.
        opens: Whether Enter in the atlas leads here, and Escape back.
        impossible: (n,), spans that can't be looked at; None where all can be.
        largest: The score at the end of the color scale; the largest of a word where None.
        on_select: Called before the rerun that a click on a word brings, or Enter; see
            `selected_token`.  None where none shall be brought.
    """
    data = payload(
        encoding,
        spans,
        scores,
        errors=errors,
        signed=signed,
        relative=relative,
        impossible=impossible,
        largest=largest,
        selectable=on_select is not None,
    ) | {
        "low": low_label,
        "high": high_label,
        "caption": caption or "",
        "opens": opens,
    }
    if on_select is None:
        _mount(data=data, key=key)
    else:
        _mount(data=data, key=key, on_token_change=on_select)


def selected_token(key: str) -> int | None:
    """The first token of the word that was last chosen; None before the first click."""
    state = st.session_state.get(key)
    token = state.get("token") if isinstance(state, dict) else None
    return token if type(token) is int and token >= 0 else None


def colored_changes(
    compared: ReadingComparison,
    *,
    key: str,
    low_label: str = "",
    high_label: str = "",
    caption: str = "",
) -> None:
    """Show two texts as one, each word on the color of what changed in its score.

    Args:
        compared: Both readings side by side.
        key: The component's own key.
        low_label: What the low end of the scale means.
        high_label: What the high end means.
        caption: A sentence under the scale.
    """
    data = changes.payload(
        compared.alignment, compared.first.encoding, compared.second.encoding, compared.words
    )
    labels = {"low": low_label, "high": high_label, "caption": caption, "opens": False}
    _mount(data=data | labels, key=key)
