"""The badge beside an explanation: is its order of the words better than random ones?"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import streamlit as st

from viz.app import background, checkpoints, readings
from viz.app.background import ExplanationRequest
from viz.app.markdown import plain
from viz.app.panels import job_progress
from viz.app.panels.fragment import fragment
from viz.attention.long_attention import LongAttention
from viz.attribution.descriptions import quantity
from viz.documents.document_versions import DocumentVersions
from viz.errors import VizError
from viz.faithfulness.evidence import Evidence, document_evidence
from viz.faithfulness.evidence import evidence as measure_evidence
from viz.faithfulness.evidence_plan import PERCENTS, plan_evidence
from viz.faithfulness.orders import N_RANDOM
from viz.jobs.background import ProgressCallback
from viz.model.perturbation import Perturbation
from viz.types import Attribution
from viz.widgets.poll.component import poll

POLL = 0.25
"""Seconds between two looks at whether it is there."""
UNBOUNDED_TOKENS = 512
"""Tokens of a text up to which all is measured unasked, however long that takes."""
MAX_SECONDS = 60.0
"""About how long the badge of a longer text may take unasked."""
REQUESTED = "evidence-requested"
"""Key of the session's state: for which explanation the reader wants it all the same."""
HIDDEN = {"mask": "by [MASK]", "delete": "by deletion"}
"""How words are hidden, in words."""


@dataclass(frozen=True, slots=True)
class EvidenceOffer:
    """A badge that takes longer than anybody would wait for unasked."""

    passes: float
    """About how many passes it takes."""
    seconds: float
    """About how long that is."""


def show(request: ExplanationRequest, attribution: Attribution | None) -> None:
    """Show the badge, or that it is being measured; the page does not wait for it."""
    if attribution is not None:
        _show(request, attribution)


# The badge comes into its place without a run of the page, which would close a list that is open.
@fragment
def _show(request: ExplanationRequest, attribution: Attribution) -> None:
    with st.container(gap=None):
        evidence, error = None, ""
        try:
            evidence = _evidence(request, attribution)
        except VizError as refusal:
            error = str(refusal)
        if isinstance(evidence, EvidenceOffer):
            _offer(request, attribution, evidence)
            return
        _show_heading(evidence)
        if evidence is None:
            st.badge(plain(error) or "measuring …", color="gray")
            if not error:
                poll(POLL, key="evidence-poll")
        else:
            _show_badge(evidence)


def _show_heading(evidence: Evidence | None = None) -> None:
    numbers = f"\n\n{_numbers(evidence)}" if evidence and evidence.measured else ""
    st.markdown("Evidence", help=_meaning(evidence) + numbers)


def _show_badge(evidence: Evidence) -> None:
    if not evidence.measured:
        st.badge(plain(evidence.sentence), color="gray")
    elif evidence.better:
        st.badge(plain(evidence.sentence), color="green", icon=":material/check:")
    else:
        st.badge(plain(evidence.sentence), color="orange", icon=":material/warning:")
    if evidence.basis:
        st.caption(plain(evidence.basis))


def _offer(request: ExplanationRequest, attribution: Attribution, offer: EvidenceOffer) -> None:
    """Measure it where the reader wants to wait for it."""
    key = request.key(REQUESTED)
    evidence = cast("Evidence | None", background.results().get(key))
    if evidence is not None:
        _show_heading(evidence)
        _show_badge(evidence)
        return
    _show_heading()
    if st.session_state.get(REQUESTED) != key:
        st.button(
            f"Measure, {job_progress.duration(offer.seconds)}",
            key="measure-evidence",
            on_click=partial(st.session_state.__setitem__, REQUESTED, key),
        )
        return
    job = background.submit(key, lambda: _least(request, attribution), offer.passes)
    try:
        evidence = job_progress.result(job, REQUESTED, label="Random orders", seconds=offer.seconds)
    except VizError as refusal:
        st.badge(plain(str(refusal)), color="gray")
        return
    if evidence is not None:
        _show_badge(evidence)


def _evidence(
    request: ExplanationRequest, attribution: Attribution
) -> Evidence | EvidenceOffer | None:
    """What was measured, or how long it would take; None where it is still being measured."""
    key = request.key("evidence")
    evidence = cast("Evidence | EvidenceOffer | None", background.results().get(key))
    if evidence is not None:
        return evidence
    job = background.submit(
        key, lambda: partial(_measure_or_offer, *_measurement(request, attribution)), 1
    )
    return job.result() if job.done and not job.cancelled else None


def _measurement(
    request: ExplanationRequest, attribution: Attribution
) -> tuple[Callable[..., Evidence], Perturbation, float | None]:
    """What measures it, the versions of the text, and the seconds of a pass if they are known."""
    classifier = checkpoints.classifier(request.source)
    versions = readings.perturbation(*request.inputs)
    seconds = None
    if isinstance(versions, DocumentVersions):
        measure = partial(document_evidence, classifier, versions.document)
    else:
        reading = readings.read(*request.inputs)
        measure = partial(measure_evidence, classifier, reading)
        if isinstance(reading.attention, LongAttention):  # timed when it was read
            seconds = readings.seconds_per_pass(*request.inputs)
    return partial(measure, attribution, shared=versions), versions, seconds


def _least(
    request: ExplanationRequest, attribution: Attribution
) -> Callable[[ProgressCallback], Evidence]:
    """What measures as little as says anything."""
    measure, _, _ = _measurement(request, attribution)
    return lambda progress: measure(progress=progress, max_passes=0)


def _measure_or_offer(
    measure: Callable[..., Evidence],
    versions: Perturbation,
    seconds: float | None,
    progress: ProgressCallback,
) -> Evidence | EvidenceOffer:
    """As much as can be measured in a bounded time, or how long the least takes."""
    encoding = versions.encoding
    if isinstance(versions, DocumentVersions):
        encoding = versions.document.windows[0].encoding
    elif encoding.n_tokens <= UNBOUNDED_TOKENS:
        return measure(progress=progress)
    if seconds is None:
        seconds = readings.timed_pass(versions.classifier, encoding.inputs)
    max_passes = MAX_SECONDS / seconds
    plan = plan_evidence(versions, max_passes)
    if plan.passes > max_passes:
        return EvidenceOffer(plan.passes, plan.passes * seconds)
    return measure(progress=progress, max_passes=max_passes)


def _meaning(evidence: Evidence | None) -> str:
    """How it is measured."""
    plan = None if evidence is None else evidence.plan
    percents, unit = (PERCENTS, "word") if plan is None else (plan.percents, plan.unit)
    return (
        f"{unit.capitalize()}s are hidden in the order of their scores, most important first. The "
        "probability of the class, or the predicted score, should drop without the top "
        f"{unit}s (comprehensiveness) and stay with them alone (sufficiency). Mean over the top "
        f"{', '.join(map(str, percents))}% of the {unit}s, compared with {N_RANDOM} random orders "
        f"of the same {unit}s."
    )


def _numbers(evidence: Evidence) -> str:
    """What was measured, as a list."""
    low, high = evidence.band
    write = partial(quantity, signed=True, regression=evidence.score is not None)
    lines = [
        f"- {HIDDEN[operator]}: comprehensiveness {write(one.comprehensiveness)}, "
        f"sufficiency {write(one.sufficiency)}"
        for operator, one in evidence.measures.items()
    ]
    lines += [
        f"- comprehensiveness minus sufficiency: **{write(evidence.value)}**",
        f"- 95% of random orders: {write(low)} to {write(high)}",
    ]
    return "\n".join(line.replace("[", "\\[") for line in lines)
