"""Keys of widgets in the state of a session; those that a link restores name URL parameters too."""

from collections.abc import Sequence

import streamlit as st

CHECKPOINT = "checkpoint"
EXAMPLE = "example"
TEXT = "text"
PAIR = "pair"
HAS_PAIR = "two-texts"
METHOD = "method"
TARGET = "target"
AGAINST = "against"
BARS = "bars"
MEASURE = "show"
UNIT = "unit"
SPECIAL = "special"
LAYER = "layer"
OFF = "off"
HEAD = "head"
QUADRANT = "quadrant"
CLOSEUP = "view"
QUERY = "query"
KEY = "key"
TERM = "term"
CELL = "cell"
BERTVIZ = "bertviz"
BERTVIZ_VIEW = "bertviz-view"
LAYERS = "layers"
SUBJECT = "subject"
FORMAT = "format"
DPI = "dpi"
ATLAS = "atlas"
DATA = "data"
REFERENCE = "reference"
SECTION = "section"
GOLD = "gold"
PREDICTED = "predicted"
ROW = "row"
ROWS = "rows"
SEARCH = "search"
MODE = "mode"
OTHER_TEXT = "other-text"
OTHER_PAIR = "other-pair"
OTHER_CHECKPOINT = "other-checkpoint"
FRAME = "frame"
FILM = "film"
TRAINING = "training"
FILM_FORMAT = "film-format"
THEME = "theme"
WINDOWS = "windows"
LONG_ROWS = "long-rows"
POOLING = "pooling"
STRIDE = "stride"
WINDOW = "window"
PASSAGE = "passage"
LESSON = "lesson"
LANGUAGE = "language"


def reset_if_options_changed(key: str, options: Sequence[str], first: object) -> None:
    """Put a choice back to its `first` option where others are offered than in the run before.

    Options are numbers to us and words to the browser, which would go on showing the old words.
    """
    options_key = f"{key}-words"
    if st.session_state.setdefault(options_key, tuple(options)) != tuple(options):
        st.session_state[options_key] = tuple(options)
        st.session_state[key] = first
