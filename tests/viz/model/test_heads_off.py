"""Heads off: silenced in each kind of pass, proved, and refused where that can't be.

That the logits are those of zeros at the family's own output projection is claimed of every family:
tests/family_claims.py.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from finetune.checkpoint.arrays import FloatArray
from tests.conftest import TEXT
from tests.families import family_checkpoint
from viz import Classifier, Reading, attribute, evidence
from viz.attention.heads import Heads
from viz.attribution.contribution import contribution
from viz.attribution.head_importance import ablate, gate_gradients
from viz.errors import MethodError, MissingAttentionError, SelectionError
from viz.faithfulness.compare import compare
from viz.faithfulness.sanity import sanity
from viz.model.head_gates import HeadGates, open_gates
from viz.model.perturbation import Perturbation
from viz.model.silenced_twins import MAX_TWINS

OFF = ((0, 1), (1, 0))


def gated_logits(classifier: Classifier, text: str, heads: Heads) -> FloatArray:
    gates = open_gates(classifier, 1)
    for layer, head in heads:
        gates[0, layer, head] = 0
    with torch.inference_mode():
        logits: FloatArray = classifier.forward(classifier.encode(text), HeadGates(gates)).numpy()
    return logits


def test_heads_that_are_off_are_said_and_change_the_class(
    classifier: Classifier, reading: Reading
) -> None:
    silenced = classifier.read(TEXT, without=reversed(OFF))
    assert silenced.without == OFF
    assert reading.without == classifier.off == ()
    assert silenced.fingerprint == reading.fingerprint
    assert np.abs(silenced.prediction.logits - reading.prediction.logits).max() > 1e-3
    np.testing.assert_allclose(
        silenced.prediction.logits, gated_logits(classifier, TEXT, OFF), atol=1e-5
    )
    again = classifier.read(TEXT)
    np.testing.assert_array_equal(again.prediction.logits, reading.prediction.logits)


def test_where_a_head_looks_is_recorded_though_it_is_off(
    classifier: Classifier, reading: Reading
) -> None:
    silenced = classifier.read(TEXT, without=[(0, 1)])
    np.testing.assert_array_equal(silenced.attention.weights[0], reading.attention.weights[0])
    assert np.abs(silenced.attention.weights[1] - reading.attention.weights[1]).max() > 1e-4


def test_more_heads_go_off_beside_those_that_are(classifier: Classifier) -> None:
    silenced = classifier.without([OFF[0]])
    assert silenced.without([OFF[1]]) is classifier.without(OFF)
    assert silenced.without([]) is silenced
    assert silenced.without([OFF[0]]) is silenced
    assert classifier.without([]) is classifier
    assert silenced.capabilities is classifier.capabilities
    assert silenced.read(TEXT, without=[OFF[1]]).without == OFF


def n_hooks_of_ours(module: nn.Module) -> int:
    """Hooks that a classifier has for good; other tests put some of theirs there for a while."""
    hooks = (*module._forward_hooks.values(), *module._forward_pre_hooks.values())
    return sum(hook.__module__.startswith("viz.") for hook in hooks)


def test_all_weights_but_output_projections_are_shared(classifier: Classifier) -> None:
    silenced = classifier.without([(1, 0)])
    own = dict(classifier.model.named_parameters())
    others = {
        name
        for name, parameter in silenced.model.named_parameters()
        if parameter.data_ptr() != own[name].data_ptr()
    }
    projection = classifier.output_projections[1]
    assert (
        others == {projection.parameter} == {"bert.encoder.layer.1.attention.output.dense.weight"}
    )
    weight = silenced.model.get_parameter(projection.parameter)
    size = weight.shape[1] // classifier.n_heads
    assert projection.columns.tolist() == np.arange(weight.shape[1]).reshape(-1, size).tolist()
    assert not weight[:, :size].any()
    torch.testing.assert_close(weight[:, size:], own[projection.parameter][:, size:])
    for part, twin in zip(classifier.model.modules(), silenced.model.modules(), strict=True):
        assert n_hooks_of_ours(part) == n_hooks_of_ours(twin)


def test_what_is_explained_is_the_text_as_it_was_read(classifier: Classifier) -> None:
    silenced, reading = classifier.without(OFF), classifier.read(TEXT, without=OFF)
    whole = Perturbation(classifier, reading.encoding)
    for method in ("decomposition", "occlusion", "grad-attention", "value-zeroing"):
        expected = attribute(silenced, reading, method)
        found = attribute(classifier, reading, method, shared=whole)
        np.testing.assert_array_equal(found.scores, expected.scores)
    assert whole.n_read == 0
    parts = attribute(classifier, reading)
    assert parts.bias is not None
    assert parts.scores.sum() + parts.bias == pytest.approx(parts.value, rel=1e-4, abs=1e-5)
    badge = evidence(classifier, reading, parts)
    assert badge == evidence(silenced, reading, parts)
    assert badge != evidence(classifier, classifier.read(TEXT), parts)
    (row,) = compare(classifier, reading, ["occlusion"]).rows
    assert row.scores is not None
    words = whole.to_words(attribute(silenced, reading, "occlusion").scores)
    np.testing.assert_allclose(row.scores, words, atol=1e-6)


def test_a_head_that_is_off_contributes_nothing(classifier: Classifier) -> None:
    reading = classifier.read(TEXT, without=OFF)
    shares = contribution(classifier, reading).values
    lost, slopes = ablate(classifier, reading), gate_gradients(classifier, reading)
    for layer, head in OFF:
        assert not shares[layer, head].any()
        assert lost[layer, head] == pytest.approx(0, abs=1e-6)
        assert slopes[layer, head] == 0
    assert shares[0, 0].any()
    assert np.abs(lost).max() > 1e-3


def test_a_reading_with_other_heads_is_refused(classifier: Classifier, reading: Reading) -> None:
    for wrong in (reading, classifier.read(TEXT, without=[OFF[1]])):
        with pytest.raises(SelectionError, match=r"the classifier has head L0 · H1 off; read"):
            attribute(classifier.without([OFF[0]]), wrong)


@pytest.mark.parametrize("head", [(9, 0), (0, 9), (-1, 0), (0, -1)])
def test_a_head_that_does_not_exist_is_refused(
    classifier: Classifier, head: tuple[int, int]
) -> None:
    with pytest.raises(
        SelectionError, match=r"^Head -?\d of layer -?\d does not exist; .* 0 to 3\.$"
    ):
        classifier.read(TEXT, without=[head])


@pytest.mark.parametrize("heads", [[(1.5, 2)], ["3.7"], [3], [(0, 1, 2)]])
def test_what_is_no_pair_of_whole_numbers_is_refused(classifier: Classifier, heads: Any) -> None:
    with pytest.raises(SelectionError, match="Heads are pairs of whole numbers"):
        classifier.without(heads)


def test_layers_that_share_their_weights_are_told_apart(tmp_path: Path) -> None:
    """ALBERT's are one module, called again and again."""
    albert = Classifier.load(family_checkpoint(tmp_path / "albert", "albert"), dtype=torch.float64)
    text = "oil prices rise as stocks fall"
    logits = []
    for layer in range(albert.n_layers):
        heads = ((layer, 1),)
        reading = albert.read(text, without=heads)
        logits.append(reading.prediction.logits)
        np.testing.assert_allclose(logits[-1], gated_logits(albert, text, heads), atol=1e-12)
        assert not contribution(albert, reading).values[layer, 1].any()
        assert contribution(albert, reading).values[layer - 1, 1].any()
        value_zeroing = attribute(albert, reading, "value-zeroing")
        assert np.isfinite(value_zeroing.scores).all()
    assert np.abs(np.diff(logits, axis=0)).max(1).min() > 1e-4


