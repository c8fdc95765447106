"""Figures to take away, each with its caption: drawn on the server, only when asked for."""

from collections.abc import Sequence

import streamlit as st

from viz.app import background, keys, presence, readings
from viz.app.background import ExplanationRequest
from viz.app.markdown import plain
from viz.app.panels.closeup import Selection
from viz.app.panels.text import Texts
from viz.errors import MethodError, SelectionError, VizError
from viz.export.archive import archive
from viz.export.filenames import archive_name, file_name
from viz.export.formats import FORMATS, render
from viz.export.json_record import check_few
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec, Kind
from viz.types import Reading

SUBJECTS: dict[str, Kind] = {
    "head": "head",
    "layer": "layer",
    "all heads": "atlas",
    "arcs": "arcs",
    "attribution": "attribution",
}
RESOLUTIONS = (72, 150, 300, 600)
"""Dots per inch that are offered; print asks for 300."""


def offer(source: str, texts: Texts, request: ExplanationRequest, selection: Selection) -> None:
    """Offer one figure in the format that the reader chooses, and everything as a ZIP."""
    reading = readings.read(source, texts.text, texts.pair)
    try:
        specs = _specs(source, texts, reading, request, selection)
    except VizError as error:
        st.caption(plain(str(error)))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        spec = specs[_choose("Save", list(specs), keys.SUBJECT)]
        format = _choose("as", [name.upper() for name in FORMATS], keys.FORMAT).lower()
        options = RenderOptions(
            dpi=_choose_resolution() if format == "png" else RenderOptions().dpi
        )
        view = readings.view(source, texts.text, texts.pair, selection.options)
        _offer_figure(spec, format, options, _refusal(spec, format, view.weights[0, 0].size))
        _offer_everything(list(specs.values()), options)


def _specs(
    source: str, texts: Texts, reading: Reading, request: ExplanationRequest, selection: Selection
) -> dict[str, FigureSpec]:
    """What can be saved, by its name on the page."""
    options = selection.options
    try:
        attribution = background.attribution(request)
    except MethodError:
        attribution = None
    contribution = (
        None
        if options.explained is None
        else readings.contribution(source, texts.text, texts.pair, options.explained)
    )
    specs = {}
    for name, kind in SUBJECTS.items():
        if (kind == "layer" and selection.layer is None) or (
            kind == "attribution" and attribution is None
        ):
            continue
        specs[name] = FigureSpec(
            reading,
            kind,
            layer=None if kind in ("atlas", "attribution") else selection.layer,
            head=selection.head if kind in ("head", "arcs") else None,
            unit=options.unit,
            special=options.special,
            quadrant="all" if kind == "attribution" else options.quadrant,
            attribution=attribution if kind == "attribution" else None,
            contribution=None if kind == "attribution" else contribution,
        )
    return specs


def _choose(label: str, options: list[str], key: str) -> str:
    return str(st.segmented_control(label, options, default=options[0], required=True, key=key))


def _choose_resolution() -> int:
    return int(
        st.selectbox(
            "dots per inch", RESOLUTIONS, index=1, key=keys.DPI, width=96, help="300 for print."
        )
    )


def _offer_figure(
    spec: FigureSpec, format: str, options: RenderOptions, refused: str | None
) -> None:
    st.download_button(
        "Save",
        data=presence.download(lambda: render(spec, format, options)),
        file_name=file_name(spec, format),
        mime=FORMATS[format].mime,
        key="save",
        on_click="ignore",
        icon=":material/download:",
        disabled=refused is not None,
        help=refused,
    )


def _refusal(spec: FigureSpec, format: str, n_cells: int) -> str | None:
    """Why a format can't hold a figure, known before anything is drawn; None where it can."""
    n_layers, n_heads = spec.reading.attention.weights.shape[:2]
    maps = {"atlas": n_layers * n_heads, "layer": n_heads, "attribution": 0}.get(spec.kind, 1)
    # The table of an atlas holds facts instead.
    written = format == "json" or (format == "csv" and spec.kind != "atlas")
    try:
        if written:
            check_few(maps * n_cells, format.upper())
    except SelectionError as error:
        return str(error)
    return None


def _offer_everything(specs: Sequence[FigureSpec], options: RenderOptions) -> None:
    st.download_button(
        "Everything (ZIP)",
        data=presence.download(lambda: archive(specs, tuple(FORMATS), options)),
        file_name=archive_name(specs),
        mime="application/zip",
        key="save-everything",
        on_click="ignore",
        icon=":material/folder_zip:",
        help="Every figure in every format, with the numbers; JSON files can be replayed.",
    )
