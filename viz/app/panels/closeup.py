"""One head, closely: as a heat map, as arcs, or on the text itself."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from viz.app import keys
from viz.app.panels.inside import link
from viz.app.panels.inside.cell import existing_cell
from viz.app.readings import ViewOptions
from viz.attention import deciding_token, views
from viz.attention.rollout import place
from viz.attention.views import AttentionView
from viz.attribution.descriptions import outcome
from viz.types import Reading
from viz.widgets.arcs.component import arcs
from viz.widgets.colored_text.component import colored_text
from viz.widgets.heatmap.component import heatmap, selected_cell
from viz.widgets.heatmap.payload import row_note

POOLED = -1
"""What a reader picks for the mean over rows that the class is read from."""
MAP, ARCS, TEXT = "heat map", "arcs", "on the text"
HEATMAP = "heatmap"
"""The key of the heat map."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the reader looks at: a layer and a head, None for the mean over them."""

    layer: int | None
    head: int | None
    options: ViewOptions


def show(reading: Reading, view: AttentionView, selection: Selection) -> None:
    """Show the selected head in the way that the reader chose."""
    chosen = choose_picture()
    name = place(selection.layer, selection.head)
    one = views.pick(view, selection.layer, selection.head)
    if chosen == ARCS:
        show_arcs(views.pick_layer(view, selection.layer), selection.layer, selection.head)
    elif chosen == MAP:
        note = row_note(one, selection.options.quadrant)
        heatmap(one, title=name, note=note, key=HEATMAP, on_select=lambda: None)
    else:
        _show_row(reading, one, name)
    # The page Inside reads the text at once, with all heads on.
    is_plain = not reading.without and reading.document is None
    if selection.layer is not None and selection.head is not None and is_plain:
        query, key = _chosen_tokens(one, chosen)
        link.offer(reading, existing_cell(reading, selection.layer, selection.head, query, key))


def _chosen_tokens(view: AttentionView, chosen: str) -> tuple[int | None, int | None]:
    """The positions of the tokens that the reader chose in the picture; None for no choice."""
    row, column = None, None
    if chosen == MAP:
        row, column = selected_cell(HEATMAP) or (None, None)
    elif chosen == TEXT:
        row = st.session_state.get(keys.QUERY)
    query = view.spans[row].tokens[0] if row is not None and 0 <= row < len(view.spans) else None
    if column is None or column >= len(view.keys):
        return query, None
    return query, view.keys[column].tokens[0]


def choose_picture() -> str:
    """Let the reader choose how the head is shown."""
    return str(
        st.segmented_control(
            "Picture of the head",
            [MAP, ARCS, TEXT],
            default=MAP,
            required=True,
            key=keys.CLOSEUP,
            bind="query-params",
            label_visibility="collapsed",
        )
    )


def show_arcs(
    layer: AttentionView, selected_layer: int | None, selected_head: int | None, note: str = ""
) -> None:
    """All heads of the selected layer and their mean, the selected one drawn at first."""
    mean = views.pick(layer, 0, None)
    together = replace(
        layer,
        weights=np.concatenate([layer.weights, mean.weights], axis=1),
        removed=np.concatenate([layer.removed, mean.removed], axis=1),
    )
    n_heads = layer.weights.shape[1]
    arcs(
        together,
        names=[*(f"H{head}" for head in range(n_heads)), "mean"],
        selected=[n_heads if selected_head is None else selected_head],
        title="mean of layers" if selected_layer is None else f"L{selected_layer}",
        note=note,
        key="arcs",
    )


def _show_row(reading: Reading, view: AttentionView, name: str) -> None:
    """The row of one token on the text itself; at first that which the class is read from."""
    query = _choose_query(reading, view)
    if query == POOLED:
        assert reading.pooling is not None  # it is offered only where there are shares
        row = views.pooled_row(view, reading.pooling)
        impossible = views.pooled_impossible(view, reading.pooling)
        looks = "some token" if view.signed else deciding_token.name_of(reading)
    else:
        row, looks = view.weights[0, 0, query], view.spans[query].label
        impossible = None if view.impossible is None else view.impossible[0, query]
    low, high = ("lowers", "raises") if reading.prediction.regression else ("against", "for")
    colored_text(
        reading.encoding,
        view.keys,
        row,
        signed=view.signed,
        key="row",
        low_label=low if view.signed else "",
        high_label=high if view.signed else "",
        caption=row_caption(reading, name, looks, is_mean=query == POOLED, signed=view.signed)
        + ("" if row.any() else " All of it is 0."),
        opens=True,
        impossible=impossible,
    )


def _choose_query(reading: Reading, view: AttentionView) -> int:
    """The row that is shown; `POOLED` comes first where the class is read from several tokens."""
    is_pooled = reading.pooling is not None and reading.deciding_token is None
    names = {row: f"{row} · {span.label}" for row, span in enumerate(view.spans)}
    if is_pooled:
        pooled = "all rows" if view.signed else deciding_token.name_of(reading)
        names = {POOLED: pooled.removeprefix("the "), **names}
    first = POOLED if is_pooled else views.deciding_row(view, reading) or 0
    keys.reset_if_options_changed(keys.QUERY, list(names.values()), first=first)
    return st.selectbox(
        "The token that looks",
        names,
        index=list(names).index(first),
        format_func=names.__getitem__,
        key=keys.QUERY,
        bind="query-params",
        width=240,
    )


def row_caption(reading: Reading, name: str, looks: str, *, is_mean: bool, signed: bool) -> str:
    """What the colors of a row mean."""
    if signed:
        what = outcome(reading.prediction)
        return f"What {name} contributes to the {what} through each token {looks} looks at."
    weights = "the mean of their rows" if is_mean else "the weights of its row"
    return f"Where {looks} looks in {name}: {weights}; hover for exact values."
