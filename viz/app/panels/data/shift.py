"""What is different from the other file: an alarm or none, what may have happened, and words."""

import streamlit as st

from viz.app.markdown import plain
from viz.app.panels.data.measures import show_number
from viz.app.panels.data.part_table import show_parts
from viz.app.panels.data.selection import Group
from viz.attribution.descriptions import number
from viz.data.audit import sentences
from viz.data.missing import Missing
from viz.data.shift.shift import Shift
from viz.widgets.signed_bars.component import Bar, signed_bars

MAX_CLASSES = 12
WORDS = f"{sentences.SHIFT_WORDS} Click a line to see the rows that have it."


def show(shift: Shift | Missing, text_column: str) -> None:
    """Show what shifted, or how to compare."""
    if isinstance(shift, Missing):
        st.caption(
            f"{plain(shift.missing)} Choose an earlier file under *Compare with*, such as last "
            "month's."
        )
        return
    _show_verdict(shift)
    with st.container(horizontal=True, gap="medium", key="data-shift-measures"):
        _show_numbers(shift)
    if isinstance(shift.estimated_accuracy, Missing):
        st.caption(plain(shift.estimated_accuracy.missing))
    for note in shift.notes:
        st.caption(f":material/info: {plain(note)}")
    left, right = st.columns(2, gap="medium")
    with left:
        _show_classes(shift)
    with right:
        _show_words(shift, text_column)


def _show_verdict(shift: Shift) -> None:
    verdict = plain(sentences.shift(shift))
    if not shift.alarm:
        st.success(verdict, icon=":material/check:")
        return
    st.warning(verdict, icon=":material/warning:")
    for cause in shift.causes:
        st.markdown(f"- **{plain(cause.cause)}** ({cause.strength:.2f}): {plain(cause.sentence)}")


def _show_numbers(shift: Shift) -> None:
    estimate = shift.estimated_accuracy
    if not isinstance(estimate, Missing):
        show_number(
            "Accuracy, estimated",
            f"{estimate.mean:.1%}",
            f"{estimate.low:.1%} to {estimate.high:.1%}",
            help=f"Without labels, by {plain(shift.estimated_by)}.",
        )
    if shift.reference_accuracy is not None:
        show_number("Accuracy before", f"{shift.reference_accuracy:.1%}")
    show_number(*sentences.confidence(shift))
    auc = shift.domain_auc
    show_number(
        "Files told apart",
        f"{auc.mean:.2f}",
        f"{auc.low:.2f} to {auc.high:.2f}",
        help=sentences.DOMAIN,
    )


def _show_classes(shift: Shift) -> None:
    if not shift.classes:
        return
    st.markdown("**How often classes are predicted**", help="Now minus before, in points.")
    signed_bars(
        [
            Bar(
                name=each.label,
                value=100 * each.difference.mean,
                interval=(100 * each.difference.low, 100 * each.difference.high),
                note=f"{each.reference_share:.1%} → {each.share:.1%}",
            )
            for each in shift.classes[:MAX_CLASSES]
        ],
        key="data-shift-classes",
    )


def _show_words(shift: Shift, text_column: str) -> None:
    if not shift.words:
        return
    st.markdown("**Words that tell the files apart**", help=WORDS)
    show_parts(
        [
            {
                "Word": each.word,
                "Kind": each.kind,
                "Before": 100 * each.reference_share,
                "Now": 100 * each.share,
                "Score": number(each.score),
            }
            for each in shift.words
        ],
        [Group("word", text_column, each.word) for each in shift.words],
        key="data-shift-words",
        columns={
            "Before": st.column_config.NumberColumn(format="%.1f%%"),
            "Now": st.column_config.NumberColumn(format="%.1f%%"),
        },
        alt="Words that tell the files apart",
    )
