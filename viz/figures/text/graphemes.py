"""Characters as a reader counts them: a letter with its marks, an emoji with all its parts."""

import re
import unicodedata
from functools import lru_cache

_BASE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe"
    "\u2600-\u27bf\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
)
_TONE = "[\U0001f3fb-\U0001f3ff]"
_ONE = f"{_BASE}(?:\ufe0f|{_TONE})?(?:[\U000e0020-\U000e007e]+\U000e007f)?"
EMOJI = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{1,2}}|[0-9#*]\ufe0f?\u20e3|{_ONE}(?:\u200d{_ONE})*", re.DOTALL
)
"""Flags, keycaps, and emoji with skin tones, tags and joiners (Unicode TR 51)."""

JOINERS = "\u200c\u200d"
"""Keep letters apart or together in Arabic and Indian scripts; a font must see them."""


def clusters(text: str) -> list[str]:
    """The characters of a text, marks and joined emoji kept with what they belong to."""
    found: list[str] = []
    position = 0
    while position < len(text):
        match = EMOJI.match(text, position)
        part = match.group() if match else text[position]
        position += len(part)
        if found and continues(part[0]) and not found[-1].isspace():
            found[-1] += part
        else:
            found.append(part)
    return found


@lru_cache(maxsize=10_000)
def continues(character: str) -> bool:
    """Whether a character belongs to the one before it: a mark, a joiner, a skin tone."""
    return (
        unicodedata.category(character)[0] == "M"
        or character in JOINERS
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def invisible(character: str) -> bool:
    """Whether a picture must leave it out: it shows nothing, or turns the line's direction."""
    chooses_variant = "\ufe00" <= character <= "\ufe0f"
    chooses_variant = chooses_variant or "\U000e0100" <= character <= "\U000e01ef"
    return chooses_variant or (unicodedata.category(character) == "Cf" and character not in JOINERS)
