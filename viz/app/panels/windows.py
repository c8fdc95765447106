"""A text longer than the model reads: whether it is read in windows, how, and which one is open."""

from dataclasses import replace
from typing import cast, get_args

import streamlit as st

from finetune.checkpoint.windows import Pooling
from viz.app import background, checkpoints, documents, keys, link
from viz.app.background import ExplanationRequest
from viz.app.documents import Windows
from viz.app.markdown import plain
from viz.app.panels import job_progress, text
from viz.app.panels.text import Texts
from viz.attribution import METHODS, resolve_target
from viz.attribution.descriptions import verdict
from viz.attribution.target import Target, target_against_all
from viz.documents.document import Document
from viz.errors import VizError
from viz.model.windows import window_settings
from viz.types import Reading

CHECKPOINT = "windows-checkpoint"
"""Key of the session's state: the checkpoint whose windows were chosen last."""
OFFER = "Read the whole text in windows"
MEANING = (
    "The model reads a part of the text at a time, in windows that overlap, and their logits are "
    "pooled into those of the text."
)
POOLINGS = {
    "mean": "The mean of the windows' logits.",
    "max": "The largest logit of each class in any window.",
    "first": "Those of the first window; the rest is not read.",
}
"""How logits of windows become those of the text."""


def choose(source: str, texts: Texts) -> Windows | None:
    """How a text is read in windows; None where it is read at once, whole or cut.

    Where the checkpoint says windows they are the default; elsewhere the reader asks for them.
    """
    if not is_beyond_limit(source, texts):
        _keep_in_link(None, by_default=False)
        return None
    encoder = checkpoints.classifier(source).encoder
    by_default = encoder.window_settings is not None
    _follow_checkpoint(source, by_default=by_default)
    if not st.session_state[keys.WINDOWS]:
        _keep_in_link(None, by_default=by_default)
        return None
    stored = window_settings(encoder)
    pooling, stride = st.session_state.get(keys.POOLING), st.session_state.get(keys.STRIDE)
    windows = Windows(
        None if stride in (None, stored.stride) else int(stride),
        None if pooling in (None, stored.pooling) else cast("Pooling", pooling),
    )
    try:
        window_settings(encoder, windows.stride)
    except VizError:  # of another checkpoint, with longer windows
        windows = replace(windows, stride=None)
    _keep_in_link(windows, by_default=by_default)
    return windows


def is_beyond_limit(source: str, texts: Texts) -> bool:
    """Whether a text is longer than the model reads at once, and windows can cover it."""
    if texts.pair is not None:
        return False
    try:
        return documents.n_windows(*checkpoints.identity(source), texts.text) > 1
    except VizError:  # as reading it says
        return False


def _follow_checkpoint(source: str, *, by_default: bool) -> None:
    """Begin with what the link says, and with the defaults of another checkpoint once it reads."""
    before = st.session_state.get(CHECKPOINT)
    if before == source and not link.decides(keys.WINDOWS):
        return
    linked = st.query_params if before is None or link.is_revisited() else {}
    st.session_state[CHECKPOINT] = source
    st.session_state[keys.WINDOWS] = linked.get(keys.WINDOWS, "01"[by_default]) == "1"
    for key in (keys.POOLING, keys.STRIDE):
        st.session_state.pop(key, None)
    if linked.get(keys.POOLING) in get_args(Pooling):
        st.session_state[keys.POOLING] = linked[keys.POOLING]
    if linked and (stride := link.number(keys.STRIDE)) is not None:
        st.session_state[keys.STRIDE] = stride


def _keep_in_link(windows: Windows | None, *, by_default: bool) -> None:
    """Name what is not the default; None where the text is read at once."""
    differs = (windows is not None) != by_default
    written = {
        keys.WINDOWS: "01"[windows is not None] if differs else None,
        keys.POOLING: None if windows is None else windows.pooling,
        keys.STRIDE: None if windows is None else windows.stride,
    }
    link.keep({name: None if value is None else str(value) for name, value in written.items()})


def show_notes(document: Document) -> None:
    """Say what a reader must know of the text; how it was read stands beside the switch."""
    how_read = len(document.notes) - len(document.encoding.notes)
    text.show_notes(document.notes[min(how_read, 1) :])


