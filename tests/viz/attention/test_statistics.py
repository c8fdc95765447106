"""Head facts: formulas by brute force, known heads, and the rules of the patterns."""

import dataclasses

import numpy as np
import pytest

from finetune.checkpoint.arrays import FloatArray
from tests.synthetic import causal, windowed
from viz.attention.statistics import (
    MAJORITY,
    PATTERNS,
    STATISTICS,
    HeadStatistics,
    even_entropy,
    head_statistics,
)
from viz.types import BoolArray, Encoding, Reading, Token

N = 9


def encoding(n_tokens: int = N, separators: tuple[int, ...] = (-1,)) -> Encoding:
    """[CLS], then words of one token, then [SEP] at the given places."""
    special = {0, *(at % n_tokens for at in separators)}
    tokens = [
        Token("[X]" if at in special else "x", at, at + 1, None, at in special)
        for at in range(n_tokens)
    ]
    return Encoding("x" * n_tokens, None, tuple(tokens), {})


def one_head(rows: FloatArray) -> FloatArray:
    return np.asarray(rows, np.float32)[None, None]


def shift(by: int, n_tokens: int = N) -> FloatArray:
    """Each token looks at the one `by` places further on; where there is none, at itself."""
    at = np.arange(n_tokens)
    looked_at = at + by
    inside = (looked_at >= 0) & (looked_at < n_tokens)
    return np.asarray(np.eye(n_tokens)[np.where(inside, looked_at, at)])


def random_weights(n_layers: int, n_heads: int, n_tokens: int, seed: int = 0) -> FloatArray:
    scores = np.random.default_rng(seed).normal(size=(n_layers, n_heads, n_tokens, n_tokens)) * 2
    weights = np.exp(scores)
    return np.asarray(weights / weights.sum(-1, keepdims=True), np.float32)


def number(facts: HeadStatistics, name: str) -> float:
    return float(getattr(facts, name)[0, 0])


@pytest.mark.parametrize("n_tokens", [2, 16, 100])
def test_even_attention_has_as_many_bits_as_its_tokens_have(n_tokens: int) -> None:
    even = one_head(np.full((n_tokens, n_tokens), 1 / n_tokens))
    facts = head_statistics(encoding(n_tokens), even)
    assert number(facts, "entropy") == pytest.approx(np.log2(n_tokens), rel=1e-5)
    # The mean of |q - k| over a square of n by n.
    assert number(facts, "distance") == pytest.approx((n_tokens**2 - 1) / (3 * n_tokens), rel=1e-5)
    assert number(facts, "to_itself") == pytest.approx(1 / n_tokens, rel=1e-5)


def test_attention_to_one_token_has_no_entropy() -> None:
    facts = head_statistics(encoding(), one_head(shift(-1)))
    assert number(facts, "entropy") == 0


@pytest.mark.parametrize("by", [-3, -1, 0, 2])
def test_the_distance_of_a_shift_is_its_length(by: int) -> None:
    facts = head_statistics(encoding(200), one_head(shift(by, 200)))
    assert number(facts, "distance") == pytest.approx(abs(by) * (200 - abs(by)) / 200)


def test_facts_are_what_sums_over_single_weights_give() -> None:
    n_tokens, separators = 11, (5, 6, 10)
    weights = random_weights(2, 3, n_tokens)
    facts = head_statistics(encoding(n_tokens, separators), weights)
    for layer, head in np.ndindex(2, 3):
        rows = weights[layer, head].astype(float)
        pairs = list(np.ndindex(n_tokens, n_tokens))
        expected = {
            "entropy": -sum(rows[q, k] * np.log2(rows[q, k]) for q, k in pairs),
            "distance": sum(abs(q - k) * rows[q, k] for q, k in pairs),
            "to_first": sum(rows[q, 0] for q in range(n_tokens)),
            "to_separators": sum(rows[q, k] for q, k in pairs if k in separators),
            "to_itself": sum(rows[q, q] for q in range(n_tokens)),
            "to_previous": sum(rows[q, q - 1] for q in range(1, n_tokens)),
            "to_next": sum(rows[q, q + 1] for q in range(n_tokens - 1)),
        }
        for name, total in expected.items():
            found = getattr(facts, name)[layer, head]
            assert found == pytest.approx(total / n_tokens, rel=1e-5), name


def toward(column: int) -> FloatArray:
    """All tokens look at one."""
    return np.asarray(np.eye(N)[np.full(N, column)])


