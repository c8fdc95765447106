"""Why rows of one class are taken for another: words, heads, and what silencing heads does."""

import streamlit as st

from viz.app.markdown import plain
from viz.attribution.descriptions import number, percent
from viz.data.cell_reasons import CellReasons, ReasonWord
from viz.data.missing import Missing
from viz.data.silenced_heads import SilencedHeads
from viz.widgets.signed_bars.component import Bar, signed_bars

MAX_WORDS, MAX_HEADS = 12, 5
MEANING = (
    "Each word adds to the logit of the predicted class minus that of the other one: blue speaks "
    "for the predicted class, orange for the other one. The bar is the word's sum over all rows of "
    "the cell divided by their number, so that words, special tokens and bias add up to the "
    "difference exactly; point at a word for the 95% interval of what it adds in a row that has it."
)
HEADS = "What passes through the attention of a head, with its 95% interval over the rows."


def show(reasons: CellReasons | Missing) -> None:
    """Show the reasons, or the sentence that says why there are none."""
    if isinstance(reasons, Missing):
        st.caption(plain(reasons.missing))
        return
    st.caption(_sum(reasons), help=MEANING)
    signed_bars([_word(word) for word in reasons.words[:MAX_WORDS]], key="data-reason-words")
    if isinstance(reasons.heads, Missing):
        st.caption(plain(reasons.heads.missing))
    elif reasons.heads:
        st.markdown("**Heads that speak for the predicted class**", help=HEADS)
        signed_bars(
            [
                Bar(
                    name=f"L{head.layer} · H{head.head}",
                    value=head.contribution.mean,
                    interval=(head.contribution.low, head.contribution.high),
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
        st.caption(plain(silencing(reasons, reasons.silenced)))


def silencing(reasons: CellReasons, silenced: SilencedHeads) -> str:
    """What the classifier does without the heads that speak most for the mistake."""
    heads = ", ".join(f"L{layer} · H{head}" for layer, head in silenced.heads)
    return (
        f"Without {heads}, {percent(silenced.right_after)} of these rows are put into "
        f"{reasons.gold}. Accuracy on other rows of {reasons.gold} ({silenced.n_gold:,}): "
        f"{percent(silenced.gold_accuracy_before)} before, "
        f"{percent(silenced.gold_accuracy_after)} after; on rows of {reasons.predicted} "
        f"({silenced.n_predicted:,}): {percent(silenced.predicted_accuracy_before)} before, "
        f"{percent(silenced.predicted_accuracy_after)} after."
    )


def _sum(reasons: CellReasons) -> str:
    """How many rows, and what their mean difference is made of."""
    words = reasons.difference - reasons.special - reasons.bias
    rows = f"{reasons.n_rows:,} row{'s' * (reasons.n_rows != 1)}"
    if reasons.n_explained < reasons.n_rows:
        rows += f", {reasons.n_explained:,} of them explained"
    if reasons.against is not None:
        rows += f", compared with {reasons.against}"
    return plain(
        f"{rows}. Mean difference of logits {number(reasons.difference)}: words "
        f"{number(words)}, special tokens {number(reasons.special)}, bias "
        f"{number(reasons.bias)}."
    )


def _word(word: ReasonWord) -> Bar:
    ends = word.contribution
    return Bar(
        name=word.word,
        value=word.share,
        note=f"in {word.n_rows:,} row{'s' * (word.n_rows != 1)}",
        title=f"{number(ends.mean)} in a row that has it ({number(ends.low)} to "
        f"{number(ends.high)})",
    )