def test_what_was_not_proved_is_refused(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = Classifier.load(checkpoint, device="cpu")
    right = classifier.output_projections
    wrong = tuple(replace(each, columns=each.columns.roll(1, 0)) for each in right)
    monkeypatch.setattr(classifier._silenced, "_projections", wrong)
    with pytest.raises(MethodError, match="can't be turned off"):
        classifier.without([(0, 1)])


def test_threads_with_different_heads_stay_apart(classifier: Classifier) -> None:
    sets: list[Heads] = [(), ((0, 0),), ((0, 1),), ((1, 0), (1, 1))] * 3
    expected = {heads: classifier.read(TEXT, without=heads).prediction.logits for heads in sets}
    with ThreadPoolExecutor(4) as pool:
        readings = list(pool.map(lambda heads: classifier.read(TEXT, without=heads), sets))
    for heads, reading in zip(sets, readings, strict=True):
        np.testing.assert_array_equal(reading.prediction.logits, expected[heads])


def test_few_twins_are_kept(checkpoint: Path) -> None:
    classifier = Classifier.load(checkpoint, device="cpu")
    first = classifier.without([(0, 0)])
    assert classifier.without([(0, 0)]) is first
    heads = [(layer, head) for layer in (1, 2) for head in range(classifier.n_heads)]
    for count in range(1, MAX_TWINS + 1):
        classifier.without(heads[:count])
    assert len(classifier._silenced._kept) == MAX_TWINS
    again = classifier.without([(0, 0)])
    assert again is not first
    np.testing.assert_array_equal(
        again.read(TEXT).prediction.logits, first.read(TEXT).prediction.logits
    )


def test_weights_are_made_random_with_all_heads(classifier: Classifier) -> None:
    reading = classifier.read(TEXT, without=OFF)
    with pytest.raises(
        MethodError, match="A sanity check is of a checkpoint with all of its heads; turn them on"
    ):
        sanity(classifier.without(OFF), [reading], ["occlusion"])
    with pytest.raises(SelectionError, match="read the text again"):
        sanity(classifier, [reading], ["occlusion"])


def test_a_network_without_maps_has_no_heads_to_turn_off(tmp_path: Path) -> None:
    fnet = Classifier.load(family_checkpoint(tmp_path / "fnet", "fnet"))
    with pytest.raises((MethodError, MissingAttentionError), match="no attention to show"):
        fnet.without([(0, 0)])
