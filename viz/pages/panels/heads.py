"""Where every head looks: the atlas of all heads, and the one that is selected."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from viz import attention, charts, session
from viz.components import atlas
from viz.components.theme import current_theme
from viz.pages.panels.text import Texts
from viz.types import Reading
from viz.words import AttentionView, Unit

MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the reader looks at; None is the mean over layers or heads."""

    layer: int | None
    head: int | None
    unit: Unit
    special: bool


# A click in the atlas draws this panel again and leaves the rest of the page alone.
@st.fragment
def show_heads(
    source: str, texts: Texts, reading: Reading, beneath: Callable[[Selection], None]
) -> None:
    """Show the atlas and the selected head.

    Args:
        source: The checkpoint.
        texts: What was read.
        reading: What came of it.
        beneath: Draws what stands under the atlas, given what is selected.
    """
    selection = _choose_selection(reading)
    view = session.view(source, texts.text, texts.pair, selection.unit, selection.special)
    left, right = st.columns([5, 6], gap="medium")
    with left:
        _show_atlas(view, selection)
        beneath(selection)
    with right:
        _show_head(view, selection)


def _choose_selection(reading: Reading) -> Selection:
    title, controls = st.columns([5, 6], gap="medium", vertical_alignment="bottom")
    title.subheader("Attention", anchor=False)
    title.caption("Where heads look. Looking is not yet a reason for the class.")
    with controls.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        layer = _choose(session.LAYER, reading.attention.n_layers, default=-1)
        head = _choose(session.HEAD, reading.attention.n_heads, default=None)
        unit = _choose_unit()
        special = st.toggle("Special tokens", True, key=session.SPECIAL, bind="query-params")
    return Selection(layer, head, unit, special)


def _choose_unit() -> Unit:
    wordpieces = st.segmented_control(
        "Rows and columns",
        ["words", "wordpieces"],
        default="words",
        required=True,
        key=session.UNIT,
        bind="query-params",
        label_visibility="collapsed",
    )
    return "wordpiece" if wordpieces == "wordpieces" else "word"


def _choose(key: str, count: int, *, default: int | None) -> int | None:
    """Let the reader pick a layer or a head by number, or the mean of all."""
    options = [*(str(index) for index in range(count)), MEAN]
    place = count if default is None else default % count
    chosen = st.selectbox(
        key.capitalize(), options, index=place, key=key, bind="query-params", width=96
    )
    return None if chosen == MEAN else int(chosen)


def _show_atlas(view: AttentionView, selection: Selection) -> None:
    atlas.atlas(
        view,
        None,
        layer=selection.layer,
        head=selection.head,
        key=session.ATLAS,
        on_change=_follow_atlas,
    )


def _show_head(view: AttentionView, selection: Selection) -> None:
    place = attention.place(selection.layer, selection.head)
    st.markdown(f"**{place}** &ensp; :small[:gray[{_rows(view, selection)}]]")
    chosen = attention.select(view.weights, selection.layer, selection.head)
    figure = charts.heatmap(chosen, view.spans, theme=current_theme(session.THEME))
    st.plotly_chart(figure, key="heatmap", theme=None, config=session.PLOT)


def _follow_atlas() -> None:
    """Carry a click in the atlas over to the layer and head that are selected."""
    selected = atlas.selection(session.ATLAS)
    if selected is not None:
        layer, head = selected
        st.session_state[session.LAYER] = MEAN if layer is None else str(layer)
        st.session_state[session.HEAD] = MEAN if head is None else str(head)


def _rows(view: AttentionView, selection: Selection) -> str:
    """What a row is, and how much of it went with the special tokens."""
    if selection.special:
        return "each row sums to 1; colour by the square root of the weight"
    mass = attention.select(view.removed[..., None], selection.layer, selection.head).mean()
    return f"{mass:.0%} of its attention went to special tokens; rows rescaled to 1"
