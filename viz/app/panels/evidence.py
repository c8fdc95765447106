"""The badge beside an explanation: is its order of the words better than random ones?"""

from collections.abc import Callable
from functools import partial
from typing import cast

import streamlit as st

from viz.app import background, checkpoints, readings
from viz.app.background import ExplanationRequest
from viz.app.markdown import plain
from viz.attribution.descriptions import quantity
from viz.errors import VizError
from viz.faithfulness.evidence import PERCENTS, Evidence
from viz.faithfulness.evidence import evidence as measure_evidence
from viz.faithfulness.orders import N_RANDOM
from viz.jobs.background import ProgressCallback
from viz.types import Attribution
from viz.widgets.poll.component import poll

POLL = 0.25
"""Seconds between two looks at whether it is there."""
HIDDEN = {"mask": "by [MASK]", "delete": "by deletion"}
"""How words are hidden, in words."""
MEANING = (
    "Words are hidden in the order of their scores, most important first. The probability of the "
    "class, or the predicted score, should drop without the top words (comprehensiveness) and "
    f"stay with them alone (sufficiency). Mean over the top {', '.join(map(str, PERCENTS))}% of "
    f"the words, compared with {N_RANDOM} random orders of the same words."
)


def show(request: ExplanationRequest, attribution: Attribution | None) -> None:
    """Show the badge, or that it is being measured; the page does not wait for it."""
    if attribution is not None:
        _show(request, attribution)


# The badge comes into its place without a run of the page, which would close a list that is open.
@st.fragment
def _show(request: ExplanationRequest, attribution: Attribution) -> None:
    with st.container(gap=None):
        evidence, error = None, ""
        try:
            evidence = _evidence(request, attribution)
        except VizError as refusal:
            error = str(refusal)
        numbers = f"\n\n{_numbers(evidence)}" if evidence and evidence.measured else ""
        st.markdown("Evidence", help=MEANING + numbers)
        if evidence is None:
            st.badge(plain(error) or "measuring …", color="gray")
            if not error:
                poll(POLL, key="evidence-poll")
        elif not evidence.measured:
            st.badge(plain(evidence.sentence), color="gray")
        elif evidence.better:
            st.badge(plain(evidence.sentence), color="green", icon=":material/check:")
        else:
            st.badge(plain(evidence.sentence), color="orange", icon=":material/warning:")


def _evidence(request: ExplanationRequest, attribution: Attribution) -> Evidence | None:
    """What was measured; None where it is still being measured."""
    key = request.key("evidence")
    evidence = cast("Evidence | None", background.results().get(key))
    if evidence is not None:
        return evidence
    job = background.submit(key, lambda: _measure(request, attribution), 1)
    return job.result() if job.done and not job.cancelled else None


def _measure(
    request: ExplanationRequest, attribution: Attribution
) -> Callable[[ProgressCallback], Evidence]:
    classifier = checkpoints.classifier(request.source)
    reading = readings.read(*request.inputs)
    perturbation = readings.perturbation(*request.inputs)
    return lambda progress: measure_evidence(
        classifier, reading, attribution, shared=perturbation, progress=progress
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
