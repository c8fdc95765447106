"""Value zeroing against a model whose value vectors are set to zero by hooks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.architectures import architecture_checkpoint
from tests.layer_activations import modules
from viz import Classifier, Reading
from viz.attribution.layers import recorded_layers
from viz.attribution.method import AttributionInput
from viz.attribution.target import Target
from viz.attribution.value_zeroing import VALUE_ZEROING, zeroed_row
from viz.errors import MethodError

TEXT = "Oil prices rise as stockss fall, the market was not good!"


@pytest.fixture(scope="module")
def double(family_checkpoint: Path) -> Classifier:
    return Classifier.load(family_checkpoint, dtype=torch.float64, device="cpu")


def task(classifier: Classifier, rows: str = "last") -> AttributionInput:
    options = VALUE_ZEROING.resolve_options({"rows": rows})
    return AttributionInput(classifier, classifier.read(TEXT), Target(1, 0), options)


def silenced(token: int) -> Callable[[nn.Module, Any, torch.Tensor], torch.Tensor]:
    def hook(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        changed = output.clone()
        changed[:, token] = 0
        return changed

    return hook


def first_state(classifier: Classifier, reading: Reading, layer: int) -> np.ndarray:
    """What a layer outputs for [CLS].  (D,)"""
    kept: list[torch.Tensor] = []
    norm = modules(classifier)[layer]["second"]
    handle = norm.register_forward_hook(lambda module, inputs, output: kept.append(output))
    classifier.logits([reading.encoding.inputs])
    handle.remove()
    return np.asarray(kept[0][0, 0])


def by_hooks(classifier: Classifier, reading: Reading, layer: int) -> np.ndarray:
    """1 - cosine of [CLS] with each token's value zeroed in turn, normalized.  (T,)"""
    before = first_state(classifier, reading, layer)
    distances = []
    for token in range(reading.encoding.n_tokens):
        value = modules(classifier)[layer]["value"]
        handle = value.register_forward_hook(silenced(token))
        after = first_state(classifier, reading, layer)
        handle.remove()
        cosine = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
        distances.append(1 - cosine)
    return np.asarray(distances / np.sum(distances))


def test_cls_rows_of_all_layers_equal_those_found_by_hooks(double: Classifier) -> None:
    reading = double.read(TEXT)
    with torch.inference_mode():
        layers = recorded_layers(double, reading.encoding)
        found = [zeroed_row(layer, 0).numpy() for layer in layers]
    expected = [by_hooks(double, reading, layer) for layer in range(double.n_layers)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.sum(found, axis=1), 1, rtol=0, atol=1e-12)
    last, mean = (VALUE_ZEROING.run(task(double, rows)).scores for rows in ("last", "mean"))
    np.testing.assert_allclose(last, expected[-1], rtol=0, atol=1e-9)
    np.testing.assert_allclose(mean, np.mean(expected, axis=0), rtol=0, atol=1e-9)


def test_single_precision_finds_the_same(family_checkpoint: Path, double: Classifier) -> None:
    single = Classifier.load(family_checkpoint)
    found = VALUE_ZEROING.run(task(single, "mean")).scores
    expected = VALUE_ZEROING.run(task(double, "mean")).scores
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("rows", ["last", "mean"])
def test_it_tells_of_as_many_passes_as_it_announces(classifier: Classifier, rows: str) -> None:
    done: list[float] = []
    asked = task(classifier, rows)
    VALUE_ZEROING.run(replace(asked, progress=done.append))
    announced = VALUE_ZEROING.forward_passes(10, classifier.n_layers, asked.options)
    assert sum(done) == pytest.approx(announced)
    assert announced == pytest.approx(2 if rows == "mean" else 1 + 1 / 3)


def test_where_no_token_turns_cls_all_count_the_same(
    checkpoint: Path,
) -> None:
    classifier = Classifier.load(checkpoint, dtype=torch.float64)
    with torch.no_grad():
        for own in modules(classifier):
            for parameter in own["value"].parameters():
                parameter.zero_()
    found = VALUE_ZEROING.run(task(classifier)).scores
    np.testing.assert_allclose(found, 1 / len(found))


def test_layers_made_in_another_way_are_refused_in_one_sentence(tmp_path: Path) -> None:
    classifier = Classifier.load(architecture_checkpoint(tmp_path, "mobilebert"))
    with pytest.raises(MethodError, match=r"MobileBert.* can't be taken apart: what their heads"):
        VALUE_ZEROING.run(task(classifier))
