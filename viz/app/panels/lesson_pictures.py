"""The pictures of a step of the lesson, by the widgets and charts of the other pages."""

from html import escape

import streamlit as st

from viz.app import keys
from viz.app.panels.plot import show_plot
from viz.figures.plots.value_map import value_map
from viz.mechanism.lesson.language import Language
from viz.mechanism.lesson.picture import (
    ClassPicture,
    IdPicture,
    Picture,
    TokenPicture,
    ValuePicture,
)
from viz.mechanism.lesson.subject import LessonSubject
from viz.widgets.bars.component import bars
from viz.widgets.colored_text.component import colored_text
from viz.widgets.theme.component import current_theme


def draw(picture: Picture, subject: LessonSubject, language: Language, *, alt: str) -> None:
    """Draw one picture.

    Args:
        picture: What is drawn.
        subject: What the lesson is about.
        language: For the names of terms.
        alt: What a screen reader calls a heat map.
    """
    key = f"lesson-{picture.key}"
    if isinstance(picture, TokenPicture):
        colored_text(
            subject.reading.encoding,
            subject.pieces,
            picture.values,
            signed=picture.signed,
            key=key,
        )
    elif isinstance(picture, ValuePicture):
        rows = [language.term(row) for row in picture.rows] if picture.terms else picture.rows
        theme = current_theme(keys.THEME)
        figure = value_map(
            picture.values, rows, picture.columns, signed=picture.signed, theme=theme
        )
        show_plot(figure, key, alt=alt)
    elif isinstance(picture, IdPicture):
        _show_ids(picture)
    elif isinstance(picture, ClassPicture):
        bars(subject.reading.prediction, key=key)


def _show_ids(picture: IdPicture) -> None:
    """Each token above its id, in lines as the text has them."""
    cells = "".join(
        f"<span><b>{escape(token)}</b><i>{number}</i></span>"
        for token, number in zip(picture.tokens, picture.ids, strict=True)
    )
    st.html(f'<div class="token-ids" data-testid="token-ids">{cells}</div>')
