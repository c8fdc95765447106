"""Text that others wrote, made such that it is seen and nothing else happens."""

import re
import unicodedata

DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows."""
ADDRESS = re.compile(r"(?<=://)|(?<=\bwww\.)|(?<=@)", re.IGNORECASE)
"""Where Markdown takes a bare address for a link."""
LIST_MARK = re.compile(r"[-+](?=[-+\s]|$)|\d{1,9}[.)](?=\s|$)")
"""What makes a list of a line of Markdown that begins with it."""
WORD_JOINER = "\u2060"
"""A word joiner: it has no width, and ends an address."""


def printable(text: str) -> str:
    """*text* with a box for each letter that steers a screen in place of being seen on it."""
    return "".join("\ufffd" if _is_control(letter) else letter for letter in text)


def without_links(text: str) -> str:
    """*text* with no bare address that would become a link."""
    return ADDRESS.sub(WORD_JOINER, text)


def without_list(markdown: str) -> str:
    """A line of Markdown that does not become a list, however it begins."""
    if (mark := LIST_MARK.match(markdown)) is None:
        return markdown
    return f"{markdown[: mark.end() - 1]}\\{markdown[mark.end() - 1 :]}"


def _is_control(letter: str) -> bool:
    """Whether it is a control character, half of one, or turns the direction of writing."""
    return letter in DIRECTION_MARKS or (
        unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") and letter != "\n"
    )
