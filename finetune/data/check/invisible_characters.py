"""Characters of a label that can't be seen, by which two labels differ although they look alike."""

import unicodedata

IGNORED = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
"""Joiners, fillers, blanks and selectors of variants, which Unicode doesn't call formatting."""


def is_invisible(letter: str) -> bool:
    """Whether nothing of *letter* is seen, or only an odd kind of blank."""
    category = unicodedata.category(letter)
    return (
        letter in IGNORED
        or category in ("Cf", "Cc", "Zl", "Zp")
        or (category == "Zs" and letter != " ")
    )


def invisible_in(name: str) -> list[str]:
    """The characters of *name* that can't be seen."""
    return [letter for letter in name if is_invisible(letter)]


def quoted(name: str, longest: int = 60) -> str:
    """*name* in quotes, what can't be seen written as its number, a long one cut."""
    cut = name if len(name) <= longest else f"{name[: longest - 1]}…"
    if unicodedata.normalize("NFC", cut) != cut:
        return ascii(cut)
    return "".join(ascii(letter)[1:-1] if letter in IGNORED else letter for letter in repr(cut))
