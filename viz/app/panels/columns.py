"""Which columns of a data file are read: found by their names, or chosen."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from finetune.data.tables.columns import usual_columns
from finetune.data.tables.table import Table
from viz.model.text_files import Columns
from viz.runs import uploads

NO_PAIR = "no second text"
NO_LABEL = "no labels"


def choose_columns(data: Path, table: Table) -> Columns | None:
    """The columns that have to be named to finetune; None as long as some are to be chosen."""
    names = uploads.column_names(table)
    detected = usual_columns(table)
    known = None not in (detected.text, detected.label)
    if not known and len(names) < 2:
        return Columns()  # nothing to choose from: the check says what is wrong with the file
    if known:
        with st.expander("Columns"):
            chosen = _choose(data, names, detected, st.columns(3))
    else:
        st.caption("Which column has the texts, and which the classes or scores?")
        chosen = _choose(data, names, detected, st.columns(3))
    return Columns() if known and chosen == detected else _usable(chosen)


def choose_text_columns(data: Path, table: Table, place: DeltaGenerator) -> Columns | None:
    """The columns to read for an audit, which needs no labels; None as long as one is to be chosen.

    Where a usual name tells which has the texts, the choice waits behind a button.

    Args:
        data: The file.
        table: Its first rows.
        place: Where the button stands.
    """
    names = uploads.column_names(table)
    detected = usual_columns(table)
    if detected.text is not None:
        with place, st.popover("Columns", icon=":material/view_column:"):
            chosen = _choose(data, names, detected, (st, st, st), needs_label=False)
    elif len(names) < 2:
        return Columns(names[0]) if names else Columns()  # whoever reads it says what is wrong
    else:
        st.caption("Which column has the texts?")
        chosen = _choose(data, names, detected, st.columns(3), needs_label=False)
    return _usable(chosen, needs_label=False)


def _choose(
    data: Path,
    names: list[str],
    detected: Columns,
    fields: Sequence[Any],
    *,
    needs_label: bool = True,
) -> Columns:
    """The columns that are chosen in three fields, each in its place."""
    key = "train" if needs_label else "audit"
    left, middle, right = fields
    text = left.selectbox(
        "Text", names, _index(names, detected.text), key=f"{key}-text-{data}", placeholder="Choose"
    )
    pair = middle.selectbox(
        "Second text",
        [None, *names],
        0 if detected.pair is None else 1 + names.index(detected.pair),
        format_func=_namer(names, NO_PAIR),
        key=f"{key}-pair-{data}",
        help="For pairs of texts, such as a question and its answer.",
    )
    left_out = () if needs_label or detected.label is not None else (None,)
    label = right.selectbox(
        "Class or score",
        [*left_out, *names],
        0 if left_out else _index(names, detected.label),
        format_func=_namer(names, NO_LABEL),
        key=f"{key}-label-{data}",
        placeholder="Choose",
    )
    return Columns(text, pair, label)


def _namer(names: list[str], none: str) -> Callable[[str | None], str]:
    """What an option is called: a column by its name, and *none* by a word that no column has."""
    while none in names:
        none = f"({none})"
    return lambda name: none if name is None else name


def _index(names: list[str], name: str | None) -> int | None:
    return None if name is None else names.index(name)


def _usable(chosen: Columns, *, needs_label: bool = True) -> Columns | None:
    if chosen.text is None or (needs_label and chosen.label is None):
        return None
    names = [name for name in (chosen.text, chosen.pair, chosen.label) if name is not None]
    if len(set(names)) < len(names):
        st.error("The same column is chosen twice; choose another one.", icon=":material/error:")
        return None
    return chosen
