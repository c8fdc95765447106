"""The pages of the app, in the order of their links."""

from pathlib import Path

FOLDER = Path(__file__).parent / "pages"

READ = str(FOLDER / "read.py")
PAGES = {
    "Read": READ,
    "Faithfulness": str(FOLDER / "faithfulness.py"),
    "Train": str(FOLDER / "train.py"),
}
"""The script of each page by its title; the first one opens by itself."""
