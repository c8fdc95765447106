"""The top line: which checkpoint reads, and which examples there are."""

import streamlit as st

from viz.app import checkpoints, keys
from viz.app.examples import load_examples
from viz.app.markdown import plain
from viz.model.checkpoint import local_folder
from viz.runs.public import is_public

HELP = (
    "Lists the folders in assets/ and checkpoints/ and the runs of the Train page. You can also "
    "type any other folder, or the id of a model on the Hugging Face Hub."
)


def choose_checkpoint() -> str:
    """Let the reader pick a checkpoint, or type any folder or Hub id."""
    offered = checkpoints.offered()
    linked = st.query_params.get(keys.CHECKPOINT)
    # A link may name a folder; only the reader may send the app to the Hub.
    if linked and keys.CHECKPOINT not in st.session_state and _is_here(linked, offered):
        st.session_state[keys.CHECKPOINT] = linked
    current = st.session_state.get(keys.CHECKPOINT)
    if current is not None:
        # Said again, since a page left right after it came would hand on the default instead.
        st.session_state[keys.CHECKPOINT] = current
    chosen = st.selectbox(
        "Checkpoint",
        offered if current is None or current in offered else [*offered, current],
        key=keys.CHECKPOINT,
        persist_state="session",
        accept_new_options=not is_public(),
        placeholder="Choose" if is_public() else "Choose, or type a folder or a Hub id",
        width=320,
        help=None if is_public() else HELP,
    )
    source = str(chosen or "")
    _keep_in_link(source, offered)
    return source


def warn_of_link(source: str) -> None:
    """Say so where the link names another checkpoint than the one that reads."""
    linked = st.query_params.get(keys.CHECKPOINT)
    if linked and linked != source:
        reason = (
            "which this public app does not offer."
            if is_public()
            else "which is not a folder here; type it into the field above to load it."
        )
        st.warning(
            plain(f"The link names the checkpoint {linked!r}, {reason}"), icon=":material/info:"
        )


def _keep_in_link(source: str, offered: list[str]) -> None:
    """Name the checkpoint in the URL, unless it is the one that opens by itself."""
    linked = st.query_params.get(keys.CHECKPOINT)
    if source and source != next(iter(offered), None):
        st.query_params[keys.CHECKPOINT] = source
    elif linked and _is_here(linked, offered):
        del st.query_params[keys.CHECKPOINT]


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
        width=230,
    )
