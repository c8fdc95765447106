"""Words that decide by themselves, each with what the decision does without and with it."""

from typing import Any

import streamlit as st

from viz.app.markdown import plain
from viz.app.panels.data.part_table import show_parts
from viz.app.panels.data.selection import Group
from viz.data.audit import sentences
from viz.data.missing import Missing
from viz.data.shortcuts.shortcuts import Shortcut, Shortcuts
from viz.faithfulness.interval import Interval


def show(shortcuts: Shortcuts | Missing, text_column: str) -> None:
    """Show the words that were tested; one that is clicked selects the rows that have it."""
    if isinstance(shortcuts, Missing):
        st.caption(plain(shortcuts.missing))
        return
    st.caption(f"{sentences.shortcuts(shortcuts)} Click a line to see its rows.")
    for note in shortcuts.notes:
        st.caption(f":material/info: {plain(note)}")
    if shortcuts.items:
        show_parts(
            [_entries(each) for each in shortcuts.items],
            [Group("word", text_column, each.word) for each in shortcuts.items],
            key="data-shortcuts",
            columns={
                "Flagged": st.column_config.CheckboxColumn(),
                "Contribution": st.column_config.TextColumn(help=sentences.CONTRIBUTION),
            },
            alt="Words that may decide alone",
        )


def _entries(each: Shortcut) -> dict[str, Any]:
    return {
        "Word": each.word,
        "Class": each.label,
        "Flagged": each.flagged,
        "Rows": each.n_rows,
        "Contribution": sentences.logits(each.contribution),
        "Probability lost when removed": sentences.percentages(each.removal),
        "leave the class": _share(each.removal_flips),
        "Probability gained when put in": sentences.percentages(each.insertion),
        "come into it": _share(each.insertion_flips),
    }


def _share(interval: Interval) -> str:
    return f"{interval.mean:.0%}"
