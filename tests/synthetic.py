"""Readings made up on the spot, and figures of them, for pictures and files."""

import re
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from viz.attention.views import Quadrant
from viz.attention.words import Unit
from viz.export import FigureSpec
from viz.types import (
    Attention,
    Attribution,
    BoolArray,
    Contribution,
    Encoding,
    MissingAttention,
    Prediction,
    Reading,
    Token,
)

LABELS = ("World", "Sports", "Business", "Sci/Tech")
TEXT = "Oil prices rise as international stocks fall, the market was not good."
NO_ATTENTION = "FNet mixes tokens by a Fourier transform, so there is no map of who looks at whom."


def encode(text: str, pair: str | None = None) -> Encoding:
    """[CLS], then runs of letters, single ideographs and signs, then [SEP]; long runs split."""
    tokens = [Token("[CLS]", 0, 0, None, True)]
    word = 0
    for part, source in enumerate(filter(None, (text, pair))):
        for match in re.finditer(r"[\u4e00-\u9fff]|\w+|[^\w\s]", source):
            start, end = match.span()
            cut = start + 5 if end - start > 7 else end
            tokens.append(Token(source[start:cut], start, cut, word, False, part))
            if cut < end:
                tokens.append(Token("##" + source[cut:end], cut, end, word, False, part))
            word += 1
        tokens.append(Token("[SEP]", 0, 0, None, True))
    ids = np.zeros(len(tokens), dtype=np.int64)
    return Encoding(text, pair, tuple(tokens), MappingProxyType({"input_ids": ids}))


def read(
    text: str = TEXT,
    pair: str | None = None,
    shape: tuple[int, int] = (2, 3),
    labels: tuple[str, ...] = LABELS,
    impossible: BoolArray | None = None,
    reads: Literal["first", "last", "mean"] = "first",
) -> Reading:
    """A reading with random weights, as sharp as those of a trained model.

    Args:
        impossible: (L, T, T), e.g. `causal` of each layer.
        reads: Where the class is read from.
    """
    encoding = encode(text, pair)
    size = (*shape, encoding.n_tokens, encoding.n_tokens)
    raw = np.exp(np.random.default_rng(0).normal(0, 2, size))
    if impossible is not None:
        raw *= ~impossible[:, None]
    weights = np.asarray(raw / raw.sum(-1, keepdims=True), dtype=np.float32)
    logits = np.linspace(-1, 2, len(labels))
    probabilities = np.exp(logits) / np.exp(logits).sum()
    prediction = Prediction(labels, logits, probabilities)
    attention = Attention(weights, impossible)
    ends = np.eye(encoding.n_tokens)[[0, -1]]
    pooling = {"first": ends[0], "last": ends[1], "mean": np.ones_like(ends[0]) / len(ends[0])}
    fingerprint = "0123456789abcdef" * 4
    return Reading(encoding, prediction, attention, "tiny-bert", fingerprint, pooling[reads])


def causal(n_tokens: int) -> BoolArray:
    """Which keys a causal mask forbids: those behind the query.  (T, T)"""
    return np.triu(np.ones((n_tokens, n_tokens), bool), 1)


def windowed(n_tokens: int, reach: int = 2) -> BoolArray:
    """Which keys a window forbids: those more than `reach` tokens away.  (T, T)"""
    at = np.arange(n_tokens)
    return np.asarray(np.abs(at[:, None] - at) > reach)


def read_causal(text: str = TEXT, pair: str | None = None) -> Reading:
    """A reading like that of GPT-2: no token looks at a later one."""
    impossible = np.array([causal(encode(text, pair).n_tokens)] * 2)
    return read(text, pair, impossible=impossible, reads="last")


def read_windowed(text: str = TEXT) -> Reading:
    """A reading like that of ModernBERT: a local layer, then a global one."""
    local = windowed(encode(text).n_tokens)
    return read(text, impossible=np.array([local, np.zeros_like(local)]))


def read_with_sink(text: str = TEXT) -> Reading:
    """A reading like that of gpt-oss: causal, and half of each row goes to no token."""
    reading = read_causal(text)
    assert isinstance(reading.attention, Attention)
    halves = reading.attention.weights / 2
    attention = Attention(halves, reading.attention.impossible, halves.sum(-1))
    return replace(reading, attention=attention)


def read_without_attention(text: str = TEXT) -> Reading:
    """A reading like that of FNet, which has no map of each token by each token."""
    return replace(read(text), attention=MissingAttention(NO_ATTENTION))


def attribution_of(reading: Reading, method: str = "decomposition") -> Attribution:
    """Random scores, with a bias that makes them add up for the decomposition alone."""
    scores = np.random.default_rng(1).normal(0, 0.4, reading.encoding.n_tokens)
    prediction = reading.prediction
    target = prediction.predicted_class
    against = prediction.runner_up(target)
    assert against is not None
    value = float(prediction.logits[target] - prediction.logits[against])
    bias = value - float(scores.sum()) if method == "decomposition" else None
    scores = np.abs(scores) if method == "rollout" else scores
    return Attribution(scores, value, bias, method, target, against)


def contribution_of(reading: Reading) -> Contribution:
    """Random signed shares, most of them small."""
    values = 0.01 * np.random.default_rng(2).standard_t(2, reading.attention.weights.shape)
    if reading.attention.impossible is not None:
        values *= ~reading.attention.impossible[:, None]
    target = reading.prediction.predicted_class
    return Contribution(values, 1.0, target, reading.prediction.runner_up(target))


def figure_spec(
    kind: str,
    reading: Reading | None = None,
    *,
    layer: int | None = 1,
    head: int | None = 0,
    unit: Unit = "word",
    special: bool = True,
    quadrant: Quadrant = "all",
    contribution: bool = False,
    method: str = "decomposition",
) -> FigureSpec:
    """A figure of a reading, by default of a short text."""
    shown = read() if reading is None else reading
    return FigureSpec(
        shown,
        kind,
        layer,
        head,
        unit,
        special,
        quadrant,
        attribution_of(shown, method) if kind == "attribution" else None,
        contribution_of(shown) if contribution and kind != "attribution" else None,
    )
