"""Figures to save, each with its caption: drawn on the server, only on request."""

import math
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from viz.app import background, keys, presence, readings
from viz.app.background import ExplanationRequest
from viz.app.markdown import plain
from viz.app.panels import region
from viz.app.panels.closeup import Selection
from viz.app.panels.text import Texts
from viz.app.readings import ViewOptions
from viz.attention.long_view import LongView
from viz.errors import LongTextError, MethodError, SelectionError, VizError
from viz.export.archive import archive
from viz.export.filenames import archive_name, file_name
from viz.export.formats import FORMATS, render
from viz.figures.kinds import FIGURE_KINDS
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec
from viz.types import MissingAttention, Reading

MAX_DOWNLOAD = 100_000_000
"""Bytes of numbers in a file that the page makes: the server keeps it until it is fetched."""
RESOLUTIONS = (72, 150, 300, 600)
"""Dots per inch that are offered; print asks for 300."""


_NO_MAPS = Selection(None, None, ViewOptions("word", special=True, explained=None))
"""What an explanation alone is saved with."""


def offer(
    source: str, texts: Texts, request: ExplanationRequest, selection: Selection | None
) -> None:
    """Offer one figure in the format that the reader chooses, and everything as a ZIP.

    Args:
        source: The checkpoint.
        texts: What was read.
        request: What is explained.
        selection: The maps that are shown; None where there are none, and none to save.
    """
    reading = readings.read(source, *texts.inputs)
    try:
        specs = _specs(source, texts, reading, request, selection)
    except VizError as error:
        st.caption(plain(str(error)))
        return
    if not specs:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        spec = specs[_choose("Save", list(specs), keys.SUBJECT)]
        format = _choose("as", [name.upper() for name in FORMATS], keys.FORMAT).lower()
        options = RenderOptions(
            dpi=_choose_resolution() if FORMATS[format].has_dots else RenderOptions().dpi
        )
        view = None
        if selection is not None:
            view = readings.view(
                source, texts.text, texts.pair, selection.options, *texts.inputs[2:]
            )
        if isinstance(view, LongView):
            _offer_long_figure(spec, format, options, view)
            return
        n_cells = 0 if view is None else view.weights[0, 0].size
        _offer_figure(spec, format, options, _refusal(spec, format, n_cells))
        _offer_everything(list(specs.values()), options)


def _specs(
    source: str,
    texts: Texts,
    reading: Reading,
    request: ExplanationRequest,
    selection: Selection | None,
) -> dict[str, FigureSpec]:
    """What can be saved, by its name on the page."""
    try:
        attribution = background.attribution(request)
    except MethodError:
        attribution = None
    selection = selection or _NO_MAPS
    options = selection.options
    contribution = (
        None
        if options.explained is None
        else readings.contribution(
            source, texts.text, texts.pair, options.explained, *texts.inputs[2:]
        )
    )
    parts = {
        "layer": selection.layer,
        "head": selection.head,
        "special": options.special,
        "quadrant": options.quadrant,
        "attribution": attribution,
        "contribution": contribution,
    }
    has_maps = not isinstance(reading.attention, MissingAttention)
    missing = {"layer": selection.layer is None, "scores": attribution is None}
    return {
        kind.label: FigureSpec.of(reading, kind.name, unit=options.unit, **parts)
        for kind in FIGURE_KINDS.values()
        if not missing.get(kind.shows) and (has_maps or not kind.needs_maps)
    }


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


def _offer_long_figure(
    spec: FigureSpec, format: str, options: RenderOptions, view: LongView
) -> None:
    """Offer a figure of a long text, or of a region of it; all of them would be too many."""
    refused, n_cells = None, math.prod(view.shape)
    if "region" in spec.figure_kind.takes:
        try:
            spec = replace(spec, region=region.choose())
            rows, columns = spec.part_of(view)
            n_cells = (rows.stop - rows.start) * (columns.stop - columns.start)
        except SelectionError as error:
            refused = str(error)
    _offer_figure(spec, format, options, refused or _long_refusal(spec, format, n_cells))


def _long_refusal(spec: FigureSpec, format: str, n_cells: int) -> str | None:
    """Why a figure of a long text can't be saved; None where it can."""
    n_bytes, is_streamed = 4 * n_cells, FORMATS[format].stream is not None
    try:
        FORMATS[format].check_long(spec)
    except LongTextError as error:
        return str(error)
    if is_streamed and spec.shows == "map" and n_bytes > MAX_DOWNLOAD:
        return (
            f"These numbers take up to {n_bytes / 1e6:,.0f} MB, and the page hands out "
            f"{MAX_DOWNLOAD / 1e6:,.0f} MB at most; choose a region, or save them by clsight "
            "export."
        )
    return _refusal(spec, format, n_cells)


def _refusal(spec: FigureSpec, format: str, n_cells: int) -> str | None:
    """Why a format can't hold a figure, known before anything is drawn; None where it can."""
    try:
        FORMATS[format].check_holds(spec, n_cells)
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
