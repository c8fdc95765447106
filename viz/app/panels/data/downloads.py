"""What can be saved of an audit: its tables and its record, made only on request."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from viz.app import presence
from viz.data.audit.record import FILE
from viz.data.audit.run import Audit
from viz.export.audit_files import REPORT_HTML, REPORT_PDF, report_html, report_pdf, table_csv
from viz.export.audit_tables import TABLES, AuditTable

Download = tuple[str, str, Callable[[], bytes]]
"""The name of a file, its type, and what makes it."""
SUBJECT = "data-download"


def offer(audit: Audit) -> None:
    """Offer one table as CSV, the report, or the record as JSON."""
    offered: dict[str, Download] = {
        table.label: (table.file, "text/csv", partial(_csv, table, audit))
        for table in TABLES
        if table.has(audit.record)
    }
    offered["Report (HTML)"] = REPORT_HTML, "text/html", partial(report_html, audit)
    offered["Report (PDF)"] = REPORT_PDF, "application/pdf", partial(report_pdf, audit)
    offered["Everything (JSON)"] = FILE, "application/json", partial(_json, audit)
    with st.container(
        horizontal=True, vertical_alignment="bottom", gap="small", key="data-downloads"
    ):
        if st.session_state.get(SUBJECT) not in offered:
            st.session_state[SUBJECT] = next(iter(offered))
        chosen = st.selectbox("Save", list(offered), key=SUBJECT, width=240)
        file, mime, make = offered[str(chosen)]
        st.download_button(
            "Save",
            data=presence.download(make),
            file_name=file,
            mime=mime,
            key="data-save",
            on_click="ignore",
            icon=":material/download:",
        )


def _csv(table: AuditTable, audit: Audit) -> bytes:
    return table_csv(table.make(audit)).encode()


def _json(audit: Audit) -> bytes:
    return audit.record.to_json().encode()
