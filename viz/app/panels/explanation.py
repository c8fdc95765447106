"""Why this class: the words colored by an attribution, and the numbers behind it."""

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from finetune.checkpoint.class_names import distinct_names
from viz.app import background, checkpoints, keys
from viz.app.background import ExplanationRequest
from viz.app.markdown import plain
from viz.app.panels import compare, job_progress, whole_text
from viz.app.panels.method import choose_method
from viz.app.panels.plot import show_plot
from viz.app.panels.text import Texts
from viz.attention import words
from viz.attention.sentences import is_divided
from viz.attention.words import Span
from viz.attribution import METHODS, Against
from viz.attribution.descriptions import is_relative, outcome, summary
from viz.errors import VizError
from viz.figures.plots import score_bars
from viz.types import Attribution, Prediction, Reading
from viz.widgets.colored_text.component import colored_text
from viz.widgets.theme.component import current_theme

PREDICTED = "predicted class"
ALONE = "nothing"
RUNNER_UP = "runner-up"
TOGETHER = "all others"
JOINED = (
    "This method explains the log-odds of the class against all others together, since the "
    "runner-up may change while words are hidden."
)
SENTENCE_CHARS = 44
"""Characters of a sentence that stand beside its bar."""
SHORT = 14
"""The longest name of a class, in characters, that the heading says."""
WIDTH_OF_BADGE = 270
"""CSS pixels, so that what stands beside it keeps its place."""


def ask(
    source: str, texts: Texts, prediction: Prediction
) -> tuple[ExplanationRequest, DeltaGenerator]:
    """Let the reader pick method and classes; return also where the evidence will stand."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="why"):
        heading = st.empty()
        with st.container(width=325):
            name, options = choose_method(source, by_window=texts.windows is not None)
        target, against = _choose_classes(prediction, joined=METHODS[name].against_all)
        heading.subheader(_question(prediction, target), anchor=False, width="content")
        badge = st.container(width=WIDTH_OF_BADGE, gap=None, key="evidence")
    request = ExplanationRequest(
        source, texts.text, texts.pair, name, target, against, options, *texts.inputs[2:]
    )
    return request, badge


def _question(prediction: Prediction, chosen: int | None) -> str:
    """What the words are colored for, no wider than the line has room for."""
    if chosen is None or chosen == prediction.predicted_class:
        return f"Why this {outcome(prediction)}?"
    label = prediction.labels[chosen]
    return f"Why {plain(label)}?" if len(label) <= SHORT else "Why that class?"


def answer(
    request: ExplanationRequest, reading: Reading, window: int | None = None
) -> Attribution | None:
    """Show the colored text, how far it is, or the sentence that says why there is none.

    Args:
        request: What is explained.
        reading: Of the text.
        window: Of a text that is read in windows, the one that is open and shown below this.
    """
    is_document = request.document is not None
    above = st.container()
    attribution = None
    try:
        attribution = background.attribution(request) or wait(request)
    except VizError as error:
        st.error(plain(str(error)), icon=":material/error:")
    with above:
        if is_document or (attribution is not None and is_divided(reading)):
            whole_text.show(request, window)
    if attribution is not None and window is None:
        _show_words(request, reading, attribution)
        if not is_document:
            compare.show(request)
    return attribution


def wait(request: ExplanationRequest) -> Attribution | None:
    """The answer if it is there within a moment; else what the reader sees meanwhile."""
    work = background.attribution_job(request)
    label = METHODS[request.method].label_of(checkpoints.classifier(request.source))
    return job_progress.result(
        work,
        request.attribution_kind,
        label=label,
        seconds=background.estimated_seconds(request),
    )


def _choose_classes(prediction: Prediction, *, joined: bool) -> tuple[int | None, Against]:
    """The class to explain and what it is compared with; a score leaves no choice."""
    if prediction.regression:
        return None, "runner-up"
    chosen = _choose_target(prediction)
    return chosen, _choose_against(prediction, chosen, joined=joined)


def _option_names(labels: Sequence[str]) -> Callable[[int | str], str]:
    """What an option is called: a class by a name that is none of the other options'."""
    names = distinct_names(labels, (PREDICTED, RUNNER_UP, ALONE))
    return lambda option: option if isinstance(option, str) else names[option]


