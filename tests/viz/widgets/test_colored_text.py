"""The colored text: numbers and colors, and the text left whole."""

import json
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from tests.page_content import component_data
from viz.attention.words import Span, merge, spans
from viz.attribution.descriptions import share_of_strongest
from viz.colors import DARK, LIGHT
from viz.types import Encoding, Reading, Token, UnseenSpan
from viz.widgets.colored_text import payload as colored_text


def page() -> None:
    """Mount the colored text."""
    import numpy as np

    from viz.attention.words import spans
    from viz.types import Encoding, Token
    from viz.widgets.colored_text.component import colored_text

    encoding = Encoding("oil", None, (Token("oil", 0, 3, 0, False, 0),), {})
    scores = np.ones(1, np.float32)
    colored_text(encoding, spans(encoding), scores, signed=True, key="text", caption="one word")


def test_it_is_mounted_on_a_page() -> None:
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert component_data(app, "colored-text")["caption"] == "one word"


def tokens(
    text: str, cuts: list[int], words: list[bool], part: int = 0, first: int = 0
) -> list[Token]:
    """One token for each stretch between cuts that is chosen to be a word."""
    edges = sorted({0, *(cut % (len(text) + 1) for cut in cuts), len(text)})
    stretches = list(pairwise(edges))
    return [
        Token("x", start, end, first + index, False, part)
        for index, (start, end) in enumerate(stretches)
        if words[index % len(words)]
    ]


CLS, SEP = Token("[CLS]", 0, 0, None, True), Token("[SEP]", 0, 0, None, True)
texts = st.text(min_size=1, max_size=40)
cuts = st.lists(st.integers(0, 40), max_size=8)
choices = st.lists(st.booleans(), min_size=1, max_size=8)


@given(texts, st.none() | texts, cuts, choices, st.integers(0, 1))
def test_segments_joined_are_the_text_again(
    text: str, pair: str | None, cut: list[int], words: list[bool], n_unseen: int
) -> None:
    own = tokens(text, cut, words)
    other = [] if pair is None else [*tokens(pair, cut, words, 1, 100), SEP]
    encoding = Encoding(text, pair, (CLS, *own, SEP, *other), {}, n_unseen)
    over = spans(encoding)
    scores = np.linspace(-1, 1, len(over))
    parts = colored_text.segments(encoding, over, scores)
    whole = ["".join(s.text for s in part if s.kind != "special") for part in parts]
    assert whole == [text, pair][: len(parts)]
    assert len(parts) == 1 + (pair is not None)
    total = sum(segment.score for part in parts for segment in part)
    assert total == pytest.approx(scores.sum(), abs=1e-9)


def test_a_real_reading_keeps_its_text_and_its_scores(reading: Reading) -> None:
    encoding = reading.encoding
    over = spans(encoding)
    scores = merge(np.arange(encoding.n_tokens, dtype=np.float32), over)
    (part,) = colored_text.segments(encoding, over, scores)
    assert "".join(s.text for s in part if s.kind != "special") == encoding.text
    assert [s.text for s in part if s.kind == "word"] == [s.label for s in over if not s.special]
    assert sum(s.score for s in part) == scores.sum()


def kinds(encoding: Encoding) -> list[list[tuple[str, str]]]:
    over = spans(encoding)
    parts = colored_text.segments(encoding, over, np.zeros(len(over)))
    return [[(segment.kind, segment.text) for segment in part] for part in parts]


def test_special_tokens_stand_where_the_model_reads_them() -> None:
    one, two = Token("hi", 0, 2, 0, False, 0), Token("you", 1, 4, 1, False, 1)
    assert kinds(Encoding("hi!", " you", (CLS, one, SEP, two, SEP), {})) == [
        [("special", "[CLS]"), ("word", "hi"), ("special", "[SEP]"), ("gap", "!")],
        [("gap", " "), ("word", "you"), ("special", "[SEP]")],
    ]


