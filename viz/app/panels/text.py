"""What is read: the text, an optional second one, and the class that came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from viz.app import keys, link
from viz.app.documents import Windows
from viz.app.examples import load_examples
from viz.app.markdown import plain
from viz.app.navigation import PAGES
from viz.attention.heads import Heads
from viz.types import Reading
from viz.widgets.bars.component import bars

MAX_LINK_CHARS = 500
"""The longest text that is put into the URL."""
LAST_READ = "last-read"
"""Key of the session's state: the page that read last, and what."""
TOO_LONG = "text-too-long-for-a-link"
"""Key of the session's state: of each page the texts that it read last and that no link holds."""
CALIBRATED = (
    "Logits are divided by this number, fitted on validation rows, before they become "
    "probabilities: of the predictions with 80%, about 80% should be right. The predicted class, "
    "the logits and their explanations do not change."
)


@dataclass(frozen=True, slots=True)
class Texts:
    """What the reader asked to have read."""

    text: str
    pair: str | None
    without: Heads = ()
    """The heads that are off."""
    windows: Windows | None = None
    """The windows in which the text is read, or one of them; None where it is read at once."""

    @property
    def inputs(self) -> tuple[str, str | None, Heads, Windows | None]:
        """What is read, without which heads, in which windows."""
        return self.text, self.pair, self.without, self.windows


def write_text() -> Texts:
    """Show the text field; return what was last sent with Read, or came with the link."""
    two = bool(st.session_state[keys.HAS_PAIR])
    with st.form("text-form", border=False, enter_to_submit=True):
        text = st.text_area(
            "Text",
            key=keys.TEXT,
            persist_state="session",
            height=68 if two else 142,
            placeholder="Paste a text",
            label_visibility="visible" if two else "collapsed",
        )
        pair = _second_text() if two else None
        st.form_submit_button("Read", type="primary", icon=":material/visibility:")
    texts = Texts(text, pair if pair and pair.strip() else None)
    keep_in_link({keys.TEXT: texts.text, keys.PAIR: texts.pair})
    st.session_state[LAST_READ] = (st.context.url, Texts(texts.text, texts.pair or ""))
    return texts


def _second_text() -> str:
    return st.text_area(
        "Second text",
        key=keys.PAIR,
        persist_state="session",
        height=68,
        placeholder="Paste a second text",
    )


def toggle_second_text() -> None:
    """Let the reader add a second text, for checkpoints that read pairs."""
    st.toggle(
        "Second text",
        key=keys.HAS_PAIR,
        help="For checkpoints trained on pairs of texts.",
        persist_state="session",
    )


def restore_from_link() -> None:
    """Fill the fields from the URL, or with the first example, when the session starts.

    On another page they are filled with what was read last: Streamlit loses it where a page is left
    while a part of it is drawn again.  Back and forward bring the text of the link, or where it
    names none the one that was too long for it.
    """
    page, last = st.session_state.get(LAST_READ, (None, None))
    written = Texts(st.session_state.get(keys.TEXT) or "", st.session_state.get(keys.PAIR) or "")
    if last is not None and page != st.context.url and written in (Texts("", ""), last):
        _fill(last)
    linked = st.query_params.get(keys.TEXT)
    if linked is not None and link.decides(keys.TEXT):
        _fill(Texts(linked, st.query_params.get(keys.PAIR, "")))
    elif linked is None and (too_long := without_link()):
        _fill(Texts(too_long[keys.TEXT] or "", too_long[keys.PAIR]))
    elif keys.TEXT not in st.session_state:
        _fill(Texts(load_examples()[0].text, ""))


def _fill(texts: Texts) -> None:
    """Fill the fields, that of the second text where there is one."""
    st.session_state[keys.TEXT], st.session_state[keys.PAIR] = texts.text, texts.pair or ""
    st.session_state[keys.HAS_PAIR] = bool(texts.pair)


def keep_in_link(written: Mapping[str, str | None]) -> None:
    """Put all texts into the URL, or none: half a pair would be another text.

    Args:
        written: The texts by their parameters; None where there is none.
    """
    short = all(len(value or "") <= MAX_LINK_CHARS for value in written.values())
    if not short:
        too_long = st.session_state.get(TOO_LONG, {})
        st.session_state[TOO_LONG] = too_long | {st.context.url: dict(written)}
    link.keep({name: value if value and short else None for name, value in written.items()})


def without_link() -> Mapping[str, str | None]:
    """The texts by their parameters where the reader went back to some that no link holds."""
    too_long = st.session_state.get(TOO_LONG, {})
    return too_long.get(st.context.url, {}) if link.is_revisited() else {}


def show_prediction(reading: Reading, temperature: float | None) -> None:
    """Show the predicted class, a bar for each class, and whether these numbers were calibrated."""
    bars(reading.prediction, key="classes")
    if temperature is not None:
        st.caption(f"calibrated (temperature {temperature:.2f})", help=CALIBRATED)


def offer_comparison() -> None:
    """A quiet way to the page where the text is set beside another one; it comes along."""
    with st.container(key="compare-link"):
        st.page_link(
            PAGES["Compare"], label="Compare with another text", icon=":material/compare_arrows:"
        )


def show_notes(notes: Sequence[str]) -> None:
    """Say what was cut, unknown or replaced, one line each."""
    for note in notes:
        st.warning(plain(note), icon=":material/info:")
