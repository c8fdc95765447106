"""What can be drawn: every script with the fonts that are there, and a word where one is not."""

import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.font_manager import fontManager
from PIL import Image

from tests.synthetic import figure_spec, read
from viz.export import missing_fonts, render
from viz.figures.canvas import rasters, text_lines
from viz.figures.file_formats import figure
from viz.figures.text import emoji as emoji_module
from viz.figures.text import fonts
from viz.figures.text.emoji import emoji_files, picture, pictured
from viz.figures.text.fonts import BOX, REPLACEMENT, Style, drawable, label, runs, text_width
from viz.figures.text.graphemes import graphemes, is_emoji
from viz.figures.text.line_wrap import wrap
from viz.figures.text.missing_fonts import EAST_ASIA

FAMILY, FLAG, THUMB, HEART, KEYCAP = "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "❤️", "1️⃣"
EMOJI = (FAMILY, FLAG, THUMB, HEART, KEYCAP, "😀", "⭐")

needs_emoji = pytest.mark.skipif(not emoji_files(), reason="no font with emoji is installed")


def forget() -> None:
    """Let every cached look at the fonts of the machine be taken again."""
    for module in (fonts, emoji_module):
        for item in vars(module).values():
            if hasattr(item, "cache_clear"):
                item.cache_clear()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has the fonts of matplotlib alone."""
    monkeypatch.setattr(fonts, "findSystemFonts", list)
    monkeypatch.setattr(emoji_module, "findSystemFonts", list)
    own = [e for e in fontManager.ttflist if "mpl-data" in e.fname]
    monkeypatch.setattr(fontManager, "ttflist", own)
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a\tb\nc", "a b c"),
        ("\x07\ud800", REPLACEMENT * 2),
        ("a\u202eb\ufeff", "ab"),
        ("x\ufe0f", "x"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("\ue000\U000e0fff", BOX * 2),
        ("cafe\u0301", "cafe\u0301"),
    ],
)
def test_drawable_text_has_only_characters_that_a_font_has(text: str, expected: str) -> None:
    assert drawable(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 24, "x" * 24),
        ("x" * 25, "x" * 23 + "…"),
        ("e\u0301" * 24, "e\u0301" * 24),
        ("e\u0301" * 25, "e\u0301" * 23 + "…"),
        ("\u200d", "U+200D"),
        ("\ufe0f", "U+FE0F"),
        ("", BOX),
        ("\u0301", "\u25cc\u0301"),
    ],
)
def test_a_label_is_short_and_never_empty(text: str, expected: str) -> None:
    assert label(text) == expected


@pytest.mark.parametrize("whole", [*EMOJI, "e\u0301\u0302", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "ש\u05b8"])
def test_a_character_is_what_a_reader_counts_as_one(whole: str) -> None:
    assert graphemes(f"a{whole}b") == ["a", whole, "b"]


@pytest.mark.parametrize(
    ("grapheme", "colored"),
    [(emoji, True) for emoji in EMOJI]
    + [("🇩", True), ("🌡", True), ("❤", False), ("❤\ufe0e", False), ("©", False), ("1", False)],
)
def test_what_a_browser_colors_is_an_emoji(grapheme: str, colored: bool) -> None:
    assert is_emoji(grapheme) == colored


@needs_emoji
@pytest.mark.parametrize("whole", EMOJI)
def test_an_emoji_is_one_picture_in_color(whole: str) -> None:
    assert list(runs(f"a {whole}b")) == [("a ", False), (whole, True), ("b", False)]
    drawn = picture(whole)
    assert drawn.width < 1.6  # several glyphs in a row would be wider
    pixels = drawn.scaled(40, 40)
    assert (pixels[..., 3] > 200).mean() > 0.1
    assert text_width(whole, Style(10)) == pytest.approx(10 * drawn.width)


@needs_emoji
def test_a_sign_is_text_unless_it_is_asked_for_as_emoji() -> None:
    assert not pictured("❤")
    assert not pictured("1")
    assert pictured("❤️")


@needs_emoji
def test_emoji_reach_the_page_in_their_colors() -> None:
    def reds(text: str) -> int:
        drawn = Image.open(BytesIO(render(figure_spec("head", read(text)), "png"))).convert("RGB")
        pixels = np.asarray(drawn).astype(int)
        return int(((pixels[..., 0] > 200) & (pixels[..., 1:].max(-1) < 90)).sum())

    assert reds("🟥 good") > 100
    assert reds("good good") == 0


def test_arabic_is_shaped() -> None:
    joined = text_width("ببب", Style(20))
    assert joined < 0.8 * 3 * text_width("ب", Style(20))


@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("text", ["العربية", "עברית", "é", "naïve"])
def test_a_font_of_matplotlib_draws_arabic_hebrew_and_accents(
    bare: None, text: str, weight: fonts.Weight
) -> None:
    assert drawable(text) == text
    assert text_width(text, Style(10, weight=weight)) > 0
    assert missing_fonts([text]) == ()


@pytest.mark.parametrize(
    ("text", "kind", "font"),
    [
        ("周二", "Chinese", "fonts-noto-cjk"),
        ("ひらがな", "Japanese", "fonts-noto-cjk"),
        ("한국어", "Korean", "fonts-noto-cjk"),
        ("ไทย", "Thai", "Noto Sans Thai"),
        ("हिन्दी", "Devanagari", "Noto Sans Devanagari"),
        (FAMILY, "Emoji", "fonts-noto-color-emoji"),
        (FLAG, "Emoji", "fonts-noto-color-emoji"),
        ("1\u20e3", "Emoji", "fonts-noto-color-emoji"),
        ("𝀀", "Symbol", "Noto Sans Symbols 2"),
    ],
)
def test_what_no_font_has_is_a_box_and_the_reader_is_told_which_to_install(
    bare: None, text: str, kind: str, font: str
) -> None:
    assert BOX in drawable(text)
    (sentence,) = missing_fonts([f"plain and {text}", text])
    assert sentence.startswith(kind)
    assert font in sentence
    lines = " ".join(line.text for line in text_lines(figure(figure_spec("head", read(text)))))
    assert "install" in lines


def test_a_joined_emoji_without_a_font_is_one_box(bare: None) -> None:
    assert drawable(f"a{FAMILY}b") == f"a{BOX}b"


def test_a_character_without_meaning_is_named_by_its_code() -> None:
    assert missing_fonts(["\ue000"]) == (
        "A box stands for U+E000, an unassigned Unicode character.",
    )


def test_nothing_is_said_where_everything_can_be_drawn() -> None:
    assert missing_fonts(["plain", "naïve", "e\u0301", "\u200d", "\ufe0f", "\x00", ""]) == ()
    assert set(EAST_ASIA.values()) == {"Chinese", "Japanese", "Korean"}


def test_a_font_is_used_once_it_is_installed(
    bare: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = shutil.which("fc-match") and sorted(
        Path("/usr/share/fonts").rglob("NotoSansCJK-R*.ttc")
    )
    if not found:
        pytest.skip("no Chinese font is installed")
    assert drawable("周") == BOX
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: [str(found[0])])
    forget()
    assert drawable("周") == "周"


def test_a_broken_font_is_passed_over(
    bare: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = [tmp_path / "NotoSansThai.ttf", tmp_path / "NotoColorEmoji.ttf"]
    for file in broken:
        file.write_bytes(b"no font")
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: list(map(str, broken)))
    monkeypatch.setattr(emoji_module, "findSystemFonts", lambda: list(map(str, broken)))
    forget()
    assert drawable("ไ😺") == BOX * 2 or drawable("ไ") == BOX


def test_wrapped_lines_fit_and_keep_every_character() -> None:
    text = "some words and " + "x" * 300 + " more " + "👍🏽" * 60
    style = Style(9)
    lines = wrap(text, style, 150)
    assert all(text_width(line, style) <= 150 for line in lines)
    assert "".join(lines).replace(" ", "") == drawable(text).replace(" ", "")


def test_a_picture_of_every_script_raises_no_warning() -> None:
    text = f"周二 العربية עִבְרִית e\u0301 \u0301 \u200d \ufe0f \x07 {''.join(EMOJI)} ไทย \ue000"
    assert rasters(figure(figure_spec("head", read(text))))
