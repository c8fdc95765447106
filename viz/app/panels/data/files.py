"""Which file is audited, which columns of it are read, and which file it is compared with."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from finetune.data.tables.table import Table
from viz.app import keys, link
from viz.app.markdown import plain
from viz.app.panels import data_file
from viz.app.panels.columns import choose_text_columns
from viz.model.text_files import Columns
from viz.runs import uploads

CHOSEN = "data-files-chosen"
"""Key of the session's state: the paths that the reader chose, of which a link may open any."""
ABOUT = (
    "A file with a column of texts and, if there is one, a column of their classes. The checkpoint "
    "reads every row, and the page shows how many are right, which classes are taken for which and "
    "why, labels that are likely wrong, parts of the file that are worse than the rest, and words "
    "that decide alone. Nothing leaves this machine."
)
NO_REFERENCE = "no other file"
WIDTH = 290
"""CSS pixels of a field."""


@dataclass(frozen=True, slots=True)
class ChosenFiles:
    """What the reader chose."""

    data: Path
    columns: Columns
    reference: Path | None
    linked: bool
    """Whether the link named this file, with what is selected in it."""


def choose() -> ChosenFiles | None:
    """Let the reader choose; None as long as there is no file, or no column of texts.

    Raises:
        RunError: where a file can't be read.
    """
    _restore_from_link(keys.DATA)
    _restore_from_link(keys.REFERENCE)
    _offer_linked()
    if not st.session_state.get(keys.DATA):
        _ask()
        return None
    linked = st.query_params.get(keys.DATA) == _in_link(str(st.session_state[keys.DATA]))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="data-files"):
        field, columns = st.container(width=WIDTH), st.container(width="content")
        new = _upload(st.container(width="content"))
        if new is not None:
            st.session_state[keys.DATA] = new
        with field:
            chosen = data_file.choose("File", keys.DATA, persist=True)
        reference = _choose_reference()
    _keep_in_link(keys.DATA, chosen)
    _keep_in_link(keys.REFERENCE, reference)
    if not chosen:
        st.rerun()
    data = uploads.data_file(str(chosen))
    named = choose_text_columns(data, _head(str(data), data.stat().st_mtime), columns)
    if named is None:
        return None
    other = uploads.data_file(reference) if reference else None
    return ChosenFiles(data, named, other, linked)


def _ask() -> None:
    """The page without a file: one that is given opens at once."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.subheader("Audit a data set", anchor=False)
        new = data_file.upload("audit-first-upload", help="For a larger file, type its path below.")
        if new is not None:
            st.session_state[keys.DATA] = new
            st.rerun()
        if data_file.choose("or a file on this machine", keys.DATA, persist=True):
            st.rerun()
    right.caption(ABOUT)


def _upload(place: DeltaGenerator) -> str | None:
    """Another file than the one that is open; None unless it was uploaded just now."""
    with place, st.popover("Upload", icon=":material/upload:"):
        new = data_file.upload("audit-upload")
    if new is None or st.session_state.get("audit-uploaded") == new:
        return None
    st.session_state["audit-uploaded"] = new
    return new


def _choose_reference() -> str | None:
    with st.container(width=WIDTH):
        return data_file.choose(
            "Compare with",
            keys.REFERENCE,
            placeholder=NO_REFERENCE,
            persist=True,
            help="An earlier file, such as last month's: Shift shows what has changed since then. "
            "Choose one that was uploaded before, or type a path.",
        )


@st.cache_data(max_entries=8, show_spinner=False)
def _head(path: str, version: float) -> Table:
    return uploads.head(Path(path))


def _restore_from_link(name: str) -> None:
    """Choose the file that the link names, if it was uploaded or chosen before; else ask for it."""
    pending = f"{name}-linked"
    if pending in st.session_state and not link.is_revisited():
        return
    linked = st.query_params.get(name, "")
    known = [*map(str, uploads.data_files()), *st.session_state.get(CHOSEN, ())]
    files = {_in_link(file): file for file in known}
    if linked in files and link.decides(name):
        st.session_state[name] = files[linked]
    elif not linked and link.is_revisited():
        st.session_state[name] = None
    st.session_state[pending] = "" if linked in files else linked


def _offer_linked() -> None:
    """Name the files of the link that aren't open: only the reader may have a path read."""
    for name in (keys.DATA, keys.REFERENCE):
        linked = st.session_state[f"{name}-linked"]
        if not linked or st.session_state.get(name):
            continue
        st.warning(
            plain(f"The link names the file {linked!r}, which was not uploaded here."),
            icon=":material/info:",
        )
        with st.container(horizontal=True, gap="small"):
            st.button("Open it", key=f"open-{name}", on_click=partial(_answer, name, linked))
            st.button("Ignore it", key=f"ignore-{name}", on_click=partial(_answer, name, None))


def _answer(name: str, chosen: str | None) -> None:
    st.session_state[f"{name}-linked"] = ""
    if chosen is not None:
        st.session_state[name] = chosen


def _keep_in_link(name: str, chosen: str | None) -> None:
    if chosen:
        st.session_state[CHOSEN] = {chosen, *st.session_state.get(CHOSEN, ())}
    link.keep({name: _in_link(chosen) if chosen else None})


def _in_link(chosen: str) -> str:
    """What a link calls a file: one that was uploaded by its name, any other by its path."""
    return Path(chosen).name if Path(chosen) in uploads.data_files() else chosen
