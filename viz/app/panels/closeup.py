"""One head, closely: as a heat map, as arcs, or on the text itself."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from viz.app import keys
from viz.app.readings import ViewOptions
from viz.attention import views
from viz.attention.rollout import place
from viz.attention.views import AttentionView
from viz.attribution.descriptions import outcome
from viz.types import Reading
from viz.widgets.arcs.component import arcs
from viz.widgets.colored_text.component import colored_text
from viz.widgets.heatmap.component import heatmap
from viz.widgets.heatmap.payload import row_note

MAP, ARCS, TEXT = "heat map", "arcs", "on the text"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the reader looks at: a layer and a head, None for the mean over them."""

    layer: int | None
    head: int | None
    options: ViewOptions


def show(reading: Reading, view: AttentionView, selection: Selection) -> None:
    """Show the selected head in the way that the reader chose."""
    chosen = _choose_picture()
    name = place(selection.layer, selection.head)
    one = views.pick(view, selection.layer, selection.head)
    if chosen == ARCS:
        _show_arcs(view, selection)
    elif chosen == MAP:
        heatmap(one, title=name, note=row_note(one, selection.options.quadrant), key="heatmap")
    else:
        _show_row(reading, one, name)


def _choose_picture() -> str:
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


def _show_arcs(view: AttentionView, selection: Selection) -> None:
    """All heads of the selected layer and their mean, the selected one drawn at first."""
    layer = views.pick_layer(view, selection.layer)
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
        selected=[n_heads if selection.head is None else selection.head],
        title="mean of layers" if selection.layer is None else f"L{selection.layer}",
        key="arcs",
    )


def _show_row(reading: Reading, view: AttentionView, name: str) -> None:
    """The row of one token on the text itself; at first that of [CLS]."""
    keys.reset_if_options_changed(keys.QUERY, [span.label for span in view.spans], first=0)
    query = st.selectbox(
        "The token that looks",
        range(len(view.spans)),
        format_func=lambda index: f"{index} · {view.spans[index].label}",
        key=keys.QUERY,
        bind="query-params",
        width=240,
    )
    row, looks = view.weights[0, 0, query], view.spans[query].label
    low, high = ("lowers", "raises") if reading.prediction.regression else ("against", "for")
    colored_text(
        reading.encoding,
        view.keys,
        row,
        signed=view.signed,
        key="row",
        low_label=low if view.signed else "",
        high_label=high if view.signed else "",
        caption=_row_caption(reading, view, name, looks)
        + ("" if row.any() else " All of it is 0."),
        opens=True,
        impossible=None if view.impossible is None else view.impossible[0, query],
    )


def _row_caption(reading: Reading, view: AttentionView, name: str, looks: str) -> str:
    if view.signed:
        what = outcome(reading.prediction)
        return f"What {name} contributes to the {what} through each token {looks} looks at."
    return f"Where {looks} looks in {name}: the weights of its row; hover for exact values."
