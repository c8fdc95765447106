"""What changed from one reading to the other: class, words and heads."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st

from finetune.checkpoint.class_names import distinct_names
from viz.app import checkpoints, comparisons, keys, link
from viz.app.comparisons import ComparisonRequest
from viz.app.markdown import plain
from viz.app.panels.comparison import heads
from viz.attribution import METHODS
from viz.attribution.descriptions import quantity
from viz.comparison.descriptions import change_ends, word_summary
from viz.comparison.readings import ReadingComparison
from viz.comparison.word_comparison import WordChange
from viz.model.label_matching import match_labels
from viz.widgets.bars.component import paired_bars
from viz.widgets.colored_text.component import colored_changes

METHOD = "compare-method"
TARGET = "compare-target"
MOST = "compare-most-changed-words"
CHANGE = "what changed"
"""In place of a class: that of the second reading against that of the first."""
SAME = "Both texts are the same: change some words of the other one."
N_WORDS = 8
"""Words that are listed."""


def show(request: ComparisonRequest) -> None:
    """Show both readings side by side.

    Raises:
        VizError: where a text can't be read, or a checkpoint doesn't open.
    """
    st.divider()
    for side in (request.first, request.second):
        comparisons.reading(side)  # what can't be read is said before anything is drawn
    if request.first == request.second:  # every difference would be 0
        st.info(SAME, icon=":material/info:")
        return
    left, right = st.columns([4, 7], gap="large")
    with right:
        request = _choose(request)
    with left, st.spinner("Comparing …"):
        compared = comparisons.comparison(request)
        _show_classes(compared)
    with right:
        _show_words(request, compared)
    st.divider()
    heads.show(request)


def _choose(request: ComparisonRequest) -> ComparisonRequest:
    """Let the reader choose how words are scored, and for which class; the link holds both."""
    first, second = (checkpoints.model(side.source) for side in (request.first, request.second))
    if not (first.has_head and second.has_head):
        return request
    names = comparisons.methods(request.first.source, request.second.source)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.subheader("Words", anchor=False, width="content")
        method = _choose_one(
            METHOD, "Method", keys.METHOD, names, lambda name: METHODS[name].label_of(first)
        )
        pairs = match_labels(first.labels, second.labels)
        shared = [i for i, j in pairs if i is not None and j is not None]
        if first.regression or second.regression or len(shared) < 2:
            return replace(request, method=method)
        options = distinct_names(first.labels, [CHANGE])
        labels = {options[index]: first.labels[index] for index in shared}
        target = _choose_one(TARGET, "Explain", keys.TARGET, [CHANGE, *labels], str)
    return replace(request, method=method, target=labels.get(target))


def _choose_one(
    key: str, label: str, parameter: str, options: list[str], name: Callable[[str], str]
) -> str:
    """One of some options; the link names it where it isn't the first."""
    linked = st.query_params.get(parameter)
    if st.session_state.get(key) not in options or link.is_revisited():
        st.session_state[key] = linked if linked in options else options[0]
    chosen = st.selectbox(
        label,
        options,
        key=key,
        format_func=name,
        persist_state="session",
        width=240 if key == METHOD else 170,
    )
    link.keep_choice(parameter, chosen, options[0])
    return str(chosen)


def _show_classes(compared: ReadingComparison) -> None:
    classes = compared.classes
    if classes is None:
        st.caption(plain(compared.refused["classes"]))
    else:
        paired_bars(classes, key="compare-classes")
        for note in classes.notes:
            st.caption(plain(note))
    for which, reading in (("first", compared.first), ("second", compared.second)):
        for note in reading.encoding.notes:
            st.caption(f":material/info: In the {which}: {plain(note)}")


def _show_words(request: ComparisonRequest, compared: ReadingComparison) -> None:
    words = compared.words
    low, high, caption = "", "", ""
    if words is not None:
        caption = word_summary(words, compared.first.prediction)
        low, high = change_ends(words, compared.first.prediction)
    colored_changes(compared, key="compare-words", low_label=low, high_label=high, caption=caption)
    if words is None:
        if compared.refused["words"] != compared.refused.get("classes"):
            st.caption(plain(compared.refused["words"]))
        return
    for note in words.notes:
        st.caption(f":material/warning: {plain(note)}")
    changed = [change for change in words.most_changed[:N_WORDS] if change.difference]
    if changed and compared.heads is not None:
        _list_words(request, compared, changed)


def _list_words(
    request: ComparisonRequest, compared: ReadingComparison, changed: list[WordChange]
) -> None:
    """The words that changed most; a click selects the head that sees one most differently."""
    regression = compared.first.prediction.regression

    def name(index: int) -> str:
        change = changed[index]
        size = quantity(change.difference, signed=True, regression=regression)
        return f"{plain(change.edit.label)} {size}"

    key = f"{MOST}-{hash(request)}"
    st.pills(
        "Words that changed most",
        range(len(changed)),
        format_func=name,
        key=key,
        on_change=partial(heads.select_for_word, request, changed, key),
        wrap=True,
        help="Choose one for the head that looks at it most differently.",
    )
