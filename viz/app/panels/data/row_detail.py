"""One row in full: its text colored by what speaks for its class, and the way to the Read page."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from viz.app import background, keys, readings
from viz.app.audits import AuditRequest
from viz.app.background import ExplanationRequest
from viz.app.documents import Windows
from viz.app.markdown import plain
from viz.app.navigation import READ
from viz.app.panels.data import counterfactuals, long_rows, selection
from viz.app.panels.data.part import show_part
from viz.app.panels.explanation import wait
from viz.app.panels.method import preferred
from viz.app.panels.windows import CHECKPOINT
from viz.app.readings import ExplainedClasses
from viz.attention import words
from viz.attribution import METHODS
from viz.attribution.descriptions import is_relative, percent, scale_ends, summary
from viz.data.audit.run import Audit
from viz.data.preview import shortened
from viz.data.rows.nearest_rows import nearest_rows
from viz.errors import SelectionError, VizError
from viz.types import Reading
from viz.widgets.bars.component import bars
from viz.widgets.colored_text.component import colored_text

TOO_LONG = (
    "This text is read in {count:,} windows, too many to show here; open it on the Read page "
    "to see what speaks for its class."
)
MAX_CHARACTERS = 20_000
"""Of a text that is shown without colors."""
N_NEIGHBORS = 3
MAX_OTHER_COLUMNS = 8
FACTS = {
    "loss": ("loss", "{:.2f}"),
    "entropy": ("entropy", "{:.2f}"),
    "margin": ("margin", "{:.2f}"),
    "tokens": ("tokens", "{:,}"),
    "unseen_tokens": ("tokens that were cut off", "{:,}"),
}
"""Columns of the table that are told in a line below the text."""


def show(request: AuditRequest, audit: Audit, row: int) -> None:
    """Show a row of the file that was read.

    Args:
        request: What is audited.
        audit: What is known of it.
        row: Its number, counted from 0.
    """
    cells = audit.table.iloc[row]
    text = str(cells["text"])
    pair = None if audit.rows.pairs is None else audit.rows.pairs[row] or None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(_heading(audit, cells), width="stretch")
        if st.button("Open on Read", key="data-read", icon=":material/visibility:"):
            _read(request, text, pair)
        st.button(
            "Close",
            key="data-close-row",
            icon=":material/close:",
            type="tertiary",
            on_click=partial(selection.select_row, None),
        )
    left, right = st.columns([5, 3], gap="medium")
    with left:
        windows = Windows() if long_rows.is_read_in_windows(audit, row) else None
        try:
            if windows is not None and cells["windows"] > long_rows.MAX_WINDOWS:
                raise SelectionError(TOO_LONG.format(count=int(cells["windows"])))
            reading = readings.read(request.source, text, pair, windows=windows)
            _show_words(request, audit, cells, reading, windows)
        except VizError as error:
            _show_plain(text)
            st.caption(plain(str(error)))
            return
        st.caption(plain(_facts(audit, cells)))
    with right:
        bars(reading.prediction, key="data-row-classes")
    left, right = st.columns(2, gap="medium")
    if not reading.prediction.regression:
        with left:
            show_part(partial(counterfactuals.show, request, audit, row))
    with right:
        _show_neighbors(audit, row)


def _heading(audit: Audit, cells: pd.Series) -> str:
    where = f"**{audit.rows.unit.capitalize()} {int(cells['place']):,}**"
    parts = [f"predicted {_class(cells['prediction'])}"]
    if pd.notna(cells["label"]):
        parts.insert(0, f"true {_class(cells['label'])}")
    return f"{where}: {', '.join(parts)}"


def _class(cell: object) -> str:
    """A class, or a score in as few digits as are read."""
    return f"{cell:.4g}" if isinstance(cell, float) else plain(str(cell) or "none")


def _show_words(
    request: AuditRequest,
    audit: Audit,
    cells: pd.Series,
    reading: Reading,
    windows: Windows | None,
) -> None:
    """The text colored for the predicted class, against the true one where that is another."""
    prediction = reading.prediction
    name, options = preferred(request.source)
    target, against = _contrast(audit, cells, reading, joined=METHODS[name].against_all)
    explanation = ExplanationRequest(
        request.source,
        reading.encoding.text,
        reading.encoding.pair,
        name,
        target,
        against,
        options,
        windows=windows,
    )
    attribution = background.attribution(explanation)
    if attribution is None and windows is not None:  # of a text in windows never at once
        attribution = wait(explanation)
    if attribution is None:
        _show_plain(reading.encoding.text)
        return
    method = METHODS[attribution.method]
    spans = words.spans(reading.encoding)
    low, high = scale_ends(prediction, attribution) if method.signed else ("none", "most")
    colored_text(
        reading.encoding,
        spans,
        words.merge(attribution.shown, spans),
        signed=method.signed,
        relative=is_relative(attribution),
        key="data-row-text",
        low_label=low,
        high_label=high,
        caption=summary(reading, attribution),
    )
    for note in attribution.notes:
        st.caption(f":material/warning: {plain(note)}")


def _show_plain(text: str) -> None:
    cut = len(text) > MAX_CHARACTERS
    st.text(f"{text[:MAX_CHARACTERS]}…" if cut else text)


def _contrast(
    audit: Audit, cells: pd.Series, reading: Reading, *, joined: bool
) -> ExplainedClasses:
    """The classes that are compared: what was predicted, with the true one where that differs."""
    prediction = reading.prediction
    if prediction.multi_label:
        return None, None
    label, labels = cells["label"], audit.record.labels
    if joined or prediction.regression or pd.isna(label) or label not in labels:
        return None, "runner-up"
    gold = labels.index(label)
    return None, "runner-up" if gold == prediction.predicted_class else gold


def _facts(audit: Audit, cells: pd.Series) -> str:
    """What is known of the row, in one line; what its file says of it besides."""
    facts = [
        f"{name} {write.format(cells[column])}"
        for column, (name, write) in FACTS.items()
        if column in cells
        and pd.notna(cells[column])
        and not (column == "unseen_tokens" and not cells[column])
    ]
    if pd.notna(copy := cells.get("near_copy")):
        place = int(audit.table["place"].iat[int(copy)])
        facts.append(f"nearly the same as {audit.rows.unit} {place:,}, which has another label")
    columns = audit.rows.columns
    read = (columns.text, columns.pair, columns.label)
    others = [name for name in audit.rows.table if name not in read][:MAX_OTHER_COLUMNS]
    number = int(cells["row"])
    facts += [f"{name}: {shortened(str(audit.rows.table[name][number]), 60)}" for name in others]
    return " · ".join(facts)


def _show_neighbors(audit: Audit, row: int) -> None:
    """The nearest rows by the state that the class is read from."""
    states, read = audit.predictions.states, audit.predictions.read
    if states is None or read.sum() < 2:
        return
    kept = np.flatnonzero(read)
    query = np.array([int(np.searchsorted(kept, row))])
    (nearest,) = nearest_rows(states[kept], query, N_NEIGHBORS)
    st.markdown("**The nearest rows**", help="By the state that the class is read from.")
    for place, cosine in nearest:
        show_neighbor(audit.table, int(kept[place]), cosine)


def show_neighbor(table: pd.DataFrame, row: int, cosine: float) -> None:
    """A row that lies near another one.

    Args:
        table: Of the audit.
        row: Its number.
        cosine: Of both states.
    """
    cells = table.iloc[row]
    name = cells["label"] if pd.notna(cells["label"]) else cells["prediction"]
    st.markdown(
        f"**{_class(name)}**, similarity {percent(cosine)}, line {int(cells['place']):,}  \n"
        f"{plain(shortened(str(cells['text']), 220))}"
    )


def _read(request: AuditRequest, text: str, pair: str | None) -> None:
    """Open a text on the Read page, with the checkpoint that is chosen, read as it is here."""
    if request.windows is not None:
        st.session_state[CHECKPOINT] = request.source
        st.session_state[keys.WINDOWS] = request.windows
    st.session_state[keys.TEXT] = text
    st.session_state[keys.PAIR] = pair or ""
    st.session_state[keys.HAS_PAIR] = bool(pair)
    st.switch_page(READ)
