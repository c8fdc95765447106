"""Words that decide by themselves, each with what the decision does without and with it."""

from typing import Any

import streamlit as st

from viz.app.markdown import plain
from viz.app.panels.data.part_table import show_parts
from viz.app.panels.data.selection import Group
from viz.attribution.descriptions import number
from viz.data.missing import Missing
from viz.data.shortcuts import Shortcut, Shortcuts
from viz.faithfulness.record import Interval

MEANING = (
    "A word is flagged where three things agree: it adds much to a class over many rows, the "
    "class loses probability when the word is removed from rows that have it, and gains when it "
    "is put into rows that don't. Intervals are 95%. Click a line to see its rows."
)


def show(shortcuts: Shortcuts | Missing, text_column: str) -> None:
    """Show the words that were tested; one that is clicked selects the rows that have it."""
    if isinstance(shortcuts, Missing):
        st.caption(plain(shortcuts.missing))
        return
    flagged = sum(each.flagged for each in shortcuts.items)
    st.caption(
        f"{flagged:,} of {shortcuts.n_words:,} words are flagged, by {shortcuts.n_explained:,} "
        f"rows. {MEANING}"
    )
    for note in shortcuts.notes:
        st.caption(f":material/info: {plain(note)}")
    if shortcuts.items:
        show_parts(
            [_entries(each) for each in shortcuts.items],
            [Group("word", text_column, each.word) for each in shortcuts.items],
            key="data-shortcuts",
            columns={"Flagged": st.column_config.CheckboxColumn()},
        )


def _entries(each: Shortcut) -> dict[str, Any]:
    return {
        "Word": each.word,
        "Class": each.label,
        "Flagged": each.flagged,
        "Rows": each.n_rows,
        "Contribution": _logits(each.contribution),
        "Probability lost when removed": _points(each.removal),
        "leave the class": _share(each.removal_flips),
        "Probability gained when put in": _points(each.insertion),
        "come into it": _share(each.insertion_flips),
    }


def _logits(interval: Interval) -> str:
    return f"{number(interval.mean)} ({number(interval.low)} to {number(interval.high)})"


def _points(interval: Interval) -> str:
    mean, low, high = (100 * value for value in (interval.mean, interval.low, interval.high))
    return f"{mean:.1f}% ({low:.1f} to {high:.1f})".replace("-", "−")


def _share(interval: Interval) -> str:
    return f"{interval.mean:.0%}"
