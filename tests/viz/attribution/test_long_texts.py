"""What is said of a text whose weights are not kept is what is said where they are."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.families import LONG_TEXT, family_checkpoint
from viz import METHODS, Classifier, Reading, attribute, contribution
from viz.attention.long_attention import LongAttention
from viz.attention.map_source import whole_rows
from viz.attribution.long_contribution import long_contribution
from viz.attribution.word_shares import share_passes
from viz.errors import LongTextError
from viz.jobs.cancellation import CancelledError
from viz.model.recording import Recorder, active_recorder
from viz.model.twins import module_settings

DTYPES = {
    "bert": torch.float64,
    "modernbert": torch.float64,  # local layers
    "gpt2": torch.float32,  # a causal mask
    "llama": torch.float32,  # grouped keys
    "gemma2": torch.float32,  # a soft cap
    "gpt_oss": torch.float32,  # sinks
}
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
METHODS_TRIED = (
    *("decomposition", "decomposition-path", "input-x-gradient", "saliency"),
    *("grad-attention", "chefer", "attention", "rollout"),
)


@pytest.fixture(scope="module", params=DTYPES)
def classifier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = family_checkpoint(tmp_path_factory.mktemp("long") / request.param, request.param)
    return Classifier.load(folder, dtype=DTYPES[request.param])


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier.load(family_checkpoint(tmp_path_factory.mktemp("long") / "one", "bert"))


def test_methods_say_of_a_long_text_what_they_say_of_a_short_one(classifier: Classifier) -> None:
    reading, tolerance = classifier.read(LONG_TEXT), TOLERANCE[classifier.model.dtype]
    expected = {name: attribute(classifier, reading, name) for name in METHODS_TRIED}
    whole = contribution(classifier, reading)
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        long_reading = classifier.read(LONG_TEXT)
        assert isinstance(long_reading.attention, LongAttention)
        for name, short in expected.items():
            done: list[float] = []
            given = attribute(classifier, long_reading, name, progress=done.append)
            size = np.abs(short.scores).max()
            np.testing.assert_allclose(given.scores / size, short.scores / size, atol=tolerance)
            assert given.value == pytest.approx(short.value, abs=tolerance * 10)
            if short.bias is not None:
                assert given.bias == pytest.approx(short.bias, abs=10 * tolerance)
                total = given.scores.astype(float).sum() + given.bias
                assert total == pytest.approx(given.value, abs=10 * tolerance)
            if name not in ("attention", "rollout"):
                assert sum(done) == pytest.approx(2 + share_passes(METHODS[name]))
        check_contribution(classifier, long_reading, whole.values, tolerance)


def shorten(patch: pytest.MonkeyPatch) -> None:
    """Weights of seven tokens are too many to keep, and those of few rows to compute at once."""
    patch.setattr("viz.model.classifier.MAX_ATTENTION_BYTES", 4 * 8 * 6**2)
    patch.setattr("viz.model.chunked_attention.MAX_CHUNK_BYTES", 4 * 4 * 55 * 7)
    patch.setattr("viz.attention.carried_row.MAX_PART_BYTES", 4 * 4 * 55 * 9)


def check_contribution(
    classifier: Classifier, reading: Reading, expected: np.ndarray[Any, Any], tolerance: float
) -> None:
    """That each block is the part of all contributions that it is of."""
    maps = long_contribution(classifier, reading).source
    n_layers, n_heads, n_tokens, _ = expected.shape
    size = np.abs(expected).max()
    for layer in range(n_layers):
        for head in (None, n_heads - 1):
            rows = slice(11, 30)
            values, _ = whole_rows(maps.block(layer, rows, head), n_tokens)
            part = expected[layer, :, rows] if head is None else expected[layer, head, None, rows]
            np.testing.assert_allclose(values / size, part / size, atol=tolerance)


def test_integrated_gradients_follow_a_long_text(
    bert: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, options = LONG_TEXT[:60], {"n_steps": 10}
    short = attribute(bert, bert.read(text), "integrated-gradients", options=options)
    shorten(monkeypatch)
    given = attribute(bert, bert.read(text), "integrated-gradients", options=options)
    assert given.measured["n_steps"] == short.measured["n_steps"]
    np.testing.assert_allclose(given.scores, short.scores, atol=1e-5)


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the largest tensor that is computed."""

    n_numbers = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        for each in output if isinstance(output, (tuple, list)) else [output]:
            if isinstance(each, Tensor):
                self.n_numbers = max(self.n_numbers, each.numel())
        return output


@pytest.mark.parametrize("name", ["decomposition", "decomposition-path", "input-x-gradient"])
def test_no_map_of_all_tokens_is_ever_computed(
    bert: Classifier, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    reading = bert.read(LONG_TEXT)
    n_maps = bert.n_heads * reading.encoding.n_tokens**2
    with Largest() as largest:  # type: ignore[no-untyped-call]
        attribute(bert, reading, name, shares=False)
    assert largest.n_numbers >= n_maps
    shorten(monkeypatch)
    reading = bert.read(LONG_TEXT)
    with Largest() as largest:  # type: ignore[no-untyped-call]
        attribute(bert, reading, name, shares=False)
    assert largest.n_numbers < n_maps / 2


def test_layers_run_again_on_a_twin_and_leave_the_model_as_it_is(
    bert: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch)
    reading, before = bert.read(LONG_TEXT), module_settings(bert.model)
    runs: list[int] = []
    handles = [
        layer.get_submodule("attention").register_forward_hook(
            lambda *_, number=number: runs.append(number)
        )
        for number, layer in enumerate(bert.layers)
    ]
    attribute(bert, reading, "decomposition", shares=False)
    for handle in handles:
        handle.remove()
    up = list(range(bert.n_layers))
    assert runs == [*up, *reversed(up)]
    assert module_settings(bert.model) == before
    assert all("forward" not in vars(layer) for layer in bert.layers)


def test_what_a_pass_keeps_goes_with_it(bert: Classifier) -> None:
    gc.disable()
    try:
        recorder = Recorder("input", freeze=True)
        logits = bert.forward(bert.encode(LONG_TEXT), recorder)
        kept = weakref.ref(recorder)
        del recorder, logits
        assert kept() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("call", [1, 3])
def test_a_long_attribution_ends_where_nobody_waits(
    bert: Classifier, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    shorten(monkeypatch)
    reading = bert.read(LONG_TEXT)
    calls: list[float] = []

    def give_up(passes: float) -> None:
        calls.append(passes)
        if len(calls) == call:
            raise CancelledError

    with pytest.raises(CancelledError):
        attribute(bert, reading, "decomposition", progress=give_up)
    assert len(calls) == call
    assert active_recorder() is None
    attribute(bert, reading, "decomposition")


def test_what_needs_all_weights_is_refused(
    bert: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = bert.read(LONG_TEXT)
    with pytest.raises(LongTextError, match=r"take contribution\(classifier, reading\)"):
        long_contribution(bert, short)
    shorten(monkeypatch)
    reading = bert.read(LONG_TEXT)
    for name in ("norms", "globenc", "alti", "value-zeroing", "attattr", "decompx-absdot"):
        with pytest.raises(
            LongTextError, match=f"^The method {METHODS[name].label} needs the weights of all"
        ):
            attribute(bert, reading, name)
    with pytest.raises(LongTextError, match=r"take long_contribution\(classifier, reading\)"):
        contribution(bert, reading)
