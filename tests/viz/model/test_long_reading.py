"""A long text, of which only a summary is kept, against the same text with all of its weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.families import LONG_TEXT, family_checkpoint
from viz import Classifier
from viz.attention.long_attention import LongAttention
from viz.attention.long_view import long_view
from viz.attention.map_source import MapBlock, whole_rows
from viz.attention.shown_rows import LayerReducer
from viz.attention.statistics import STATISTICS, head_statistics
from viz.attention.thumbnails import impossible_thumbnails, thumbnails
from viz.attention.views import view
from viz.errors import LongTextError
from viz.jobs.cancellation import CancelledError, cancellation_check
from viz.model.streamed_maps import CallRecorder, StreamedMaps
from viz.types import Attention

FAMILIES = ["bert", "modernbert", "gpt2", "llama", "gemma2", "gpt_oss"]


def _both(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Classifier, Attention, LongAttention]:
    short = Classifier.load(folder).read(LONG_TEXT)
    assert isinstance(short.attention, Attention)
    size = short.attention.weights.nbytes
    monkeypatch.setattr("viz.model.classifier.MAX_ATTENTION_BYTES", size // 4)
    monkeypatch.setattr("viz.attention.shown_rows.MAX_PART_BYTES", 2_000)
    classifier = Classifier.load(folder)
    long = classifier.read(LONG_TEXT)
    assert long.encoding.tokens == short.encoding.tokens  # nothing is cut
    np.testing.assert_allclose(long.prediction.logits, short.prediction.logits, atol=1e-5)
    assert isinstance(long.attention, LongAttention)
    return classifier, short.attention, long.attention


@pytest.mark.parametrize("family", FAMILIES)
def test_any_part_and_the_summary_are_those_of_all_weights(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, short, long = _both(family_checkpoint(tmp_path / "checkpoint", family), monkeypatch)
    whole = slice(0, long.n_tokens)
    for layer in range(long.n_layers):
        for head in range(long.n_heads):
            region = long.region(layer, head, whole, whole)
            np.testing.assert_allclose(region, short.weights[layer, head], atol=1e-6)
        if short.impossible is not None:
            np.testing.assert_array_equal(
                long.impossible_region(layer, whole, whole), short.impossible[layer]
            )
    row, some = slice(3, 4), slice(1, 9)
    np.testing.assert_allclose(
        long.region(None, None, row, some), short.weights.mean((0, 1))[row, some], atol=1e-6
    )
    statistics = head_statistics(long.encoding, short.weights, short.impossible)
    for each in STATISTICS:
        own, expected = (getattr(of, each.name) for of in (long.statistics, statistics))
        if each.name == "pattern":
            np.testing.assert_array_equal(own, expected)
        else:
            np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-5)
    assert long.statistics.statistics == statistics.statistics
    assert long.statistics.patterns == statistics.patterns
    shown = view(long.encoding, short.weights, impossible=short.impossible)
    (size, ready) = next(iter(long.view().ready.items()))
    np.testing.assert_allclose(ready.pixels, thumbnails(shown.weights, *size), atol=1e-6)


class EveryWeight(LayerReducer):
    """Keeps all weights of a pass."""

    def __init__(self, maps: StreamedMaps) -> None:
        self.n_tokens = maps.n_tokens
        shape = (maps.n_layers, maps.n_heads, maps.n_tokens, maps.n_tokens)
        self.weights = np.full(shape, np.nan, np.float32)
        self.impossible = np.zeros((shape[0], *shape[2:]), bool)

    def add(self, layer: int, first_row: int, block: MapBlock) -> None:
        values, impossible = whole_rows(block, self.n_tokens)
        rows = slice(first_row, first_row + values.shape[1])
        self.weights[layer, :, rows] = values
        self.impossible[layer, rows] = False if impossible is None else impossible


def test_the_atlas_of_512_tokens_is_bit_for_bit_that_of_its_weights(tmp_path: Path) -> None:
    folder = family_checkpoint(tmp_path / "checkpoint", "modernbert", max_position_embeddings=512)
    classifier = Classifier.load(folder)
    words = [
        "oil",
        "prices",
        "rise",
        "as",
        "stocks",
        "fall",
        "the",
        "market",
        "wins",
        "game",
        "election",
        "unbelievable",
    ]
    text = " ".join(np.random.default_rng(0).choice(words, 600))
    encoding = replace(classifier.encoder, max_tokens=512).encode(text)
    recorder = CallRecorder(classifier.n_layers)
    with torch.inference_mode():
        classifier.forward(encoding, recorder)
    maps = recorder.maps()
    every = EveryWeight(maps)
    pixels, impossible = long_view(encoding, maps).swept(48, 48, [every])
    shown = view(encoding, every.weights, impossible=every.impossible)
    assert shown.impossible is not None
    np.testing.assert_array_equal(pixels, thumbnails(shown.weights, 48, 48))
    np.testing.assert_array_equal(impossible, impossible_thumbnails(shown.impossible, 48, 48))


def test_all_weights_of_a_long_text_are_refused_with_their_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, _, long = _both(family_checkpoint(tmp_path / "checkpoint", "bert"), monkeypatch)
    with pytest.raises(LongTextError, match=r"would take .* GB; take a part of one head"):
        _ = long.weights
    assert classifier.is_long(long.n_tokens)
    assert not classifier.is_long(3)


def test_a_long_reading_reports_its_progress_and_can_be_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, _, _ = _both(family_checkpoint(tmp_path / "checkpoint", "bert"), monkeypatch)
    shares: list[float] = []
    classifier.read(LONG_TEXT, progress=shares.append)
    assert sum(shares) == pytest.approx(1.5)

    def give_up_later() -> None:
        if len(shares) > 4:
            raise CancelledError

    shares.clear()
    with cancellation_check(give_up_later), pytest.raises(CancelledError):
        classifier.read(LONG_TEXT, progress=shares.append)
    assert sum(shares) < 1.4


def test_a_family_with_attention_of_its_own_keeps_the_bound_of_all_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz.model.classifier.MAX_ATTENTION_BYTES", 2_000)
    classifier = Classifier.load(family_checkpoint(tmp_path / "checkpoint", "deberta-v2"))
    reading = classifier.read(LONG_TEXT)
    assert isinstance(reading.attention, Attention)
    assert reading.encoding.n_unseen
