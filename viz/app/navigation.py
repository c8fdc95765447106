"""The pages of the app, in the order of their links."""

from pathlib import Path

from viz.runs.public import is_public

FOLDER = Path(__file__).parent / "pages"

READ, INSIDE = str(FOLDER / "read.py"), str(FOLDER / "inside.py")
PAGES = {
    "Read": READ,
    "Inside": INSIDE,
    "Compare": str(FOLDER / "compare.py"),
    "Data": str(FOLDER / "data.py"),
    "Faithfulness": str(FOLDER / "faithfulness.py"),
    "Train": str(FOLDER / "train.py"),
}
"""The script of each page by its title; the first one opens by itself."""
PRIVATE = {"Data", "Train"}
"""Pages that a public app does not have."""


def offered_pages() -> dict[str, str]:
    """The pages that this app has."""
    hidden = PRIVATE if is_public() else set()
    return {title: script for title, script in PAGES.items() if title not in hidden}
