"""One text, read by two checkpoints."""

from viz.app.panels import text


def show(checkpoint: str) -> None:
    """Let the reader choose another checkpoint, and show what it does otherwise with the text."""
    text.write_text()
