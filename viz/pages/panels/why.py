"""Why this class: the words coloured by an attribution, and the numbers behind it."""

from dataclasses import dataclass

import streamlit as st

from viz import charts, session, words
from viz.attribution import METHODS, Against
from viz.attribution.wording import scale_ends, summary
from viz.components.strip import strip
from viz.components.theme import current_theme
from viz.errors import MethodError
from viz.pages.markdown import plain
from viz.pages.panels.text import Texts
from viz.types import Attribution, Prediction, Reading

PREDICTED = "predicted class"
ALONE = "nothing"
RUNNER_UP = "runner-up"


@dataclass(frozen=True, slots=True)
class Question:
    """What the reader asks: why this class rather than that, and by which method."""

    method: str
    target: int | None
    """None for the predicted class."""
    against: Against

    @property
    def classes(self) -> session.Explained:
        """The class explained and what it is held against."""
        return self.target, self.against


def ask(prediction: Prediction) -> Question:
    """Let the reader pick method and classes."""
    title, method, target, against = st.columns([2, 3, 3, 3], vertical_alignment="bottom")
    title.subheader("Why this class?", anchor=False)
    with method:
        name = _choose_method()
    with target:
        chosen = _choose_target(prediction)
    with against:
        held = _choose_against(prediction, chosen)
    return Question(name, chosen, held)


def answer(source: str, texts: Texts, reading: Reading, question: Question) -> None:
    """Show the coloured text, or the sentence that says why there is none."""
    try:
        found = find(source, texts, question)
    except MethodError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    _show_words(reading, found)


def find(source: str, texts: Texts, question: Question) -> Attribution:
    """The attribution that answers the question, computed once.

    Raises:
        MethodError: where the method can't be used with this checkpoint.
    """
    return session.attribution(source, texts.text, texts.pair, question.method, *question.classes)


def _choose_method() -> str:
    return str(
        st.selectbox(
            "Method",
            list(METHODS),
            format_func=lambda name: METHODS[name].label,
            key=session.METHOD,
            bind="query-params",
            help="\n".join(f"- **{m.label}**: {m.description}" for m in METHODS.values()),
        )
    )


def _choose_target(prediction: Prediction) -> int | None:
    """The class to explain; None is the predicted one, whichever that is."""
    labels = prediction.labels
    session.start_anew(session.TARGET, labels, first=PREDICTED)
    chosen = st.selectbox(
        "Explain",
        [PREDICTED, *range(len(labels))],
        format_func=lambda option: labels[option] if isinstance(option, int) else option,
        key=session.TARGET,
        bind="query-params",
        help="The class whose logit is explained.",
    )
    return chosen if isinstance(chosen, int) else None


def _choose_against(prediction: Prediction, target: int | None) -> Against:
    """What the class is held against."""
    labels = prediction.labels
    explained = prediction.predicted_class if target is None else target
    others = [index for index in range(len(labels)) if index != explained]
    options = [ALONE] if prediction.multi_label else [RUNNER_UP, *others, ALONE]
    session.start_anew(session.AGAINST, labels, first=options[0])
    chosen = st.selectbox(
        "Against",
        options,
        format_func=lambda option: labels[option] if isinstance(option, int) else option,
        key=session.AGAINST,
        bind="query-params",
        help="The strongest other class, a class of your choice, or nothing: the plain logit.",
    )
    if chosen == RUNNER_UP:
        return "runner-up"
    return chosen if isinstance(chosen, int) else None


def _show_words(reading: Reading, found: Attribution) -> None:
    method = METHODS[found.method]
    spans = words.spans(reading.encoding)
    scores = words.merge(found.scores, spans)
    low, high = scale_ends(reading.prediction, found) if method.signed else ("none", "most")
    strip(
        reading.encoding,
        spans,
        scores,
        signed=method.signed,
        key="strip",
        low_label=low,
        high_label=high,
        caption=summary(reading, found, signed=method.signed),
    )
    note, switch = st.columns([6, 1], vertical_alignment="top")
    note.caption(f"{method.description} Source: {method.reference}.")
    with switch.container(horizontal=True, horizontal_alignment="right"):
        bars = st.toggle("Bars", key=session.BARS, bind="query-params")
    if bars:
        figure = charts.score_bars(
            scores, spans, signed=method.signed, theme=current_theme(session.THEME)
        )
        st.plotly_chart(figure, key="score-bars", theme=None, config=session.PLOT)