def test_what_the_model_never_saw_is_marked() -> None:
    seen, cut = (CLS, Token("oil", 0, 3, 0, False, 0), SEP), (UnseenSpan(0, 3, 9),)
    assert kinds(Encoding("oil rises", None, seen, {}, n_unseen=1, unseen=cut)) == [
        [("special", "[CLS]"), ("word", "oil"), ("special", "[SEP]"), ("unseen", " rises")]
    ]
    assert kinds(Encoding("oil \n", None, seen, {}))[0][-1] == ("gap", " \n")
    assert kinds(Encoding("oil!", None, seen, {}))[0][-1] == ("gap", "!")


def test_a_text_of_which_nothing_was_seen_is_marked_whole() -> None:
    first = Token("oil", 0, 3, 0, False, 0)
    encoding = Encoding("oil", "gone", (CLS, first, SEP), {}, 1, unseen=(UnseenSpan(1, 0, 4),))
    assert kinds(encoding)[1] == [("unseen", "gone")]


def test_pieces_of_one_character_are_one_word_with_their_scores_added() -> None:
    pieces = tuple(Token(f"b{index}", 0, 1, index, False, 0) for index in range(3))
    encoding = Encoding("😀", None, pieces, {})
    (part,) = colored_text.segments(
        encoding, spans(encoding, "wordpiece"), np.array([0.5, 0.25, 0.25])
    )
    assert part == [colored_text.Segment("😀", "word", 1.0)]


def test_a_word_keeps_the_marks_that_its_tokens_dropped() -> None:
    encoding = Encoding("\u2764\ufe0f cafe\u0301", None, (), {})
    over = (
        Span("\u2764\ufe0f", 0, 1, (0,), special=False, part=0),
        Span("cafe\u0301", 3, 7, (1,), special=False, part=0),
    )
    (written,) = colored_text.segments(encoding, over, np.zeros(2))
    assert [part.text for part in written] == ["\u2764\ufe0f", " ", "cafe\u0301"]


def test_blanks_that_a_tokenizer_counts_to_a_word_stay_uncolored() -> None:
    encoding = Encoding("a  b", None, (Token("b", 1, 4, 0, False, 0),), {})
    assert kinds(encoding) == [[("gap", "a  "), ("word", "b")]]
    blank = Encoding("a\nb", None, (Token("Ċ", 1, 2, 0, False, 0),), {})
    assert kinds(blank) == [[("gap", "a"), ("word", "\n"), ("gap", "b")]]


