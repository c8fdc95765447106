"""Two texts, read by the same checkpoint."""

import streamlit as st

from viz.app import keys, link
from viz.app.comparisons import ComparisonRequest, Side
from viz.app.examples import load_examples
from viz.app.panels import text
from viz.app.panels.comparison import results


def show(checkpoint: str) -> None:
    """Let the reader write two texts, and show what changed from one to the other."""
    _restore_from_link()
    first, second = _write_texts(checkpoint)
    results.show(ComparisonRequest(first, second))


def _restore_from_link() -> None:
    """Fill the second field: from the URL, with an edited example, or with the first text."""
    linked, pair = st.query_params.get(keys.OTHER_TEXT), st.query_params.get(keys.OTHER_PAIR)
    if not linked and keys.TEXT not in st.query_params:
        written = text.without_link()
        linked, pair = written.get(keys.OTHER_TEXT), written.get(keys.OTHER_PAIR)
    if keys.OTHER_TEXT in st.session_state and not (linked and link.is_revisited()):
        return
    current = st.session_state[keys.TEXT]
    edited = {example.text: example.edited for example in load_examples()}
    st.session_state[keys.OTHER_TEXT] = linked or edited.get(current) or current
    # A link that names the other text says of its second one too that there is none.
    st.session_state[keys.OTHER_PAIR] = (pair or "") if linked else st.session_state[keys.PAIR]


def _write_texts(checkpoint: str) -> tuple[Side, Side]:
    """Both texts, as they were last sent with Compare."""
    two = bool(st.session_state[keys.HAS_PAIR])
    fields = (("Text", keys.TEXT, keys.PAIR), ("Other text", keys.OTHER_TEXT, keys.OTHER_PAIR))
    sides: list[Side] = []
    link: dict[str, str | None] = {}
    with st.form("compare-texts", border=False):
        for column, (label, key, pair_key) in zip(st.columns(2, gap="medium"), fields, strict=True):
            with column:
                written = _field(label, key, height=68 if two else 120)
                pair = _field(f"Second text of the {label.lower()}", pair_key, 68) if two else ""
            sides.append(Side(checkpoint, written, pair if pair.strip() else None))
            link |= {key: written, pair_key: sides[-1].pair}
        st.form_submit_button("Compare", type="primary", icon=":material/compare_arrows:")
    text.keep_in_link(link)
    return sides[0], sides[1]


def _field(label: str, key: str, height: int) -> str:
    return st.text_area(
        label, key=key, persist_state="session", height=height, placeholder="Paste a text"
    )
