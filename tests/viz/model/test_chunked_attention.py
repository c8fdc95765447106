"""Attention in chunks against the same attention at once, in families that each have their own."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.families import LONG_TEXT, family_checkpoint
from viz import Classifier
from viz.model.chunked_attention import AttentionCall, allowed_keys, chunked_attention
from viz.model.recording import Recorder

SINGLE, DOUBLE = torch.float32, torch.float64
OWN_ATTENTION = {
    "bert": DOUBLE,  # no mask
    "modernbert": DOUBLE,  # local layers
    "gpt2": SINGLE,  # causal
    "llama": DOUBLE,  # grouped keys
    "gemma2": SINGLE,  # a soft cap and windows
    "gpt_oss": SINGLE,  # sinks
    "t5": SINGLE,  # a bias for each query and key
}
TOLERANCE = {SINGLE: 1e-5, DOUBLE: 1e-10}


class Calls(Recorder):
    """Keeps what the attention of each layer is called with."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[AttentionCall] = []

    def on_attention(self, call: AttentionCall) -> Tensor | None:
        self.calls.append(call)
        return None


def calls_of(folder: Path, dtype: torch.dtype) -> list[AttentionCall]:
    classifier, recorder = Classifier.load(folder, dtype=dtype), Calls()
    with torch.no_grad():
        classifier.forward(classifier.encode(LONG_TEXT), recorder)
    return recorder.calls


@pytest.mark.parametrize(("family", "dtype"), OWN_ATTENTION.items())
def test_chunks_give_what_all_queries_give_at_once(
    tmp_path: Path, family: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = calls_of(family_checkpoint(tmp_path / "checkpoint", family), dtype)
    own = calls[0]
    monkeypatch.setattr("viz.model.chunked_attention.MAX_CHUNK_BYTES", own.weight_bytes // 8)
    for call in calls:
        outputs, weights = call.attended()
        assert len(list(call.chunks())) > 5
        for queries in call.chunks():
            rows = call.rows(queries)
            whole = torch.zeros_like(weights[:, :, queries])
            whole[..., rows.keys] = rows.weights
            torch.testing.assert_close(whole, weights[:, :, queries], atol=TOLERANCE[dtype], rtol=0)
            part = outputs[:, queries]
            torch.testing.assert_close(rows.outputs, part, atol=TOLERANCE[dtype], rtol=1e-4)
            assert torch.equal(call.weights(queries)[0], rows.weights)
        check_slopes(call, TOLERANCE[dtype])


def check_slopes(call: AttentionCall, tolerance: float) -> None:
    """That gradients are those of attention at once, with the weights free and with them held."""
    states = [each.detach().requires_grad_() for each in (call.query, call.key, call.value)]
    query, key, value = states
    call = replace(call, query=query, key=key, value=value)
    outputs, _ = call.attended()
    slope = torch.linspace(-1, 1, outputs.numel()).sin().view_as(outputs).to(outputs)
    expected = torch.autograd.grad(outputs, states, slope)
    free = torch.autograd.grad(chunked_attention(call), states, slope)
    for given, known in zip(free, expected, strict=True):
        torch.testing.assert_close(given, known, atol=20 * tolerance, rtol=1e-4)
    frozen = chunked_attention(call, frozen=True)
    slopes = torch.autograd.grad(frozen, states, slope, allow_unused=True)
    assert all(slope is None for slope in slopes[:2])
    torch.testing.assert_close(slopes[2], expected[2], atol=20 * tolerance, rtol=1e-4)


def test_a_local_layer_looks_at_its_window_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, local, _ = calls_of(family_checkpoint(tmp_path / "modernbert", "modernbert"), SINGLE)
    rows = local.rows(slice(20, 24))
    assert (rows.keys.start, rows.keys.stop) == (16, 28)  # a window of 8 around each


def test_a_query_that_may_look_nowhere_looks_everywhere() -> None:
    mask = torch.zeros(1, 1, 3, 5)
    mask[..., 3:] = torch.finfo(SINGLE).min
    assert allowed_keys(mask) == slice(0, 3)
    mask[..., 1, :] = torch.finfo(SINGLE).min
    assert allowed_keys(mask) == slice(0, 5)
