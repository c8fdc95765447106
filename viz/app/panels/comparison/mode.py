"""What is compared: two texts, two checkpoints, or one text over the course of fine-tuning."""

from viz.app import keys
from viz.app.panels import mode

TEXTS, CHECKPOINTS, FINE_TUNING = "two texts", "two checkpoints", "fine-tuning"


def choose_mode() -> str:
    """Let the reader choose what is compared; the link names it."""
    return mode.choose("What is compared", (TEXTS, CHECKPOINTS, FINE_TUNING), keys.MODE)
