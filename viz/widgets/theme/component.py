"""The theme that the browser shows, sent to the server so that its pictures can follow."""

import streamlit as st

from viz.colors import Theme
from viz.widgets.shared.component import register
from viz.widgets.shared.widget import Widget

_mount = register(Widget("theme", "theme/theme", '<div class="root"></div>'))


def follow_theme(key: str) -> None:
    """Run the page again when the reader switches the theme; draws nothing."""
    _mount(data={"theme": current_theme(key)}, key=key, on_theme_change=lambda: None)


def current_theme(key: str) -> Theme:
    """The theme last sent by the browser, or the one it started with."""
    state = st.session_state.get(key)
    sent = state.get("theme") if isinstance(state, dict) else None
    return "dark" if (sent or st.context.theme.type) == "dark" else "light"