def around(reach: int) -> FloatArray:
    """Each token looks evenly at those up to `reach` places away."""
    at = np.arange(N)
    near = (np.abs(at[:, None] - at) <= reach).astype(float)
    return np.asarray(near / near.sum(-1, keepdims=True))


EVEN = np.full((N, N), 1 / N)
KNOWN = [
    (shift(-1), "previous token"),
    (shift(1), "next token"),
    (np.eye(N), "itself"),
    (toward(0), "first token sink"),
    (toward(-1), "separator sink"),
    (EVEN, "broad"),
    (around(1), "local"),
    (shift(3), "mixed"),
    # The first rule wins: a head that looks back by one and little else is narrow as well.
    (0.6 * shift(-1) + 0.4 * EVEN, "previous token"),
    (0.45 * toward(0) + 0.45 * toward(4) + 0.1 * EVEN, "mixed"),
]


@pytest.mark.parametrize(("rows", "pattern"), KNOWN)
def test_heads_that_are_known_get_their_pattern(rows: FloatArray, pattern: str) -> None:
    assert head_statistics(encoding(), one_head(rows)).pattern[0, 0] == pattern


def test_every_pattern_has_a_head_that_shows_it() -> None:
    assert {pattern for _, pattern in KNOWN} == set(PATTERNS)


@pytest.mark.parametrize(("share", "pattern"), [(MAJORITY, "mixed"), (0.51, "separator sink")])
def test_a_sink_needs_more_than_half(share: float, pattern: str) -> None:
    rows = share * toward(-1) + (1 - share) * toward(4)
    assert head_statistics(encoding(), one_head(rows)).pattern[0, 0] == pattern


def test_facts_of_a_reading_can_be_read_and_not_written(reading: Reading) -> None:
    facts = head_statistics(reading.encoding, reading.attention.weights)
    for fact in STATISTICS:
        values = getattr(facts, fact.name)
        assert values.shape == reading.attention.weights.shape[:2]
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0] = values[0, 0]
    shares = [getattr(facts, fact.name) for fact in STATISTICS if fact.unit == "share"]
    assert all(((share >= 0) & (share <= 1)).all() for share in shares)


def test_the_table_speaks_of_every_fact() -> None:
    names = [field.name for field in dataclasses.fields(HeadStatistics)]
    assert [*(fact.name for fact in STATISTICS), "statistics", "patterns"] == names


def test_double_precision_stays() -> None:
    facts = head_statistics(encoding(), one_head(EVEN).astype(np.float64))
    assert facts.entropy.dtype == facts.distance.dtype == facts.to_next.dtype == np.float64


@pytest.mark.parametrize("shape", [(N, N), (1, 1, N, N - 1), (1, 1, N + 1, N + 1)])
def test_weights_of_other_tokens_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="is needed"):
        head_statistics(encoding(), np.ones(shape, np.float32))


def even(impossible: BoolArray) -> FloatArray:
    """Attention spread evenly over all that is possible."""
    possible = ~impossible
    return np.asarray(possible / possible.sum(-1, keepdims=True))


@pytest.mark.parametrize("impossible", [causal(N), causal(2), windowed(N), windowed(N, 1)])
def test_even_attention_over_what_is_possible_has_all_the_entropy_there_is(
    impossible: BoolArray,
) -> None:
    mask = impossible[None]
    facts = head_statistics(encoding(len(impossible)), one_head(even(impossible)), mask)
    assert number(facts, "entropy") / even_entropy(mask)[0] == pytest.approx(1, rel=1e-6)
    assert facts.pattern[0, 0] == "broad"


def test_the_largest_entropy_is_that_of_each_row_with_a_choice() -> None:
    assert even_entropy(causal(4)[None])[0] == pytest.approx(np.log2([2, 3, 4]).mean())
    assert even_entropy(np.zeros((1, 8, 8), bool))[0] == 3


def test_a_row_without_a_choice_counts_nowhere() -> None:
    """The first token of a causal map looks at itself, which is also the first: it has to."""
    at = np.arange(N)
    rows = np.eye(N)[np.maximum(at - 1, 0)]  # each looks at the one before it
    facts = head_statistics(encoding(), one_head(rows), causal(N)[None])
    assert number(facts, "to_previous") == 1
    assert number(facts, "to_itself") == 0
    assert number(facts, "to_next") == 0
    assert "to_next" not in {statistic.name for statistic in facts.statistics}
    open_below = np.stack([causal(N), np.zeros((N, N), dtype=bool)])
    weights = np.concatenate([one_head(rows), one_head(rows)])
    statistics = head_statistics(encoding(), weights, open_below).statistics
    assert "to_next" in {statistic.name for statistic in statistics}
    assert number(facts, "to_first") == pytest.approx(1 / (N - 1))
    assert number(facts, "distance") == 1
    assert facts.pattern[0, 0] == "previous token"