def words_of(
    scores: list[float], *, signed: bool
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The payload of one-letter words, with a special token whose score is much larger."""
    letters = tuple(Token("x", index, index + 1, index, False, 0) for index in range(len(scores)))
    encoding = Encoding("x" * len(scores), None, (CLS, *letters), {})
    data = colored_text.payload(encoding, spans(encoding), np.array([9.0, *scores]), signed=signed)
    parts = data["parts"]
    assert isinstance(parts, list)
    return data, [segment for segment in parts[0] if segment["kind"] == "word"]


def test_signed_scores_run_from_orange_over_the_ground_to_blue() -> None:
    data, words = words_of([-0.5, 0.0, 0.5], signed=True)
    assert [word["light"] for word in words] == [
        (LIGHT.diverging[0], "#ffffff"),
        (LIGHT.ground, "#000000"),
        (LIGHT.diverging[-1], "#ffffff"),
    ]
    assert [word["dark"] for word in words] == [
        (DARK.diverging[0], "#000000"),
        (DARK.ground, "#ffffff"),
        (DARK.diverging[-1], "#000000"),
    ]
    assert [word["score"] for word in words] == ["−0.500", "0", "+0.500"]
    assert (data["lowest"], data["highest"]) == ("−0.500", "+0.500")


def test_unsigned_scores_run_from_the_ground_up() -> None:
    data, words = words_of([0.0, 0.04], signed=False)
    grounds = [pair[0] for word in words if isinstance(pair := word["light"], tuple)]
    assert grounds == [LIGHT.ground, LIGHT.sequential[-1]]
    assert [word["score"] for word in words] == ["0", "0.0400"]
    assert (data["lowest"], data["highest"]) == ("0", "0.0400")


@pytest.mark.parametrize("scores", [[0.0, 0.0], [np.nan, np.inf], [1e-30, 0.0], [1e30, -1e30]])
def test_any_scores_are_sent_as_json(scores: list[float]) -> None:
    data, _ = words_of(scores, signed=True)
    json.dumps(data, allow_nan=False)


def test_a_text_of_special_tokens_only_is_shown() -> None:
    encoding = Encoding("", None, (CLS, SEP), {})
    data = colored_text.payload(encoding, spans(encoding), np.ones(2), signed=True)
    assert [[segment["text"] for segment in part] for part in data["parts"]] == [["[CLS]", "[SEP]"]]  # type: ignore[attr-defined]


def test_relative_scores_are_percentages_of_the_strongest_word(reading: Reading) -> None:
    over = spans(reading.encoding)
    scores = np.linspace(-4, 20.631, len(over))
    data = colored_text.payload(reading.encoding, over, scores, signed=True, relative=True)
    exact = colored_text.payload(reading.encoding, over, scores, signed=True)
    assert (data["lowest"], data["highest"]) == ("−100%", "+100%")
    words = [segment for part in data["parts"] for segment in part if segment["kind"] == "word"]  # type: ignore[attr-defined]
    strongest = max(
        abs(score) for score, span in zip(scores, over, strict=True) if not span.special
    )
    first = next(score for score, span in zip(scores, over, strict=True) if not span.special)
    written = f"{100 * first / strongest:+.1f}%".replace("-", "−").replace(".0%", "%")
    assert words[0]["score"] == written
    # Only what is written changes: colors are the same.
    plain = [segment for part in exact["parts"] for segment in part if segment["kind"] == "word"]  # type: ignore[attr-defined]
    assert [word["light"] for word in words] == [word["light"] for word in plain]


@pytest.mark.parametrize(
    ("score", "strongest", "written"),
    [(0, 0, "0%"), (-1e-9, 2, "0%"), (1, 3, "+33.3%"), (-3, 3, "−100%"), (6, 3, "+200%")],
)
def test_a_share_of_the_strongest_word_has_its_sign(
    score: float, strongest: float, written: str
) -> None:
    assert share_of_strongest(score, strongest, signed=True) == written


def test_scores_and_spans_must_fit() -> None:
    span = Span("oil", 0, 3, (0,), False, 0)
    encoding = Encoding("oil", None, (Token("oil", 0, 3, 0, False, 0),), {})
    with pytest.raises(ValueError, match="for 1 spans"):
        colored_text.payload(encoding, [span], np.zeros(2), signed=True)


def test_a_standard_error_stands_beside_its_score() -> None:
    text = "oil up"
    made = (Token("oil", 0, 3, 0, False, 0), Token("up", 4, 6, 1, False, 0))
    own = Encoding(text, None, made, {})
    errors = np.array([0.1, 0.0])
    data = colored_text.payload(own, spans(own), np.array([1.24, -0.5]), errors=errors, signed=True)
    (part,) = cast("list[list[dict[str, str]]]", data["parts"])
    scores = [segment["score"] for segment in part if segment["kind"] == "word"]
    assert scores == ["+1.240 ± 0.100", "−0.500"]


def test_the_errors_of_pieces_that_are_drawn_as_one_add_up_by_their_squares() -> None:
    pieces = tuple(Token(name, 0, 1, index, False, 0) for index, name in enumerate("ab"))
    own = Encoding("😀", None, pieces, {})
    (part,) = colored_text.segments(own, spans(own), np.array([0.5, 0.25]), np.array([0.3, 0.4]))
    assert part == [colored_text.Segment("😀", "word", 0.75, 0.5)]
