"""The lesson: ten steps from words to class on the reader's own text."""

from functools import partial

import streamlit as st

from viz.app import keys, lessons, link, readings
from viz.app.lessons import SLOW_STEP
from viz.app.markdown import plain
from viz.app.panels import job_progress, lesson_pictures
from viz.app.panels.fragment import fragment
from viz.app.panels.inside import save, story
from viz.app.panels.inside.cell import keep_in_link
from viz.app.panels.inside.cell import restore as restore_cell
from viz.app.panels.inside.mode import CHOICE as MODE_CHOICE
from viz.app.panels.inside.mode import EQUATIONS
from viz.app.panels.text import Texts
from viz.mechanism.lesson.claim import Claim
from viz.mechanism.lesson.formulas import FORMULAS
from viz.mechanism.lesson.language import LANGUAGES, Language, language
from viz.mechanism.lesson.lesson import STEP_KEYS, Lesson
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.subject import LessonSubject
from viz.mechanism.unfolding.cell import Cell
from viz.mechanism.unfolding.latex import numbers_latex
from viz.types import Attention

CHOICE = "lesson-step"
"""The key of the control of the steps."""
LANGUAGE_CHOICE = "lesson-language"
"""The key of the control of the languages."""
MARKS = {
    True: ":blue[:material/check_circle:]",
    False: ":orange[:material/cancel:]",
    None: ":gray[:material/help:]",
}
"""What stands before a claim that holds, that doesn't, and that can't be computed."""

ABOUT_THE_CELL = frozenset(("score", "weights", "mix", "heads", "residual", "feed_forward"))
"""The steps that are about the attention weight that the lesson follows."""


# Going on draws this panel again and leaves the rest of the page alone.
@fragment
def show(checkpoint: str, texts: Texts) -> None:
    """Show one step of the lesson, and the ways to the others.

    Args:
        checkpoint: What reads the text.
        texts: What is read.
    """
    _restore_from_link(CHOICE, keys.LESSON, STEP_KEYS)
    _restore_from_link(LANGUAGE_CHOICE, keys.LANGUAGE, LANGUAGES)
    with st.container(key="lesson"):
        words, key = _choose()
        link.keep_choice(keys.LESSON, key, STEP_KEYS[0])
        link.keep_choice(keys.LANGUAGE, str(st.session_state[LANGUAGE_CHOICE]), LANGUAGES[0])
        cell = _cell(checkpoint, texts)
        taught = lessons.lesson(checkpoint, texts, cell)
        step = _step(checkpoint, texts, taught, key, words)
        if step is not None:
            _show_step(step, taught, words)
            if cell is not None and step.equations:
                _show_equations(step, words)
                _offer_equation(checkpoint, texts, cell, step, taught, words)
        _show_ways(key, words)


