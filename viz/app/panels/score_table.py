"""What can be saved of a faithfulness record: the table in three formats, and the record itself."""

import streamlit as st

from viz.app import presence
from viz.export.score_table_formats import TABLE_FORMATS
from viz.faithfulness.record import FILE, FaithfulnessRecord

FORMAT = "score-table-format"
JSON = "json"


def offer(record: FaithfulnessRecord) -> None:
    """Offer the table with its notes in the format that the reader chooses, or all numbers."""
    labels = {name: format.label for name, format in TABLE_FORMATS.items()} | {JSON: "JSON"}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="score-table"):
        chosen = st.segmented_control(
            "Save the table as",
            list(labels),
            default=JSON,
            format_func=lambda name: labels[name],
            required=True,
            key=FORMAT,
            persist_state="session",
            label_visibility="collapsed",
        )
        format = TABLE_FORMATS.get(str(chosen))
        st.download_button(
            "Save",
            data=presence.download(
                lambda: record.to_json().encode() if format is None else format.write(record)
            ),
            file_name=FILE if format is None else f"faithfulness.{chosen}",
            mime="application/json" if format is None else format.mime,
            key="score-table-save",
            on_click="ignore",
            icon=":material/download:",
            help="The table, with what it shows and what it doesn't; JSON holds all numbers.",
        )
