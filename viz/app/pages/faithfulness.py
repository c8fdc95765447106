"""The Faithfulness page: how far each method can be believed for this checkpoint."""

import shlex
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from finetune.errors import number_of
from viz.app import checkpoints, keys
from viz.app.markdown import plain
from viz.app.panels import masthead, sanity, score_table, source
from viz.app.panels.plot import show_plot
from viz.app.panels.scores import OPERATORS, show_scores
from viz.errors import VizError
from viz.faithfulness.record import FaithfulnessRecord
from viz.figures.plots.faithfulness import faithfulness_chart
from viz.widgets.theme.component import current_theme, follow_theme

MEANING = (
    "For each text, words are hidden in the order in which a method ranks them, most important "
    "first. A faithful order makes the probability of the class, or the predicted score, drop "
    "early. 0 is the mean of random orders, 1 the best order found; lines are 95% intervals over "
    "texts. Orange: the method that the others are compared with. Hollow: the method itself hides "
    "words in this way, which helps it here"
)

JUDGED = (
    "The table shows its shares beside those of the original: the same orders of words, measured "
    "by its probabilities."
)


def page() -> None:
    """Lay the page out; a VizError ends a part of it with its one sentence."""
    st.html(Path(__file__).parent / "page.css")
    with masthead.row():
        chosen = source.choose_checkpoint()
    source.warn_of_link(chosen)
    st.divider()
    shown = _try(_show_measured, chosen)
    st.divider()
    _try(sanity.show_sanity, chosen, shown)
    follow_theme(keys.THEME)


def _try(part: Callable[[str], None], checkpoint: str, shown: str = "") -> str:
    """Lay out a part, or show its one sentence, unless that is shown already.

    So a damaged file hides nothing but itself, and what is wrong with a checkpoint is said once.
    """
    try:
        part(checkpoint)
    except VizError as error:
        if str(error) != shown:
            st.error(plain(str(error)), icon=":material/error:")
        return str(error)
    return ""


def _show_measured(checkpoint: str) -> None:
    record = checkpoints.faithfulness_record(checkpoint)
    if record is None:
        explain_how_to_measure(checkpoint)
    else:
        show_record(checkpoint, record)


def explain_how_to_measure(checkpoint: str) -> None:
    """Say that nothing was measured, and show the command that measures."""
    st.subheader("Not measured yet for this checkpoint", anchor=False)
    st.markdown(
        "Which methods can be believed for this checkpoint? This command measures it on texts like "
        "those it was made for, and saves the result beside the weights:"
    )
    words = ["score", f"--checkpoint={checkpoint}", "--data=validation.csv", "--limit=200"]
    st.code(shlex.join(["clsight", *words]), language="sh")


def show_record(checkpoint: str, record: FaithfulnessRecord) -> None:
    """Show the chart, and the table behind it."""
    st.subheader("Which methods find the words that the prediction depends on", anchor=False)
    end = "; judge it by the other chart." if len(record.random) > 1 else "."
    st.caption(f"{plain(_measured_on(record))} {MEANING}{end}")
    if record.judge is not None:
        st.caption(plain(f"{record.judge.sentence} {JUDGED}"))
    if record.caution:
        st.caption(record.caution)
    if record.fingerprint != checkpoints.classifier(checkpoint).fingerprint:
        st.warning(
            "This was measured with different weights; measure again.", icon=":material/warning:"
        )
    measured = [operator for operator in OPERATORS if operator in record.ranking_operators]
    columns = st.columns(len(measured), gap="medium") if measured else []
    for column, operator in zip(columns, measured, strict=True):
        with column:
            st.markdown(f"**Words hidden by {plain(OPERATORS[operator])}**")
            figure = faithfulness_chart(record, operator, theme=current_theme(keys.THEME))
            show_plot(
                figure,
                f"faithfulness-{operator}",
                alt=f"How faithful each method is, with words hidden by {OPERATORS[operator]}",
            )
    show_scores(record)
    score_table.offer(record)


def _measured_on(record: FaithfulnessRecord) -> str:
    skipped = sum(record.skipped.values())
    left_out = f", {skipped:,} left out" if skipped else ""
    measured = f"Measured on {number_of(record.n_texts, 'text')} of {record.data}{left_out}."
    documents = record.documents
    if documents is None or not documents.n_texts:
        return measured
    units = ", words" if not documents.n_by_sentence else ", words or sentences"
    return (
        f"{measured} {documents.n_texts:,} of them are too long for the model and were read in "
        f"windows{units} hidden in the whole text."
    )


page()