def offer(source: str, windows: Windows | None, document: Document | None = None) -> None:
    """The switch, and how windows are pooled and how far they are apart where it is on."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.toggle(OFFER, key=keys.WINDOWS, help=MEANING, persist_state="session")
        if windows is not None:
            with st.popover("Settings", type="tertiary", icon=":material/tune:"):
                _choose_settings(source)
    if document is not None and len(document.notes) > len(document.encoding.notes):
        st.caption(plain(document.notes[0]))


def _choose_settings(source: str) -> None:
    encoder = checkpoints.classifier(source).encoder
    stored = window_settings(encoder)
    st.session_state.setdefault(keys.POOLING, stored.pooling)
    st.segmented_control(
        "Pooling of logits",
        list(POOLINGS),
        required=True,
        key=keys.POOLING,
        persist_state="session",
        help="\n".join(f"- *{name}*: {meaning}" for name, meaning in POOLINGS.items()),
    )
    room = encoder.max_tokens - encoder.tokenizer.num_special_tokens_to_add(pair=False)
    if not 1 <= st.session_state.setdefault(keys.STRIDE, stored.stride) <= room:
        st.session_state[keys.STRIDE] = stored.stride
    st.number_input(
        "Stride in tokens",
        min_value=1,
        max_value=room,
        step=1,
        key=keys.STRIDE,
        persist_state="session",
        help="How many tokens there are at most from the beginning of one window to that of the "
        f"next; a window holds {room:,}.",
    )


def wait(source: str, texts: Texts) -> Document | None:
    """The document once it is read; until then the page shows how far that is."""
    windows = texts.windows
    assert windows is not None  # else nothing has to be waited for
    place = checkpoints.identity(source)
    key = documents.key(*place, texts.text, texts.without, windows)
    document = cast("Document | None", documents.documents.get(key))
    if document is not None:
        return document
    count = documents.n_windows(*place, texts.text, windows.stride)
    if windows.pooling == "first":
        count = 1
    job = background.submit(
        key,
        lambda: documents.reading_job(*place, texts.text, texts.without, windows),
        count,
        cache=documents.documents,
    )
    label = f"Reading {count:,} windows"
    return job_progress.result(job, "document", label=label, seconds=None)


def pooled(document: Document) -> str:
    """Where the class comes from, in three words or four."""
    count = len(document.windows)
    if document.pooling == "first":
        return "first window alone"
    measure = "mean" if document.pooling == "mean" else "largest logits"
    return f"{measure} of {count:,} window{'' if count == 1 else 's'}"


def opened(written: str, document: Document) -> int | None:
    """The window whose words and maps are shown; None where none is open."""
    if link.decides(keys.WINDOW):
        st.session_state[keys.WINDOW] = (written, link.number(keys.WINDOW))
    chosen: tuple[str, int | None] = st.session_state[keys.WINDOW]
    index = chosen[1] if chosen[0] == written else None
    if index is not None and index >= len(document.windows):
        index = None
    link.keep({keys.WINDOW: None if index is None else str(index)})
    return index


def open_window(index: int | None) -> None:
    """Open a window of the text that is read, or close the one that is open."""
    st.session_state[keys.WINDOW] = (st.session_state[keys.TEXT], index)


def one_window(request: ExplanationRequest, document: Document, index: int) -> ExplanationRequest:
    """The same question about one window alone: for the classes of the whole text."""
    windows = cast("Windows", request.windows)
    target = resolve_target(document.prediction, *request.classes)
    return replace(
        request,
        windows=replace(windows, index=index),
        target=target.target_class,
        against=target.against_class,
    )


def explained_target(request: ExplanationRequest, document: Document) -> Target:
    """The scalar that the method explains, of the whole text and of each of its windows."""
    target = resolve_target(document.prediction, *request.classes)
    if METHODS[request.method].against_all:
        return target_against_all(document.prediction, target.target_class)
    return target


def head_line(reading: Reading, index: int) -> None:
    """Which window is open, what it says by itself, and the way back to the whole text."""
    label, probability = verdict(reading.prediction)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**Window {index}** alone: {plain(f'{label} {probability}'.strip())}")
        st.button(
            "Close",
            key="close-window",
            type="tertiary",
            icon=":material/close:",
            on_click=open_window,
            args=(None,),
        )


def hint() -> None:
    """Where maps are to be found while no window is open."""
    st.subheader("Attention", anchor=False)
    st.caption(
        "Each window has maps of its own: click one in the strip above, or press Enter there, to "
        "see its words and where its heads look."
    )
