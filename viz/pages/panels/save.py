"""Pictures to take away: drawn on the server, only when they are asked for."""

from collections.abc import Callable
from typing import TypedDict

import streamlit as st

from viz import export
from viz.pages.panels.heads import Selection
from viz.types import Attribution, Reading
from viz.words import Unit


def offer_pictures(reading: Reading, found: Attribution | None, selection: Selection) -> None:
    """Offer the head, its layer, the atlas and the attribution as PNG."""
    drawings = _drawings(reading, found, selection)
    st.caption("Save as PNG")
    row = st.container(horizontal=True, gap="small")
    for label, (name, draw) in drawings.items():
        row.download_button(
            label,
            data=draw,
            file_name=name,
            mime="image/png",
            key=f"save-{label}",
            on_click="ignore",
        )


Drawing = tuple[str, Callable[[], bytes]]


class Rows(TypedDict):
    """What a row of a picture stands for."""

    unit: Unit
    special: bool


def _drawings(
    reading: Reading, found: Attribution | None, selection: Selection
) -> dict[str, Drawing]:
    """Each picture by its label: the name of its file and the function that draws it."""
    layer, head = selection.layer, selection.head
    rows: Rows = {"unit": selection.unit, "special": selection.special}
    shown: dict[str, Drawing] = {}
    shown["Head"] = (
        export.file_name(reading, kind="head", layer=layer, head=head),
        lambda: export.head_png(reading, layer=layer, head=head, **rows),
    )
    if layer is not None:
        shown["Layer"] = (
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
