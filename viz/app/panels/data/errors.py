"""What is taken for what, and why: the matrix, and beside it the reasons of its cell."""

from functools import partial

import streamlit as st

from finetune.run.measurements import Metrics
from viz.app import audits
from viz.app.audits import AuditRequest
from viz.app.markdown import plain
from viz.app.panels import job_progress
from viz.app.panels.data import confusion, reasons
from viz.app.panels.data.part import show_part
from viz.app.panels.data.selection import Cell
from viz.data.audit.run import Audit
from viz.data.missing import Missing
from viz.jobs.background import BackgroundJob
from viz.widgets.confusion.payload import N_WIDE

SECONDS = 15.0
"""About how long the reasons of a cell take, before there is a pace."""


def show(request: AuditRequest, audit: Audit) -> Cell:
    """Show which classes are taken for which, and why; the cell that is selected."""
    metrics = audit.record.measures
    if not isinstance(metrics, Metrics):
        if "probability" in audit.table and isinstance(metrics, Missing):
            return confusion.choose_prediction(audit.record, audit.table)
        st.caption("A predicted score is not taken for another; rows are listed by their error.")
        return Cell(None, None)
    if metrics.confusion is None:
        st.caption("Rows have several classes each, so there is no matrix.")
        confusion.show_classes(metrics)
        return Cell(None, None)
    # A matrix of many classes has the whole width.
    beside = len(metrics.confusion) <= N_WIDE
    left, right = st.columns(2, gap="medium") if beside else (st.container(), st.container())
    with left:
        cell = confusion.choose(audit.record)
    with right:
        if cell.gold is None or cell.predicted is None:
            confusion.show_classes(metrics)
        else:
            show_part(partial(_show_reasons, request, audit, cell.gold, cell.predicted))
    return cell


def _show_reasons(request: AuditRequest, audit: Audit, gold: int, predicted: int) -> None:
    """Why rows of a class are put into another one, or how far the search for it is."""
    label, other = plain(audit.record.labels[gold]), plain(audit.record.labels[predicted])
    recognized = gold == predicted
    st.markdown(f"**Why {label} is {'recognized' if recognized else f'taken for {other}'}**")
    known = audits.cell_reasons(request, audit, gold, predicted)
    if isinstance(known, BackgroundJob):
        label = "Finding the reasons"
        result = job_progress.result(known, audits.CELL, label=label, seconds=SECONDS)
    else:
        result = known
    if result is not None:
        reasons.show(result)
