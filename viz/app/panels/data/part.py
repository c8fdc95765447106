"""A part of the page that can't be shown hides nothing but itself."""

from collections.abc import Callable

import streamlit as st

from viz.app.markdown import plain
from viz.errors import VizError
from viz.runs.data_check import without_options

CHOOSE = "; choose it under Columns"
PAGE_WORDS = {f"; name it with --{name}-column": CHOOSE for name in ("text", "pair", "label")}
"""What the page says instead of the options of a command."""


def show_part(part: Callable[[], None]) -> None:
    """Lay out a part; a VizError ends it with its one sentence."""
    try:
        part()
    except VizError as error:
        st.error(plain(in_page_words(str(error))), icon=":material/error:")


def in_page_words(sentence: str) -> str:
    """A sentence of the command line in the words of the page."""
    for option, words in PAGE_WORDS.items():
        sentence = sentence.replace(option, words)
    return without_options(sentence)