def _choose_target(prediction: Prediction) -> int | None:
    """The class to explain; None is the predicted one, whichever that is."""
    labels = prediction.labels
    keys.reset_if_options_changed(keys.TARGET, labels, first=PREDICTED)
    chosen = st.selectbox(
        "Explain",
        [PREDICTED, *range(len(labels))],
        format_func=_option_names(labels),
        key=keys.TARGET,
        bind="query-params",
        width=155,
        help="The class whose logit is explained.",
    )
    return chosen if isinstance(chosen, int) else None


def _choose_against(prediction: Prediction, target: int | None, *, joined: bool) -> Against:
    """What the class is compared with; a method that joins all other classes leaves no choice."""
    labels = prediction.labels
    if joined and not prediction.multi_label and len(labels) > 2:
        st.selectbox("Against", [TOGETHER], disabled=True, width=155, help=JOINED)
        return "runner-up"
    explained = prediction.predicted_class if target is None else target
    others = [index for index in range(len(labels)) if index != explained]
    options = [ALONE] if prediction.multi_label else [RUNNER_UP, *others, ALONE]
    keys.reset_if_options_changed(keys.AGAINST, labels, first=options[0])
    chosen = st.selectbox(
        "Against",
        options,
        format_func=_option_names(labels),
        key=keys.AGAINST,
        bind="query-params",
        width=155,
        help="The strongest other class, any class, or nothing: then the plain logit is explained.",
    )
    if chosen == RUNNER_UP:
        return "runner-up"
    return chosen if isinstance(chosen, int) else None


def _show_words(request: ExplanationRequest, reading: Reading, attribution: Attribution) -> None:
    """The words of a text that is no longer than what is read at a glance, and what they mean."""
    method, document = METHODS[attribution.method], request.document
    is_long = is_divided(reading)
    if not is_long:
        spans = words.spans(reading.encoding)
        low, high = whole_text.ends(reading, attribution)
        colored_text(
            reading.encoding,
            spans,
            words.merge(attribution.shown, spans),
            errors=whole_text.word_errors(attribution, spans),
            signed=method.signed,
            relative=is_relative(attribution),
            key="colored-text",
            low_label=low,
            high_label=high,
            caption=summary(reading, attribution),
        )
    for note in attribution.notes:
        st.caption(f":material/warning: {plain(note)}")
    text, switch = st.columns([2, 1], vertical_alignment="top")
    about = (method.description_of(reading), method.caveat, f"Source: {method.reference}.")
    text.caption(" ".join(plain(sentence) for sentence in about if sentence))
    with switch.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="medium"
    ):
        if document is None:
            compare.offer(request)
        with_bars = st.toggle("Bars", key=keys.BARS, bind="query-params")
    if with_bars:
        if is_long:
            spans = whole_text.division(request).sentences
        _show_bars(reading, attribution, spans, unit="sentences" if is_long else "words")


def _show_bars(
    reading: Reading, attribution: Attribution, spans: Sequence[Span], *, unit: str
) -> None:
    """The strongest words, or sentences of a long text."""
    method = METHODS[attribution.method]
    if attribution.shares is not None:  # special tokens share nothing
        spans = [span for span in spans if not span.special]
    figure = score_bars.score_bars(
        words.merge(attribution.shown, spans),
        spans,
        errors=whole_text.word_errors(attribution, spans),
        signed=method.signed,
        relative=is_relative(attribution),
        regression=reading.prediction.regression,
        theme=current_theme(keys.THEME),
        label_chars=score_bars.MAX_LABEL_CHARS if unit == "words" else SENTENCE_CHARS,
    )
    show_plot(figure, "score-bars", alt=f"Bars of the scores of {unit}")
    if len(spans) > score_bars.MAX_BARS:
        st.caption(f"The {score_bars.MAX_BARS} strongest of {len(spans):,} {unit}.")
