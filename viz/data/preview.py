"""Texts in the cells of a table: as much as is seen of them."""

MAX_CHARS, MAX_WORD_CHARS = 120, 40


def shortened(text: str, most: int = MAX_CHARS) -> str:
    """The text in one line, cut off after so many characters."""
    line = " ".join(text[: 2 * most].split())
    return line if len(line) <= most and len(text) <= 2 * most else f"{line[: most - 1]}…"
