"""The sanity panel of the Faithfulness page: which methods react to what they explain."""

import os
import shlex
from pathlib import Path

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from viz.app import session
from viz.app.markdown import plain
from viz.faithfulness.sanity_record import FILE, SanityRecord, SanityResult, load

MEANING = (
    "The weights of a copy are made random, from the head down, and the scores of words compared "
    "with those before: 1 is the same order, whatever the sign. A method whose order stays likely "
    "shows the text, not the network. Two scores that give each word a random number reach "
    "{chance:.2f}, and 95 % of the time less than {limit:.2f}; a method that stays above that in "
    "two random networks is flagged."
)


def show_sanity(source: str) -> None:
    """Show how methods react for a checkpoint, or the command that checks it.

    Args:
        source: The checkpoint.

    Raises:
        RecordError: where the file beside the weights can't be read.
    """
    st.subheader("Which methods react to what they explain", anchor=False)
    place, version = session.identity(source)
    file = Path(place) / FILE
    if not (version and os.path.lexists(file)):
        st.markdown("Nobody has checked it for this checkpoint. This command does:")
        words = ["sanity", f"--checkpoint={source}", "--data=validation.csv"]
        st.code(shlex.join(["python", "-m", "viz", *words]), language="sh")
        return
    _show(load(file), session.classifier(source).fingerprint)


def _show(found: SanityRecord, fingerprint: str) -> None:
    meaning = MEANING.format(chance=found.chance, limit=found.limit)
    where = f" of {found.data}" if found.data else ""
    st.caption(f"{plain(f'Checked on {found.n_texts} texts{where}.')} {meaning}")
    if found.fingerprint != fingerprint:
        st.warning("This was checked with other weights; check again.", icon=":material/warning:")
    for each in found.methods:
        for flag in found.flags(each):
            st.caption(f":material/warning: {plain(f'{_name(each)} {flag}.')}")
    st.dataframe(
        [_entries(each, found) for each in found.methods if each.refused is None],
        hide_index=True,
        column_config=_columns(found),
        height="content",
        key="sanity",
        placeholder="",
    )
    for each in found.methods:
        if each.refused is not None:
            st.caption(plain(f"{each.label}: {each.refused}"))


def _entries(each: SanityResult, found: SanityRecord) -> dict[str, object]:
    return {
        "method": _name(each),
        "verdict": "flagged" if found.flags(each) else "reacts",
        "cascade": [1.0, *(value for value in each.cascade if value is not None)],
        "after": each.cascade[-1],
        "again": each.again,
        "pair": each.random_pair,
        "classes": each.between_classes,
        "seeds": each.between_seeds,
        "residual": None if each.residual is None else 100 * each.residual,
    }


def _name(each: SanityResult) -> str:
    """The label, with the options that were named."""
    named = each.method.split(":")[1:]
    return f"{each.label} ({', '.join(named)})" if named else each.label


def _columns(found: SanityRecord) -> dict[str, ColumnConfig | str | None]:
    column = st.column_config
    names = plain(", then ".join(found.stages))
    return {
        "method": column.TextColumn("Method", width="medium", pinned=True),
        "verdict": column.TextColumn("Verdict"),
        "cascade": column.LineChartColumn(
            "Weights made random",
            help=f"Likeness to the scores before, once these are random: {names}.",
            y_min=0,
            y_max=1,
        ),
        "after": column.NumberColumn(
            "All random", format="%.2f", help="Likeness once all weights are random."
        ),
        "again": column.NumberColumn(
            "Again", format="%.2f", help="The same, for another random network."
        ),
        "pair": column.NumberColumn(
            "Text alone",
            format="%.2f",
            help="Likeness between the two random networks: what both take from the text.",
        ),
        "classes": column.NumberColumn(
            "Other class",
            format="%.2f",
            help="Correlation of the scores for the class and for the runner-up; 1 would be the "
            "same for both. Empty: the method does not explain a class.",
        ),
        "seeds": column.NumberColumn(
            "Other seed",
            format="%.2f",
            help="Correlation between two seeds; 1 for a method that draws nothing.",
        ),
        "residual": column.NumberColumn(
            "Gap",
            format="%.3g %%",
            help="What the scores miss of what they split, for the worst text. Empty: the method "
            "claims no sum.",
        ),
    }
