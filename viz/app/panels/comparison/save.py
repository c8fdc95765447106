"""A comparison to save: drawn on the server, only on request."""

import streamlit as st

from viz.app import comparisons, presence
from viz.app.comparisons import ComparisonRequest
from viz.export.comparison_files import (
    FORMATS,
    comparison_file,
    comparison_file_name,
)
from viz.export.formats import FORMATS as ALL_FORMATS
from viz.figures.comparison_kinds import COMPARISON_KINDS, ComparisonSpec
from viz.widgets.atlas.component import Selection

FIGURE = "compare-figure"
FORMAT = "compare-format"


def offer(request: ComparisonRequest, selection: Selection | None) -> None:
    """Offer a figure of a comparison in the format that the reader chooses.

    Args:
        request: What is compared.
        selection: The selected layer and head; None where heads could not be compared.
    """
    kinds = [
        kind for kind in COMPARISON_KINDS.values() if selection is not None or not kind.needs_heads
    ]
    labels = {kind.label: kind.name for kind in kinds}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        label = st.segmented_control(
            "Save", list(labels), default=next(iter(labels)), required=True, key=FIGURE
        )
        format = st.segmented_control(
            "as", [name.upper() for name in FORMATS], default="PNG", required=True, key=FORMAT
        )
        compared = comparisons.comparison(request)
        spec = ComparisonSpec(compared, labels[str(label)], *(selection or (None, None)))
        name = str(format).lower()
        st.download_button(
            "Save",
            data=presence.download(lambda: comparison_file(spec, name)),
            file_name=comparison_file_name(spec, name),
            mime=ALL_FORMATS[name].mime,
            key="compare-save",
            on_click="ignore",
            icon=":material/download:",
        )
