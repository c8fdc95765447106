"""Characters as a reader counts them: a letter with its marks, an emoji with all its parts.

Unicode says where they end (UAX 29) and what is an emoji (UTS 51); `regex` has its tables.
"""

import unicodedata

import regex

JOINERS = "\u200c\u200d"
"""Keep letters apart or together in Arabic and Indian scripts; a font must see them."""

# White space stands alone, whatever marks follow it: lines break there.
_GRAPHEME = regex.compile(r"\s|\X")
_ONE = (
    r"[\p{Extended_Pictographic}\p{Emoji_Modifier}](?:\ufe0f|\p{Emoji_Modifier})?"
    r"(?:[\U000e0020-\U000e007e]+\U000e007f)?"
)
EMOJI = regex.compile(
    rf"\p{{Regional_Indicator}}{{1,2}}|[0-9#*]\ufe0f?\u20e3|{_ONE}(?:\u200d{_ONE})*"
)
"""Flags, keycaps, and emoji with skin tones, tags and joiners."""
_COLORED = regex.compile(r"\p{Emoji_Presentation}|[\U0001f000-\U0001ffff]")
"""Single emoji in color without being asked to; above U+1F000, few text fonts have another form."""


def graphemes(text: str) -> list[str]:
    """The characters of a text, marks and joined emoji kept with what they belong to."""
    parts: list[str] = _GRAPHEME.findall(text)
    return parts


def is_emoji(grapheme: str) -> bool:
    """Whether a browser would show the character in color."""
    if not EMOJI.fullmatch(grapheme):
        return False
    return len(grapheme) > 1 or _COLORED.match(grapheme) is not None


def invisible(character: str) -> bool:
    """Whether a picture must leave it out: it shows nothing, or turns the line's direction."""
    selects_variant = regex.match(r"\p{Variation_Selector}", character)
    return bool(selects_variant) or (
        unicodedata.category(character) == "Cf" and character not in JOINERS
    )