def _choose() -> tuple[Language, str]:
    """Let the reader choose a language and a step; both are in the link."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = language(str(st.session_state[LANGUAGE_CHOICE]), plain)
        st.segmented_control(
            words.control("steps"),
            STEP_KEYS,
            format_func=lambda name: str(STEP_KEYS.index(name) + 1),
            key=CHOICE,
            required=True,
            persist_state="session",
            label_visibility="collapsed",
            width="content",
        )
        st.space("stretch")
        st.segmented_control(
            "Language · 语言",
            LANGUAGES,
            format_func=lambda code: language(code).name,
            key=LANGUAGE_CHOICE,
            required=True,
            persist_state="session",
            label_visibility="collapsed",
            width="content",
        )
    return words, str(st.session_state[CHOICE])


def _cell(checkpoint: str, texts: Texts) -> Cell | None:
    """The attention weight that the page is about; None where there are none."""
    reading = readings.read(checkpoint, texts.text, texts.pair)
    if not isinstance(reading.attention, Attention):
        return None
    chosen = restore_cell(reading)
    keep_in_link(chosen)
    return chosen


def _restore_from_link(key: str, name: str, options: tuple[str, ...]) -> None:
    if link.decides(key):
        linked = st.query_params.get(name)
        st.session_state[key] = linked if linked in options else options[0]


def _step(
    checkpoint: str, texts: Texts, taught: Lesson, key: str, words: Language
) -> LessonStep | None:
    """The step, or None where it is still computed."""
    if key != SLOW_STEP or taught.has(key):
        return taught.step(key)
    return job_progress.result(
        lessons.step_job(checkpoint, texts, taught, key),
        "lesson",
        label=words.control("computing"),
        seconds=lessons.seconds(checkpoint, texts, taught, key),
    )


def _show_step(step: LessonStep, taught: Lesson, words: Language) -> None:
    number = STEP_KEYS.index(step.key) + 1
    st.subheader(f"{number}. {words.title(step.key)}", anchor=False)
    subject = taught.subject
    if step.key in ABOUT_THE_CELL and subject.cell is not None:
        st.caption(_followed(subject, subject.cell, words))
    left, right = st.columns([1, 1], gap="large")
    with left:
        for sentence in words.sentences(step):
            st.markdown(sentence)
        if step.key in FORMULAS:
            st.caption(words.control("chapter"))
            st.latex(FORMULAS[step.key])
        if step.claims:
            st.markdown(f"**{words.control('tests')}**")
        for claim in step.claims:
            _show_claim(claim, words)
    with right:
        for picture in step.pictures:
            caption = words.caption(step, picture)
            st.caption(caption)
            lesson_pictures.draw(picture, subject, words, alt=caption)


def _followed(subject: LessonSubject, cell: Cell, words: Language) -> str:
    """Which attention weight the lesson follows."""
    return words.control(
        "follows",
        layer=cell.layer,
        head=cell.head,
        query=subject.token(cell.query),
        query_position=cell.query,
        key=subject.token(cell.key),
        key_position=cell.key,
    )


def _show_equations(step: LessonStep, words: Language) -> None:
    """The equations of this model with the reader's numbers."""
    st.caption(words.control("here"))
    with st.container(key="lesson-equations", gap=None):
        for equation in step.equations:
            st.latex(numbers_latex(equation))


def _offer_equation(
    checkpoint: str, texts: Texts, cell: Cell, step: LessonStep, taught: Lesson, words: Language
) -> None:
    """The ways to follow the last equation, and to save it."""
    last = step.equations[-1]
    if st.button(
        words.control("open_equation"),
        key="lesson-equation",
        icon=":material/function:",
        type="tertiary",
        on_click=partial(_follow, checkpoint, texts, cell, last.result.id),
    ):
        st.rerun()  # the whole page, which shows equations now
    unfolding = taught.subject.unfolding
    if unfolding is not None:
        save.offer(unfolding, last, label=words.control("save"))


def _follow(checkpoint: str, texts: Texts, cell: Cell, term: str) -> None:
    st.session_state[MODE_CHOICE] = EQUATIONS
    story.begin_with(checkpoint, texts, cell, term)


def _show_claim(claim: Claim, words: Language) -> None:
    written = words.claim(claim)
    mark = MARKS[claim.holds]
    with st.container(gap=None, key=f"lesson-claim-{claim.key}"):
        st.markdown(f"{mark} {written.statement} **{written.verdict}**")
        st.caption(written.numbers)


def _show_ways(key: str, words: Language) -> None:
    """The buttons to the step before and the next one."""
    place = STEP_KEYS.index(key)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            words.control("previous"),
            key="lesson-previous",
            icon=":material/arrow_back:",
            disabled=place == 0,
            on_click=partial(_go, place - 1),
        )
        st.button(
            words.control("next"),
            key="lesson-next",
            type="primary",
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=place == len(STEP_KEYS) - 1,
            on_click=partial(_go, place + 1),
        )
        st.caption(words.control("step", number=place + 1, count=len(STEP_KEYS)), width="content")


def _go(place: int) -> None:
    st.session_state[CHOICE] = STEP_KEYS[place]
