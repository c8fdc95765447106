"""Pictures to take away: drawn on the server, only when they are asked for."""

from collections.abc import Callable

import streamlit as st

from viz import export
from viz.pages.panels.heads import Selection
from viz.types import Attribution, Reading


def offer_pictures(reading: Reading, found: Attribution | None, selection: Selection) -> None:
    """Offer the head, its layer, the atlas and the attribution as PNG."""
    drawings = _drawings(reading, found, selection)
    columns = st.columns(
        [1.1, *(1 for _ in drawings), 5 - len(drawings)], vertical_alignment="center"
    )
    columns[0].caption("Save as PNG")
    for column, (label, (name, draw)) in zip(columns[1:], drawings.items(), strict=False):
        column.download_button(
            label,
            data=draw,
            file_name=name,
            mime="image/png",
            key=f"save-{label}",
            on_click="ignore",
            icon=":material/download:",
            width="stretch",
        )


Drawing = tuple[str, Callable[[], bytes]]


def _drawings(
    reading: Reading, found: Attribution | None, selection: Selection
) -> dict[str, Drawing]:
    """Each picture by its label: the name of its file and the function that draws it."""
    layer, head, shown = selection.layer, selection.head, {}
    rows = {"unit": selection.unit, "special": selection.special}
    shown["This head"] = (
        export.file_name(reading, kind="head", layer=layer, head=head),
        lambda: export.head_png(reading, layer=layer, head=head, **rows),
    )
    if layer is not None:
        shown["This layer"] = (
            export.file_name(reading, kind="layer", layer=layer),
            lambda: export.layer_png(reading, layer=layer, **rows),
        )
    shown["All heads"] = (
        export.file_name(reading, kind="atlas"),
        lambda: export.atlas_png(reading, **rows),
    )
    if found is not None:
        shown["Attribution"] = (
            export.file_name(reading, kind="attribution", method=found.method),
            lambda: export.attribution_png(reading, found),
        )
    return shown
