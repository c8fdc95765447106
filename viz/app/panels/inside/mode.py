"""How the inside is shown: equation by equation, or as a lesson."""

from viz.app.panels import mode

EQUATIONS, LESSON = "equations", "lesson"
CHOICE = "inside-mode"
"""The key of the control, which is no other page's."""


def choose_mode() -> str:
    """Let the reader choose; the link names it."""
    return mode.choose("How it is shown", (EQUATIONS, LESSON), CHOICE, label=str.capitalize)
