"""The sanity panel of the Faithfulness page: which methods react to what they explain."""

import os
import shlex
from pathlib import Path

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from finetune.errors import number_of
from viz.app import checkpoints
from viz.app.markdown import plain
from viz.attribution.descriptions import percent
from viz.faithfulness.sanity_record import FILE, SanityRecord, SanityResult, load

MEANING = (
    "The weights of a copy of the model are randomized layer by layer, starting at the head, and "
    "the scores of words are compared with the original ones: 1 means the same order, whatever the "
    "sign. A method whose order hardly changes shows the text, not the network. Random scores "
    "reach {chance:.2f} on average, and stay below {limit:.2f} in 95% of draws; a method that "
    "stays above that in two random networks is flagged."
)


def show_sanity(source: str) -> None:
    """Show how methods react for a checkpoint, or the command that checks it.

    Args:
        source: The checkpoint.

    Raises:
        RecordError: where the file beside the weights can't be read.
    """
    st.subheader("Which methods react when the model changes", anchor=False)
    place, version = checkpoints.identity(source)
    file = Path(place) / FILE
    if not (version and os.path.lexists(file)):
        st.markdown("Not checked yet for this checkpoint. This command checks it:")
        words = ["sanity", f"--checkpoint={source}", "--data=validation.csv"]
        st.code(shlex.join(["clsight", *words]), language="sh")
        return
    _show(load(file), checkpoints.classifier(source).fingerprint)


def _show(record: SanityRecord, fingerprint: str) -> None:
    meaning = MEANING.format(chance=record.chance, limit=record.limit)
    where = f" of {record.data}" if record.data else ""
    checked = f"Checked on {number_of(record.n_texts, 'text')}{where}."
    st.caption(f"{plain(checked)} {meaning}")
    if record.fingerprint != fingerprint:
        st.warning(
            "This was checked with different weights; check again.", icon=":material/warning:"
        )
    with st.container(gap="xsmall"):
        for result in record.methods:
            for flag in record.flags(result):
                st.caption(f":material/warning: {plain(f'{_name(result)} {flag}.')}")
    st.dataframe(
        [_entries(result, record) for result in record.methods if result.refused is None],
        hide_index=True,
        column_config=_columns(record),
        height="content",
        key="sanity",
        placeholder="",
        alt="How each method reacts to other weights and other classes",
    )
    for result in record.methods:
        if result.refused is not None:
            st.caption(plain(f"{result.label}: {result.refused}"))


def _entries(result: SanityResult, record: SanityRecord) -> dict[str, object]:
    return {
        "method": _name(result),
        "verdict": "flagged" if record.flags(result) else "reacts",
        "cascade": [1.0, *(value for value in result.cascade if value is not None)],
        "after": result.cascade[-1],
        "again": result.again,
        "pair": result.random_pair,
        "classes": result.between_classes,
        "seeds": result.between_seeds,
        "residual": "" if result.residual is None else percent(result.residual),
    }


def _name(result: SanityResult) -> str:
    """The label, with the options that were named."""
    named = result.method.split(":")[1:]
    return f"{result.label} ({', '.join(named)})" if named else result.label


def _columns(record: SanityRecord) -> dict[str, ColumnConfig | str | None]:
    column = st.column_config
    names = plain(", then ".join(record.stages))
    return {
        "method": column.TextColumn("Method", width="medium", pinned=True),
        "verdict": column.TextColumn("Verdict"),
        "cascade": column.LineChartColumn(
            "Randomized weights",
            help=f"Similarity to the original scores once these weights are random: {names}.",
            y_min=0,
            y_max=1,
        ),
        "after": column.NumberColumn(
            "All random", format="%.2f", help="Similarity once all weights are random."
        ),
        "again": column.NumberColumn(
            "Repeated", format="%.2f", help="The same with another random network."
        ),
        "pair": column.NumberColumn(
            "Text alone",
            format="%.2f",
            help="Similarity between the two random networks: what comes from the text alone.",
        ),
        "classes": column.NumberColumn(
            "Other class",
            format="%.2f",
            help="Correlation of the scores for the class with those for the runner-up; 1 means "
            "the same scores for both. Empty: the method does not explain a class.",
        ),
        "seeds": column.NumberColumn(
            "Other seed",
            format="%.2f",
            help="Correlation between two seeds; 1 for a method without random numbers.",
        ),
        "residual": column.TextColumn(
            "Gap",
            width="small",
            alignment="right",
            help="By how much the scores miss the sum that they should add up to, for the worst "
            "text. Empty: the method claims no sum.",
        ),
    }
