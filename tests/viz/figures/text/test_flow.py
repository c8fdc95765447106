"""The text on lines: all of it, its characters whole, in the order in which it is read."""

import re
from itertools import pairwise

import pytest

from tests.synthetic import TEXT, encode
from viz.attention.words import Span, Unit, spans
from viz.figures.text.bidi import RIGHT, direction, levels, visual
from viz.figures.text.flow import Placed, flow, pieces
from viz.figures.text.fonts import Style, drawable

ODD = "Costs $5 or $x^2$ <b>bold</b> \\alpha 😀 \ud800 \x07bell 周二 שלום " + "long" * 12
ARABIC = "ارتفعت أسعار النفط (أوبك BERT model) بنسبة 12 في المئة."


def seen(text: str) -> list[str]:
    """The pieces of a text that fits one line, from left to right."""
    placed = flow(pieces(text, spans(encode(text)), 0), Style(10), 600)
    assert {place.line for place in placed} == {0}
    return [place.piece.text.lstrip(RIGHT) for place in sorted(placed, key=lambda at: at.x)]


@pytest.mark.parametrize("unit", ["word", "wordpiece"])
@pytest.mark.parametrize("text", [TEXT, ODD, "周二下跌，但是" * 30, "a  b\n\nc d! ", ARABIC * 5])
def test_the_flowing_text_is_the_whole_text(text: str, unit: Unit) -> None:
    placed = flow(pieces(text, spans(encode(text), unit), 0), Style(10), 300)
    logical = sorted(placed, key=lambda at: (at.line, _start(at)))
    assert sum(len(at.piece.text.lstrip(RIGHT)) for at in logical) == len(
        re.sub(r"\s", "", drawable(text))
    )
    assert all(at.x >= -0.01 and at.x + at.width <= 300.01 for at in placed)


def _start(at: Placed) -> int:
    return at.piece.spans[0] if at.piece.spans else -1


def test_pieces_on_a_line_do_not_overlap() -> None:
    placed = flow(pieces(ARABIC, spans(encode(ARABIC)), 0), Style(10), 200)
    for line in range(max(at.line for at in placed) + 1):
        own = sorted((at for at in placed if at.line == line), key=lambda at: at.x)
        for before, after in pairwise(own):
            assert before.x + before.width <= after.x + 0.01


def test_a_text_from_left_to_right_keeps_its_order() -> None:
    assert seen("One (two) 3, four.") == ["One", "(", "two", ")", "3", ",", "four", "."]
    assert seen("say שלום עולם twice") == ["say", "עולם", "שלום", "twice"]


def test_a_text_from_right_to_left_stands_from_the_right() -> None:
    assert seen(ARABIC)[::-1] == [
        *("ارتفعت", "أسعار", "النفط", "(", "أوبك", "model", "BERT", ")"),
        *("بنسبة", "12", "في", "المئة", "."),
    ]
    placed = flow(pieces(ARABIC, spans(encode(ARABIC)), 0), Style(10), 600)
    assert max(at.x + at.width for at in placed) == pytest.approx(600)


def test_signs_among_right_to_left_words_are_mirrored_by_a_mark() -> None:
    placed = flow(pieces(ARABIC, spans(encode(ARABIC)), 0), Style(10), 600)
    assert RIGHT + "(" in [at.piece.text for at in placed]
    assert "BERT" in [at.piece.text for at in placed]


@pytest.mark.parametrize(
    ("words", "base", "expected"),
    [
        (["a", " ", "b"], "L", [0, 0, 0]),
        (["a", " ", "א", " ", "ב"], "L", [0, 0, 1, 1, 1]),
        (["א", " ", "a", " ", "b"], "R", [1, 1, 2, 2, 2]),
        (["א", " ", "12", " ", "ב"], "R", [1, 1, 2, 1, 1]),
        (["a", " ", "12"], "L", [0, 0, 0]),
        (["א", " ", "."], "R", [1, 1, 1]),
    ],
)
def test_levels_follow_the_bidirectional_algorithm(
    words: list[str], base: str, expected: list[int]
) -> None:
    assert levels(words, "R" if base == "R" else "L") == expected


def test_the_visual_order_turns_runs_of_each_level() -> None:
    assert visual([0, 0, 1, 1, 2, 2, 1, 0]) == [0, 1, 6, 4, 5, 3, 2, 7]
    assert visual([]) == []


@pytest.mark.parametrize(("text", "expected"), [("12 (", "L"), ("12 א a", "R"), ("a א", "L")])
def test_a_text_is_read_in_the_direction_of_its_first_letter(text: str, expected: str) -> None:
    assert direction(text) == expected


def token_spans(*places: tuple[int, int]) -> list[Span]:
    return [Span("", start, end, (n,), False, 0) for n, (start, end) in enumerate(places)]


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        ("👍🏽 ok", [(0, 1), (1, 2), (3, 5)], [("👍🏽", (0, 1)), ("ok", (2,))]),
        ("cafe\u0301 x", [(0, 4), (6, 7)], [("cafe\u0301", (0,)), ("x", (1,))]),
        ("❤️!", [(0, 1), (2, 3)], [("❤️", (0,)), ("!", (1,))]),
        ("é", [(0, 1), (0, 1)], [("é", (0, 1))]),
        ("👩‍👩‍👧", [(0, 1), (2, 3), (4, 5)], [("👩‍👩‍👧", (0, 1, 2))]),
    ],
)
def test_a_character_stays_whole_whichever_tokens_read_it(
    text: str, places: list[tuple[int, int]], expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    found = pieces(text, token_spans(*places), 0)
    assert [(piece.text, piece.spans) for piece in found] == [
        (drawable(shown), own) for shown, own in expected
    ]


def test_what_was_not_read_is_shown_shortened_and_without_a_color() -> None:
    text = "read this " + "unread " * 200
    over = [span for span in spans(encode(text)) if span.special or span.end <= 9]
    run = pieces(text, over, 0)
    assert [piece.text for piece in run if piece.read] == ["read", "this"]
    assert "more characters)" in " ".join(piece.text for piece in run)
