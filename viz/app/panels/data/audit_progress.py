"""How far an audit is, while what is known of it already stands on the page."""

import streamlit as st

from viz.app import audits, background
from viz.app.audits import AuditRequest
from viz.app.panels.fragment import fragment
from viz.app.panels.job_progress import PATIENCE, duration
from viz.data.audit.parts import PARTS
from viz.data.audit.run import NOT_YET, Audit
from viz.jobs.background import BackgroundJob

POLL = 0.7
"""Seconds between two looks at the job."""
GROWTH = 1.5
"""The page shows the rows that were read when there are so many times more than before."""
SHOWN = "data-shown"
"""Key of how much of the audit stands on the page."""
NAMES = {
    "slices": "Looking for slices",
    "label_errors": "Looking for label errors",
    "shortcuts": "Looking for shortcuts",
    "cells": "Finding the reasons of errors",
    "counterfactuals": "Looking for what changes classes",
    "shift": "Comparing the files",
}
"""What is done while a part of the record is to come."""


def result(request: AuditRequest) -> Audit | None:
    """The audit, as far as it is known; shows how far it is where there is more to come.

    Raises:
        VizError: what ended it.
    """
    audit = audits.audit(request)
    if audit is not None:
        return audit
    job = audits.job(request)
    if job.done and not job.cancelled:
        return job.result()
    if job.cancelled:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.caption("The audit was canceled; what is below is of the rows read until then.")
            st.button(
                "Continue",
                key="audit-again",
                on_click=background.cancel_job,
                args=(audits.KIND,),
                icon=":material/resume:",
            )
        return audits.snapshot(request)
    if job.wait(PATIENCE):
        return job.result()
    snapshot = audits.snapshot(request)
    st.session_state[SHOWN] = _extent(snapshot)
    fragment(_watch, run_every=POLL)(request, job)
    return snapshot


def _watch(request: AuditRequest, job: BackgroundJob[Audit]) -> None:
    """Show how far the job is; the page runs again where there is more to show."""
    snapshot = audits.snapshot(request)
    if job.cancelled or job.done or _is_news(_extent(snapshot)):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.progress(job.progress, text=_stage(snapshot, job))
        st.button("Cancel", key="audit-cancel", on_click=job.cancel, icon=":material/close:")


def _stage(snapshot: Audit | None, job: BackgroundJob[Audit]) -> str:
    left = job.seconds_left
    pace = "" if left is None else f", {duration(left)} left"
    if snapshot is None:
        return "Reading the file …"
    record = snapshot.record
    if snapshot.near_copies is None:
        return f"{record.n_read:,} of {record.n_rows:,} rows are read, in random order{pace}"
    to_come = [part.name for part in PARTS if getattr(record, part.name) == NOT_YET]
    return f"All rows are read. {NAMES.get(to_come[0], '') if to_come else 'Done'}{pace}"


def _extent(audit: Audit | None) -> tuple[int, int]:
    """How many parts are known, and how many rows were read."""
    if audit is None:
        return 0, 0
    parts = sum(getattr(audit.record, name) != NOT_YET for name in NAMES)
    return parts, audit.record.n_read


def _is_news(extent: tuple[int, int]) -> bool:
    """Whether the page should show more than it does."""
    parts, n_read = st.session_state.get(SHOWN, (0, 0))
    return extent[0] > parts or (extent[1] > 0 and extent[1] >= GROWTH * n_read)
