"""The difference of two files' scores is split over words exactly, by what changed of each."""

import numpy as np
import pytest

from viz.data.shift.domain_words import ScoredRows, split_difference


def _rows(rows: list[list[tuple[str, float]]], rest: list[float]) -> ScoredRows:
    return ScoredRows(
        [tuple(word for word, _ in row) for row in rows],
        [np.array([score for _, score in row]) for row in rows],
        np.array(rest),
    )


def test_kinds_and_bias_add_up_to_the_difference() -> None:
    draw = np.random.default_rng(0)
    files = []
    for vocabulary in ("abcdef", "cdefgh"):
        rows = [
            [(word, float(draw.normal())) for word in draw.choice(list(vocabulary), size=5)]
            for _ in range(60)
        ]
        files.append(_rows(rows, draw.normal(size=60).tolist()))
    shares = [
        {word: float(np.mean([word in row for row in file.words])) for word in "abcdefgh"}
        for file in files
    ]
    result = split_difference(files[0], files[1], shares[0], shares[1])
    means = [np.mean([scores.sum() for scores in file.scores]) + file.rest.mean() for file in files]
    assert result.difference == pytest.approx(means[1] - means[0])
    total = sum(kind.score for kind in result.kinds) + result.bias
    assert total == pytest.approx(result.difference)
    assert {word.word for word in result.words if word.kind == "new"} == set("gh")
    assert {word.word for word in result.words if word.kind == "gone"} == set("ab")
    assert {kind.kind: kind.n_words for kind in result.kinds}["used differently"] == 4


def test_frequency_and_use_are_told_apart() -> None:
    before = _rows([[("bank", 1.0), ("oil", 1.0), ("gas", 0.0)]] * 8, [0.0] * 8)
    after = _rows([[("bank", 3.0), ("oil", 1.0), ("oil", 1.0), ("gas", 0.0)]] * 8, [0.5] * 8)
    whole = {"bank": 1.0, "oil": 1.0, "gas": 1.0}
    result = split_difference(before, after, whole, whole)
    scores = {(word.word, word.kind): word.score for word in result.words}
    mean_word = (2 / 3 + 5 / 4) / 2
    assert scores == {
        ("bank", "used differently"): pytest.approx(2),
        ("oil", "more frequent"): pytest.approx(1 - mean_word),
    }
    assert result.bias == pytest.approx(0.5 + mean_word)
    assert result.difference == pytest.approx(2 + 1 + 0.5)


def test_words_whose_change_chance_explains_are_not_listed() -> None:
    draw = np.random.default_rng(0)
    files = []
    for _ in range(2):
        texts = [draw.choice(200, size=12).tolist() for _ in range(80)]
        rows = [[(str(word), float(draw.normal())) for word in text] for text in texts]
        files.append(_rows(rows, [0.0] * 80))
    whole = {str(word): 0.1 for word in range(200)}
    result = split_difference(files[0], files[1], whole, whole)
    assert len(result.words) <= 1
    assert sum(kind.n_words for kind in result.kinds) > 350


def test_a_word_is_new_only_if_the_whole_reference_lacks_it() -> None:
    before = _rows([[("oil", 0.0)]] * 3, [0.0] * 3)
    after = _rows([[("chip", 2.0)]] * 3, [0.0] * 3)
    shares = {"chip": 1.0, "oil": 0.01}
    (chip, oil) = split_difference(before, after, {"chip": 0.001, "oil": 1.0}, shares).words
    assert (chip.word, chip.kind, chip.score) == ("chip", "more frequent", 1)
    assert (oil.word, oil.kind, oil.score) == ("oil", "less frequent", 1)
    assert split_difference(before, after, {"oil": 1.0}, shares).words[0].kind == "new"


def test_no_word_is_new_that_was_scored_in_the_reference() -> None:
    before = _rows([[("chip", 0.0), ("oil", 2.0)]] * 3, [0.0] * 3)
    after = _rows([[("chip", 0.0), ("chip", 2.0)]] * 3, [0.0] * 3)
    words = split_difference(before, after, {}, {}).words
    assert {(word.word, word.kind) for word in words} == {
        ("chip", "more frequent"),
        ("oil", "gone"),
    }
