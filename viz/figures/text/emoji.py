"""Emoji in color, as pictures: matplotlib draws outlines only, and these have none."""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from matplotlib.font_manager import findSystemFonts
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, features

from viz.figures.text.graphemes import JOINERS, is_emoji

FILES = (
    "NotoColorEmoji",
    "NotoColorEmoji-Regular",
    "Apple Color Emoji",
    "seguiemj",
    "TwemojiMozilla",
    "Twemoji",
)
"""Fonts with emoji in color, by the name of their file; the first one that is installed draws."""
SIZES = (109, 160, 96, 128)
"""Pixels: the sizes in which such fonts hold their pictures."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An emoji; sizes in units of the font size."""

    image: Image.Image
    width: float
    height: float
    descent: float
    """How far it reaches below the base line."""

    def scaled(self, width: float, height: float) -> NDArray[np.uint8]:
        """The picture in so many pixels.  (h, w, 4)"""
        size = (max(1, round(width)), max(1, round(height)))
        return np.asarray(self.image.resize(size, Image.Resampling.LANCZOS))


@lru_cache(maxsize=20_000)
def pictured(grapheme: str) -> bool:
    """Whether a character is an emoji that an installed font draws in color."""
    if not is_emoji(grapheme):
        return False
    font = _font()
    invisible = {*JOINERS, "\ufe0f"}
    return font is not None and all(ord(c) in font.codes for c in grapheme if c not in invisible)


@lru_cache(maxsize=2_000)
def picture(grapheme: str) -> Picture:
    """The picture of an emoji for which `pictured` holds."""
    font = _font()
    if font is None:
        raise ValueError(f"no installed font draws {grapheme!r}")
    left, top, right, bottom = map(round, font.face.getbbox(grapheme, anchor="ls"))
    image = Image.new("RGBA", (right - left, bottom - top), (255, 255, 255, 0))
    pen = ImageDraw.Draw(image)
    pen.text((-left, -top), grapheme, font=font.face, anchor="ls", embedded_color=True)
    size = font.face.size
    return Picture(image, image.width / size, image.height / size, bottom / size)


@dataclass(frozen=True, slots=True)
class _Font:
    face: ImageFont.FreeTypeFont
    codes: frozenset[int]
    """The characters it has."""


@cache
def _font() -> _Font | None:
    """The font that draws emoji; None where none is installed."""
    files = {Path(file).stem: file for file in emoji_files()}
    fonts = (_opened(files[name]) for name in FILES if name in files)
    return next((font for font in fonts if font is not None), None)


def emoji_files() -> list[str]:
    """The files of installed fonts that may hold emoji in color."""
    return [file for file in findSystemFonts() if Path(file).stem in FILES]


def _opened(file: str) -> _Font | None:
    layout = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    for size in SIZES:
        try:
            face = ImageFont.truetype(file, size, layout_engine=layout)
            if face.getmask("😀", mode="RGBA").size[1] > size / 2:
                return _Font(face, _codes(file))
        except (OSError, TTLibError):  # it is broken, or has no pictures in this size
            continue
    return None


def _codes(file: str) -> frozenset[int]:
    with Path(file).open("rb") as opened, TTFont(opened, fontNumber=0, lazy=True) as font:
        return frozenset(font.getBestCmap())
