"""Why rows of one class are taken for another: words, heads, and what silencing heads does."""

import streamlit as st

from viz.app.markdown import plain
from viz.attention.rollout import place
from viz.attribution.descriptions import number
from viz.data.audit import sentences
from viz.data.missing import Missing
from viz.data.reasons.cell_reasons import CellReasons, ReasonWord
from viz.widgets.signed_bars.component import Bar, signed_bars

MAX_WORDS, MAX_HEADS = 12, 5
MEANING = (
    f"{sentences.REASONS} Point at a word for the 95% interval of what it adds in a row that has "
    "it."
)


def show(reasons: CellReasons | Missing) -> None:
    """Show the reasons, or the sentence that says why there are none."""
    if isinstance(reasons, Missing):
        st.caption(plain(reasons.missing))
        return
    st.caption(plain(sentences.difference(reasons)), help=MEANING)
    signed_bars([_word(word) for word in reasons.words[:MAX_WORDS]], key="data-reason-words")
    if isinstance(reasons.heads, Missing):
        st.caption(plain(reasons.heads.missing))
    elif reasons.heads:
        st.markdown("**Heads that speak for the predicted class**", help=sentences.HEADS)
        signed_bars(
            [
                Bar(
                    name=place(head.layer, head.head),
                    value=head.contribution.mean,
                    interval=head.contribution.interval,
                )
                for head in reasons.heads[:MAX_HEADS]
            ],
            key="data-reason-heads",
        )
    if reasons.against is not None:
        return  # heads are silenced only where rows are wrong
    if isinstance(reasons.silenced, Missing):
        st.caption(plain(reasons.silenced.missing))
    else:
        st.caption(plain(sentences.silencing(reasons, reasons.silenced)))


def _word(word: ReasonWord) -> Bar:
    adds = f"{number(word.contribution.mean)} in a row that has it"
    ends = sentences.between(word.contribution)
    return Bar(
        name=word.word,
        value=word.share,
        note=f"in {word.n_rows:,} row{'s' * (word.n_rows != 1)}",
        title=f"{adds} ({ends})" if ends else adds,
    )
