"""What the reader decides about labels: accepted, changed or dropped, then saved as a new file."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from viz.app.audits import AuditRequest
from viz.app.markdown import plain
from viz.app.navigation import PAGES
from viz.app.panels import new_run
from viz.data.audit.run import Audit
from viz.data.labels.corrections import Correction, write_corrected
from viz.data.labels.label_errors import LabelError

DECISIONS, SAVED = "data-decisions", "data-corrected"
"""Keys of the session's state: what was decided, by the subject, and the file written last."""
KEPT = "kept"

Decision = Correction | None
"""None where the label was looked at and stays."""
Decisions = Mapping[int, Decision]
"""By the number of the row."""


def decisions(request: AuditRequest, audit: Audit) -> Decisions:
    """What was decided about the rows of a file as it was audited, by this reader."""
    known: Decisions = st.session_state.get(DECISIONS, {}).get(_subject(request, audit), {})
    return known


def _subject(request: AuditRequest, audit: Audit) -> Hashable:
    """What decisions are about: a file that has changed since has other rows."""
    return request.data, audit.subject


def corrections(request: AuditRequest, audit: Audit) -> tuple[Correction, ...]:
    """The rows that are to be other than they are, in their order."""
    decided = decisions(request, audit)
    return tuple(each for row in sorted(decided) if (each := decided[row]) is not None)


def described(decision: Decision) -> str:
    """A decision in a word or two."""
    if decision is None:
        return KEPT
    return "dropped" if decision.labels is None else f"→ {', '.join(decision.labels)}"


def offer(request: AuditRequest, audit: Audit, chosen: Sequence[LabelError]) -> None:
    """Offer what can be decided about label errors, and to save what was.

    Args:
        request: What is audited.
        audit: Its result.
        chosen: The errors that are decided about: those that are ticked, or the one looked at.
    """
    decide = partial(_decide, request, audit, chosen)
    count = f" {len(chosen)} rows" if len(chosen) > 1 else ""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="data-decide"):
        _button(f"Accept{count or ' the suggestion'}", "check", decide, partial(_accepted, audit))
        other = _choose_label(audit)
        _button("Change", "edit", decide, partial(_changed, other), disabled=not other)
        _button(f"Drop{count or ' the row'}", "delete", decide, _dropped)
        _button(f"Keep{count or ' the label'}", "undo", decide, lambda error: None)
    _offer_to_save(request, audit)


def _button(
    label: str,
    icon: str,
    decide: Callable[[Callable[[LabelError], Decision]], None],
    decision: Callable[[LabelError], Decision],
    *,
    disabled: bool = False,
) -> None:
    st.button(
        label,
        key=f"data-decide-{icon}",
        icon=f":material/{icon}:",
        on_click=decide,
        args=(decision,),
        disabled=disabled,
    )


def _choose_label(audit: Audit) -> tuple[str, ...]:
    """The class, or classes, that the reader would give instead."""
    labels = list(audit.record.labels)
    if audit.classifier.multi_label:
        chosen = st.multiselect(
            "Other classes", labels, key="data-other-labels", placeholder="Other classes",
            label_visibility="collapsed", width=220,
        )  # fmt: skip
        return tuple(chosen)
    other = st.selectbox(
        "Another class", labels, index=None, key="data-other-label", placeholder="Another class",
        label_visibility="collapsed", width=180,
    )  # fmt: skip
    return () if other is None else (other,)


def _accepted(audit: Audit, error: LabelError) -> Decision:
    labels = classes_in(error.suggested, audit.record.labels)
    return None if labels is None else Correction(row=error.row, labels=labels)


def _changed(labels: tuple[str, ...], error: LabelError) -> Decision:
    return Correction(row=error.row, labels=labels)


def _dropped(error: LabelError) -> Decision:
    return Correction(row=error.row, labels=None)


def classes_in(written: str, labels: Sequence[str]) -> tuple[str, ...] | None:
    """The classes that a text joined by commas names; None where that can't be told.

    A name may have a comma in it itself.
    """
    if written in labels:
        return (written,)
    if not written:
        return ()
    for label in labels:
        if written.startswith(f"{label}, "):
            others = classes_in(written.removeprefix(f"{label}, "), labels)
            if others is not None:
                return (label, *others)
    return None


def _decide(
    request: AuditRequest,
    audit: Audit,
    chosen: Sequence[LabelError],
    decision: Callable[[LabelError], Decision],
) -> None:
    decided = dict(decisions(request, audit)) | {error.row: decision(error) for error in chosen}
    st.session_state.setdefault(DECISIONS, {})[_subject(request, audit)] = decided


def _offer_to_save(request: AuditRequest, audit: Audit) -> None:
    changes = corrections(request, audit)
    if changes:
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key="data-corrections"
        ):
            st.caption(_counted(changes), width="content")
            if st.button("Save as a new file", type="primary", icon=":material/save:"):
                path = write_corrected(
                    request.data,
                    audit.rows,
                    changes,
                    audit.record.labels,
                    checkpoint=audit.record.checkpoint,
                )
                st.session_state[SAVED] = (_subject(request, audit), path)
    subject, path = st.session_state.get(SAVED, (None, None))
    if subject == _subject(request, audit) and path.is_file():
        _show_saved(path, request.data)


def _counted(changes: Sequence[Correction]) -> str:
    dropped = sum(each.labels is None for each in changes)
    changed = len(changes) - dropped
    parts = [f"{changed:,} label{'s' * (changed != 1)} changed"] if changed else []
    parts += [f"{dropped:,} row{'s' * (dropped != 1)} dropped"] if dropped else []
    return ", ".join(parts)


def _show_saved(path: Path, source: Path) -> None:
    """Where the file is, and what can be done with it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f":material/check: Saved as {plain(path.name)}; {plain(source.name)} stays as it is.",
            width="content",
        )
        if st.button("Train on it", icon=":material/model_training:"):
            new_run.choose_data(path)
            st.switch_page(PAGES["Train"])
        st.download_button(
            "Download",
            data=path.read_bytes(),
            file_name=path.name,
            key="data-download-corrected",
            on_click="ignore",
            icon=":material/download:",
        )
