"""The top line: which checkpoint reads, and which examples there are."""

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from viz.app import checkpoints, keys, link
from viz.app.examples import load_examples
from viz.app.markdown import plain
from viz.model.checkpoint import local_folder
from viz.runs.checkpoint_folders import display_name
from viz.runs.public import is_public

CHOSEN = "chosen-checkpoints"
"""Key of the session's state: the checkpoints that the reader opened, to which Back may lead."""
HELP = (
    "Lists the folders in assets/ and checkpoints/ and the runs of the Train page. You can also "
    "type any other folder, or the id of a model on the Hugging Face Hub."
)


def choose_checkpoint(
    key: str = keys.CHECKPOINT, label: str = "Checkpoint", first: str | None = None
) -> str:
    """Let the reader pick a checkpoint, or type any folder or Hub id.

    Args:
        key: Of the field, and of the parameter of the link.
        label: What the field is called.
        first: What is chosen before anybody chose; the first that is offered where None.
    """
    offered = checkpoints.offered()
    if first is not None and first in offered:
        offered = [first, *(name for name in offered if name != first)]
    _restore_from_link(key, offered, is_named_always=first is not None)
    current = st.session_state.get(key)
    if current is not None:
        # Said again, since a page left right after it came would hand on the default instead.
        st.session_state[key] = current
    chosen = st.selectbox(
        label,
        offered if current is None or current in offered else [*offered, current],
        key=key,
        persist_state="session",
        accept_new_options=not is_public(),
        placeholder="Choose" if is_public() else "Choose, or type a folder or a Hub id",
        width=250,
        help=None if is_public() else HELP,
    )
    source = str(chosen or "")
    # Which one comes first of all others changes with every run: so a link always names it.
    _keep_in_link(source, offered if first is None else [], key)
    st.session_state.setdefault(CHOSEN, set()).add(source)
    return source


def warn_of_link(source: str, key: str = keys.CHECKPOINT) -> None:
    """Say so where the link names another checkpoint than the one that reads."""
    linked = st.query_params.get(key)
    if linked and linked != source:
        reason = (
            "which this public app does not offer."
            if is_public()
            else "which is not a folder here; type it into the field above to load it."
        )
        st.warning(
            plain(f"The link names the checkpoint {linked!r}, {reason}"), icon=":material/info:"
        )


def forget(folders: Iterable[Path]) -> None:
    """Choose again where one of these was chosen, which are gone: the Hub may have such an id."""
    gone = {name for folder in folders for name in (display_name(folder), str(folder))}
    for key in (keys.CHECKPOINT, keys.OTHER_CHECKPOINT):
        if st.session_state.get(key) in gone:
            del st.session_state[key]
    st.session_state.get(CHOSEN, set()).difference_update(gone)


def _restore_from_link(key: str, offered: list[str], *, is_named_always: bool) -> None:
    """Choose the checkpoint of the link, if there is none yet, or the reader went back to it.

    A link may name a folder; only the reader may send the app to the Hub.
    """
    if not link.decides(key):
        return
    linked = st.query_params.get(key)
    if linked and (_is_here(linked, offered) or linked in st.session_state.get(CHOSEN, ())):
        st.session_state[key] = linked
    elif not linked and link.is_revisited() and offered and not is_named_always:
        st.session_state[key] = offered[0]


def _keep_in_link(source: str, offered: list[str], key: str) -> None:
    """Name the checkpoint in the URL, unless it is the one that opens by itself."""
    linked = st.query_params.get(key)
    if source and source != next(iter(offered), None):
        link.keep({key: source})
    elif linked and _is_here(linked, offered):
        link.keep({key: None})


def _is_here(source: str, offered: list[str]) -> bool:
    """Whether a link may name it: a folder of this machine, and of no other on its network."""
    elsewhere = source.startswith(("\\\\", "//"))
    is_typed = not (elsewhere or is_public()) and local_folder(source) is not None
    return source in offered or is_typed


def choose_example() -> None:
    """Let the reader fill the text field with an example."""
    texts = {example.name: example.text for example in load_examples()}

    def fill() -> None:
        chosen = st.session_state[keys.EXAMPLE]
        if chosen is not None:
            st.session_state[keys.TEXT] = texts[chosen]
            st.session_state[keys.PAIR] = ""
            st.session_state[keys.HAS_PAIR] = False

    # Its name stands there as long as its text does.
    if st.session_state.get(keys.TEXT) != texts.get(st.session_state.get(keys.EXAMPLE) or ""):
        st.session_state[keys.EXAMPLE] = None
    st.selectbox(
        "Examples",
        list(texts),
        key=keys.EXAMPLE,
        on_change=fill,
        placeholder="Try a text",
        width=180,
    )