def test_forced_looks_do_not_name_a_head() -> None:
    """Of three tokens one has to look at itself; the others share their weight evenly."""
    rows = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.3, 0.2, 0.5]])
    assert head_statistics(encoding(3), one_head(rows)).pattern[0, 0] == "itself"
    facts = head_statistics(encoding(3), one_head(rows), causal(3)[None])
    assert number(facts, "to_itself") == 0.5
    assert facts.pattern[0, 0] == "broad"


def test_each_layer_counts_by_its_own_mask() -> None:
    weights = np.concatenate([one_head(even(windowed(N, 0))), one_head(EVEN)])
    impossible = np.array([windowed(N, 0), np.zeros((N, N), bool)])
    facts = head_statistics(encoding(), weights, impossible)
    # Where no token has a choice, all of them count.
    assert facts.pattern[:, 0].tolist() == ["itself", "broad"]
    whole = head_statistics(encoding(), weights[1:])
    for fact in STATISTICS:
        np.testing.assert_array_equal(getattr(facts, fact.name)[1:], getattr(whole, fact.name))


def test_statistics_under_a_causal_mask_are_what_sums_over_single_weights_give() -> None:
    impossible = causal(N)
    rows = random_weights(1, 1, N)[0, 0].astype(float) * ~impossible
    rows /= rows.sum(-1, keepdims=True)
    facts = head_statistics(encoding(), one_head(rows).astype(np.float64), impossible[None])
    pairs = [(q, k) for q in range(1, N) for k in range(q + 1)]
    expected = {
        "entropy": -sum(rows[q, k] * np.log2(rows[q, k]) for q, k in pairs),
        "distance": sum((q - k) * rows[q, k] for q, k in pairs),
        "to_first": sum(rows[q, 0] for q in range(1, N)),
        "to_separators": rows[N - 1, N - 1],
        "to_itself": sum(rows[q, q] for q in range(1, N)),
        "to_previous": sum(rows[q, q - 1] for q in range(1, N)),
        "to_next": 0,
    }
    for name, total in expected.items():
        assert number(facts, name) == pytest.approx(total / (N - 1), rel=1e-4), name


def spelled(*texts: str, special: str) -> Encoding:
    """Tokens of which some are special."""
    tokens = tuple(Token(text, 0, 1, None, text in special.split()) for text in texts)
    return Encoding("a", None, tokens, {"input_ids": np.zeros(len(tokens), np.int64)})


@pytest.mark.parametrize(
    ("encoding_", "labels", "sentence"),
    [
        (
            spelled("[CLS]", "oil", "[SEP]", special="[CLS] [SEP]"),
            ["to [CLS]", "to [SEP]"],
            "Share of the weight on the first token, [CLS] or <s>.",
        ),
        (
            spelled("<s>", "oil", "</s>", "</s>", special="<s> </s>"),
            ["to <s>", "to </s>"],
            "Share of the weight on the first token, [CLS] or <s>.",
        ),
        (
            spelled("oil", "rise", special=""),
            ["to first token"],
            "Share of the weight on the first token.",
        ),
        (
            spelled("oil", "<sep>", "<cls>", special="<sep> <cls>"),
            ["to first token", "to special tokens"],
            "Share of the weight on the first token.",
        ),
        (
            spelled("<bos>", "oil", special="<bos>"),
            ["to <bos>"],
            "Share of the weight on the first token.",
        ),
    ],
)
def test_statistics_name_the_special_tokens_of_the_text(
    encoding_: Encoding, labels: list[str], sentence: str
) -> None:
    weights = np.full((1, 1, *[encoding_.n_tokens] * 2), 1 / encoding_.n_tokens)
    facts = head_statistics(encoding_, weights)
    own = {fact.name: fact for fact in facts.statistics}
    named = [own[name].label for name in ("to_first", "to_separators") if name in own]
    assert named == labels
    assert own["to_first"].sentence == sentence
    is_cls = encoding_.tokens[0].text in ("[CLS]", "<s>")
    assert ("[CLS]" in facts.patterns["first token sink"]) == is_cls
    assert list(facts.patterns) == list(PATTERNS)


def test_of_bert_all_is_called_as_it_was(reading: Reading) -> None:
    facts = head_statistics(reading.encoding, reading.attention.weights)
    assert facts.statistics == STATISTICS
    assert facts.patterns == PATTERNS
