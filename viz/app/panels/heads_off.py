"""Heads that the reader has turned off: by a click in the atlas, or by the link."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from viz.app import checkpoints, keys, link, long_readings, readings
from viz.app.markdown import plain
from viz.app.panels.text import Texts
from viz.attention.heads import Heads, head_list
from viz.attribution.descriptions import amount, percent
from viz.errors import VizError
from viz.types import Prediction

STATE = "heads-off"
"""Key of the session's state: the checkpoint whose heads are off, and which."""


def chosen(source: str) -> Heads:
    """The heads that are off, at first those of the link; none of another checkpoint.

    What this checkpoint doesn't have, or doesn't let turn off, is said in a sentence.
    """
    state: tuple[str, Heads] | None = st.session_state.get(STATE)
    classifier = checkpoints.classifier(source)
    heads: Heads = ()
    try:
        if state is None or link.is_revisited():
            heads = classifier.heads_named(st.query_params.get(keys.OFF, ""))
        elif state[0] == source:
            heads = state[1]
        classifier.without(heads)
    except VizError as error:
        st.warning(plain(f"{error} All heads are on."), icon=":material/info:")
        heads = ()
    st.session_state[STATE] = (source, heads)
    link.keep({keys.OFF: head_list(heads, classifier.n_heads) if heads else None})
    return heads


def is_current(texts: Texts) -> bool:
    """Whether the page shows the heads that are off by now."""
    state: tuple[str, Heads] | None = st.session_state.get(STATE)
    return state is None or state[1] == texts.without


def toggle(layer: int | None, head: int | None) -> None:
    """Turn a head, or all heads of a layer, off; on, where they are off."""
    source, off = st.session_state[STATE]
    if layer is None:
        return
    every = range(checkpoints.classifier(source).n_heads)
    heads = {(layer, each) for each in (every if head is None else [head])}
    left = {*off} - heads if heads <= {*off} else {*off} | heads
    st.session_state[STATE] = (source, tuple(sorted(left)))


def sentence(source: str, texts: Texts) -> str:
    """What has become of the class, as Markdown; empty where all heads are on."""
    if not texts.without:
        return ""
    # A long text isn't read once more for it.
    place, known = checkpoints.identity(source), None
    if texts.windows is None:
        known = long_readings.prediction(place, texts.text, texts.pair)
    whole = known or readings.read(source, *replace(texts, without=()).inputs).prediction
    silenced = readings.read(source, *texts.inputs).prediction
    return plain(effect(texts.without, whole, silenced))


def say(source: str, texts: Texts) -> None:
    """One line that says what has become of the class, and the way back."""
    line = sentence(source, texts)
    if not line:
        return
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="heads-off-line"
    ):
        st.caption(f":material/visibility_off: {line}", width="content")
        st.button("Turn all on", key="all-heads-on", type="tertiary", on_click=_turn_all_on)


def effect(off: Sequence[tuple[int, int]], whole: Prediction, silenced: Prediction) -> str:
    """What turning heads off does to what the classifier says, in a sentence."""
    count = len(off)
    begin = f"{count} head{' is' if count == 1 else 's are'} off"
    if whole.regression:
        before, after = (float(each.logits[0]) for each in (whole, silenced))
        return f"{begin}: score {amount(before)} → {amount(after)}."
    index = whole.predicted_class
    before, after = (float(each.probabilities[index]) for each in (whole, silenced))
    names = ", ".join(silenced.labels[each] for each in silenced.assigned_classes)
    change = (
        "class unchanged"
        if silenced.assigned_classes == whole.assigned_classes
        else f"class now {silenced.label}"
        if not silenced.multi_label
        else f"classes now {names or 'none'}"
    )
    return f"{begin}: probability of {whole.label} {percent(before)} → {percent(after)}, {change}."


def _turn_all_on() -> None:
    source, _ = st.session_state[STATE]
    st.session_state[STATE] = (source, ())
