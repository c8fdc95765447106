"""Whether rows that are too long are read in windows: a switch, where there are such rows."""

import streamlit as st

from viz.app import checkpoints, keys, link
from viz.app.panels.windows import MEANING
from viz.data.audit.run import Audit
from viz.data.rows.row_predictions import RowPredictions

CHECKPOINT = "data-windows-checkpoint"
"""Key of the session's state: the checkpoint that the choice is of."""
OFFER = "Read long texts in windows"
MAX_WINDOWS = 32
"""Windows of a row that is read again to be shown, while the page waits."""


def choose(source: str) -> bool | None:
    """What the reader chose; None where that is what the checkpoint says."""
    by_default = _by_default(source)
    before = st.session_state.get(CHECKPOINT)
    if before != source or link.decides(keys.LONG_ROWS):
        is_named = before is None or link.is_revisited()
        linked = st.query_params.get(keys.LONG_ROWS) if is_named else None
        st.session_state[CHECKPOINT] = source
        st.session_state[keys.LONG_ROWS] = by_default if linked is None else linked == "1"
    chosen = bool(st.session_state[keys.LONG_ROWS])
    link.keep_choice(keys.LONG_ROWS, "01"[chosen], "01"[by_default])
    return chosen if chosen != by_default else None


def offer(audit: Audit) -> None:
    """The switch; nothing where all rows fit, or texts are pairs."""
    if audit.rows.pairs is None and are_there(audit.predictions):
        st.toggle(OFFER, key=keys.LONG_ROWS, help=MEANING, persist_state="session")


def are_there(predictions: RowPredictions) -> bool:
    """Whether any row is too long for the model."""
    return bool((predictions.n_unseen > 0).any() or (predictions.n_windows > 1).any())


def is_read_in_windows(audit: Audit, row: int) -> bool:
    """Whether a row is too long, and was read in windows."""
    predictions = audit.predictions
    long = predictions.n_windows[row] > 1 or predictions.n_unseen[row] > 0
    return audit.record.windows is not None and bool(long)


def _by_default(source: str) -> bool:
    return checkpoints.classifier(source).encoder.window_settings is not None
