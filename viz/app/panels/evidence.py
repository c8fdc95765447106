"""The badge beside an explanation: is its order of the words better than random ones?"""

from collections.abc import Callable
from functools import partial
from typing import Literal, cast

import streamlit as st

from viz.app import background, checkpoints, readings
from viz.app.background import ExplanationRequest
from viz.app.markdown import plain
from viz.attribution.descriptions import quantity
from viz.errors import VizError
from viz.faithfulness.evidence import PERCENTS, Evidence, evidence
from viz.jobs.background import ProgressCallback
from viz.types import Attribution
from viz.widgets.poll.component import poll

N_RANDOM = 10
"""Random orders that an explanation is compared with."""
POLL = 0.25
"""Seconds between two looks at whether it is there."""
HIDDEN = {"mask": "by [MASK]", "delete": "by deletion"}
"""How words are hidden, in words."""
MEANING = (
    "Words are hidden in the order of their scores, most important first. The probability of the "
    "class, or the predicted score, should drop without the top words (comprehensiveness) and "
    f"stay with them alone (sufficiency). Mean over the top {', '.join(map(str, PERCENTS))} % of "
    f"the words, compared with {N_RANDOM} random orders of the same words."
)
Color = Literal["green", "orange", "gray"]


def show(request: ExplanationRequest, attribution: Attribution | None) -> None:
    """Show the badge, or that it is being measured; the page does not wait for it."""
    if attribution is not None:
        _show(request, attribution)


# The badge comes into its place without a run of the page, which would close a list that is open.
@st.fragment
def _show(request: ExplanationRequest, attribution: Attribution) -> None:
    with st.container(gap=None):
        try:
            known = _known(request, attribution)
        except VizError as error:
            _show_heading(MEANING)
            st.badge(plain(str(error)), color="gray")
            return
        if known is not None:
            _show_badge(known)
            return
        _show_heading(MEANING)
        st.badge("measuring …", color="gray")
        poll(POLL, key="evidence-poll")


def _known(request: ExplanationRequest, attribution: Attribution) -> Evidence | None:
    """What was measured; None where it is still being measured."""
    key = request.key("evidence")
    known = cast("Evidence | None", background.results().get(key))
    if known is not None:
        return known
    work = background.submit(key, lambda: _measure(request, attribution), 1)
    return work.result() if work.done and not work.cancelled else None


def _measure(
    request: ExplanationRequest, attribution: Attribution
) -> Callable[[ProgressCallback], Evidence]:
    classifier = checkpoints.classifier(request.source)
    reading, versions = readings.read(*request.inputs), readings.perturbation(*request.inputs)
    return lambda progress: evidence(
        classifier, reading, attribution, n_random=N_RANDOM, shared=versions, progress=progress
    )


def _show_badge(known: Evidence) -> None:
    _show_heading(f"{MEANING}\n\n{_numbers(known)}" if known.measured else MEANING)
    color, icon = _look(known)
    st.badge(plain(known.sentence), color=color, icon=icon)


def _show_heading(meaning: str) -> None:
    st.markdown("Evidence", help=meaning)


def _look(known: Evidence) -> tuple[Color, str | None]:
    if not known.measured:
        return "gray", None
    return ("green", ":material/check:") if known.better else ("orange", ":material/warning:")


def _numbers(known: Evidence) -> str:
    """What was measured, as a list."""
    low, high = known.band
    write = partial(quantity, signed=True, regression=known.score is not None)
    lines = [
        f"- {HIDDEN[operator]}: comprehensiveness {write(one.comprehensiveness)}, "
        f"sufficiency {write(one.sufficiency)}"
        for operator, one in known.measures.items()
    ]
    lines += [
        f"- comprehensiveness minus sufficiency: **{write(known.value)}**",
        f"- 95 % of random orders: {write(low)} to {write(high)}",
    ]
    return "\n".join(line.replace("[", "\\[") for line in lines)
