"""Which fonts a reader must install to see every character of a text."""

import unicodedata
from collections.abc import Iterable

from viz.figures.text.fonts import BOX, drawable
from viz.figures.text.graphemes import EMOJI, graphemes

EAST_ASIA = {
    "CJK": "Chinese",
    "IDEOGRAPHIC": "Chinese",
    "BOPOMOFO": "Chinese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
}
"""First words of Unicode names that one font draws."""
WEB = "macOS and Windows: from fonts.google.com/noto"


def missing_fonts(texts: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each script of which no installed font has some character.

    It names a font to install; where there is nothing to say, everything can be drawn.
    """
    seen = {grapheme for text in texts if not text.isascii() for grapheme in graphemes(text)}
    lacking = {_kind(grapheme): grapheme for grapheme in sorted(seen) if drawable(grapheme) == BOX}
    return tuple(_sentence(kind, grapheme) for kind, grapheme in sorted(lacking.items()))


def _kind(grapheme: str) -> str:
    """The script of a character, as in Arabic; Emoji; Symbol; or Unassigned."""
    if EMOJI.fullmatch(grapheme):
        return "Emoji"
    first = next((part for part in grapheme if drawable(part) == BOX), grapheme[0])
    category = unicodedata.category(first)
    if category in ("Co", "Cn"):
        return "Unassigned"
    word = unicodedata.name(first, "SYMBOL").split()[0]
    if category[0] in "LM" and word != "COMBINING":
        return EAST_ASIA.get(word, word.split("-")[0].title())
    return EAST_ASIA.get(word, "Symbol")


def _sentence(kind: str, grapheme: str) -> str:
    if kind == "Unassigned":
        code = f"U+{ord(grapheme[0]):04X}"
        return f"A box stands for {code}, an unassigned Unicode character."
    font, debian, fedora = _font(kind)
    what = "Emoji" if kind == "Emoji" else f"{kind} characters"
    return (
        f"{what} are shown as boxes, for no installed font has them; install {font} "
        f"(Debian, Ubuntu: {debian}; Fedora: {fedora}; {WEB}) and start again."
    )


def _font(kind: str) -> tuple[str, str, str]:
    """A font for a script, and its packages."""
    if kind in EAST_ASIA.values():
        return "Noto Sans CJK", "fonts-noto-cjk", "google-noto-sans-cjk-fonts"
    if kind == "Emoji":
        return "Noto Color Emoji", "fonts-noto-color-emoji", "google-noto-color-emoji-fonts"
    if kind == "Symbol":
        return "Noto Sans Symbols 2", "fonts-noto-core", "google-noto-sans-symbols-2-fonts"
    fedora = f"google-noto-sans-{kind.lower()}-fonts"
    return f"Noto Sans {kind}", "fonts-noto-core", fedora
