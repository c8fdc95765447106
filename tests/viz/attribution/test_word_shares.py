"""Words share what hiding all of them changes, in the order and direction of their scores."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from finetune.checkpoint.windows import WindowSettings
from tests.families import family_checkpoint
from tests.tiny_models import tiny_checkpoint, without_mask_token
from viz import Classifier, attribute, attribute_document, read_document
from viz.attention.words import merge, spans
from viz.attribution import METHODS, Target
from viz.attribution.word_shares import share_factors, word_shares
from viz.documents.document_versions import DocumentVersions
from viz.errors import MethodError
from viz.model.perturbation import Perturbation
from viz.types import Attribution, Reading, WordShares

TEXT = "Oil prices rise as stocks fall, the market was not good."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shares")


def hidden_by_hand(classifier: Classifier, reading: Reading, attribution: Attribution) -> float:
    """The explained scalar with every word replaced by the mask token, or taken out."""
    encoding, mask = reading.encoding, classifier.tokenizer.mask_token_id
    words = np.array([not token.special for token in encoding.tokens])
    if mask is None and words.all():  # nothing is left
        inputs = {"input_ids": np.array([classifier.tokenizer.eos_token_id])}
        inputs["attention_mask"] = np.array([1])
    elif mask is None:
        inputs = {name: ids[~words] for name, ids in encoding.inputs.items()}
    else:
        inputs = dict(encoding.inputs)
        inputs["input_ids"] = np.where(words, mask, inputs["input_ids"])
    target = Target(attribution.target_class, attribution.against_class, attribution.against_all)
    return float(target.value(classifier.logits([inputs]).astype(np.float64))[0])


def check(classifier: Classifier, reading: Reading, attribution: Attribution) -> WordShares:
    """All that shares promise."""
    shares = attribution.shares
    assert shares is not None
    assert shares.hidden == pytest.approx(hidden_by_hand(classifier, reading, attribution), 1e-4)
    assert shares.hidden + shares.scores.sum() == pytest.approx(attribution.value, abs=1e-5)
    units = spans(reading.encoding)
    raw, shown = merge(attribution.scores, units), merge(attribution.shown, units)
    words = np.array([not unit.special for unit in units])
    assert not shown[~words].any()
    raw, shown = raw[words], shown[words]
    assert (np.sign(raw) == np.sign(shown)).all()
    assert (np.argsort(raw, kind="stable") == np.argsort(shown, kind="stable")).all()
    return shares


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("classes", {}),
        ("multi-label", {"problem_type": "multi_label_classification"}),
        ("regression", {"labels": ("score",), "problem_type": "regression"}),
        ("no mask token", None),
        ("decoder", None),
    ],
)
@pytest.mark.parametrize("pair", [None, "The team wins the game."])
def test_shares_add_up_in_order(
    folder: Path, kind: str, settings: dict[str, Any] | None, pair: str | None
) -> None:
    path = folder / f"{kind} {pair is None}"
    if settings is not None:
        tiny_checkpoint(path, **settings)
    elif kind == "decoder":
        family_checkpoint(path, "gpt2")
    else:
        without_mask_token(path)
    classifier = Classifier.load(path)
    reading = classifier.read(TEXT, pair)
    for method in ("decomposition-path", "decomposition", "grad-attention", "occlusion"):
        attribution = attribute(classifier, reading, method)
        if attribution.shares is None:  # words of a random model may all point one way
            assert "so no shares of the words add up" in attribution.notes[-1]
            continue
        shares = check(classifier, reading, attribution)
        assert shares.operator == ("mask" if settings is not None else "delete")


def test_the_scale_of_scores_does_not_matter(classifier: Classifier, reading: Reading) -> None:
    attribution = attribute(classifier, reading, "decomposition-path", shares=False)
    versions = Perturbation(classifier, reading.encoding)
    shares = word_shares(attribution, versions)
    for factor in (1e-9, 7.0, 1e12):
        other = replace(attribution, scores=attribution.scores.astype(np.float64) * factor)
        np.testing.assert_allclose(word_shares(other, versions).scores, shares.scores, rtol=1e-9)
    assert versions.n_read == 3
    assert attribution.shares is None
    assert attribution.shown is attribution.scores


def test_scores_far_from_0_are_stretched_too(folder: Path) -> None:
    """As those of years: 0.1% of one is more than what all words of a text change."""
    path = tiny_checkpoint(folder / "years", labels=("year",), problem_type="regression")
    file = path / "model.safetensors"
    weights = load_file(file)
    weights["classifier.weight"] *= 15
    weights["classifier.bias"] += 2000
    save_file(weights, file, {"format": "pt"})
    classifier = Classifier.load(path)
    reading = classifier.read("bad movie was not very good")
    for method, stretched in (("decomposition", True), ("occlusion", True), ("shapley", False)):
        attribution = attribute(classifier, reading, method)
        shares = attribution.shares
        assert shares is not None
        difference = shares.value - shares.hidden
        assert 0.1 < abs(difference) < 2
        assert float(shares.scores.sum()) == pytest.approx(difference, rel=2e-3)
        assert (shares.factors != (1.0, 1.0)) == stretched


@pytest.mark.parametrize("operator", ["mask", "delete"])
def test_shapley_values_and_integrated_gradients_split_the_same_difference(
    classifier: Classifier, operator: str
) -> None:
    """Their own sums are an oracle of the hidden value; nothing is stretched."""
    reading = classifier.read("Oil prices rise.")
    for method, options in (
        ("shapley", {"operator": operator}),
        ("kernel-shap", {"operator": operator, "rows": 20}),
        ("integrated-gradients", {}),
    ):
        own = attribute(classifier, reading, method, options=options)
        gap = own.value - check(classifier, reading, own).hidden if operator == "mask" else None
        if own.shares is not None:
            assert own.shares.factors == (1.0, 1.0)
            np.testing.assert_allclose(own.shown, own.scores)
        if gap is not None:
            assert own.scores.sum() == pytest.approx(gap, rel=2e-3)
    zeros = attribute(classifier, reading, "integrated-gradients", options={"baseline": "zero"})
    assert zeros.shares is None
    assert zeros.shown is zeros.scores


def test_unsigned_scores_stay_as_they_are(classifier: Classifier, reading: Reading) -> None:
    for name in ("attention", "saliency", "random"):
        assert not (METHODS[name].signed and METHODS[name].class_specific)
        attribution = attribute(classifier, reading, name)
        assert attribution.shares is None
        assert not attribution.notes


def test_errors_are_stretched_with_their_scores(classifier: Classifier, reading: Reading) -> None:
    attribution = attribute(classifier, reading, "lime", options={"rows": 40})
    assert attribution.shares is not None
    assert attribution.errors is not None
    assert attribution.shown_errors is not None
    some = attribution.scores != 0
    np.testing.assert_allclose(
        (attribution.shown_errors * attribution.scores)[some],
        (attribution.errors * np.abs(attribution.shown) * np.sign(attribution.scores))[some],
        rtol=1e-5,
    )


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_words_of_a_document_share_what_hiding_all_of_them_changes(
    classifier: Classifier, pooling: Any
) -> None:
    windowed = classifier.with_windows(WindowSettings(stride=20, pooling=pooling))
    document = read_document(windowed, " ".join([TEXT] * 8))
    attribution = attribute_document(windowed, document, "decomposition-path")
    assert len(document.windows) > 1
    assert attribution.shares is not None
    versions = DocumentVersions(windowed, document)
    nothing = np.zeros((1, versions.n_words), dtype=bool)
    target = Target(attribution.target_class, attribution.against_class, attribution.against_all)
    hidden = float(target.value(versions.logits(nothing, "mask"))[0])
    assert attribution.shares.hidden == pytest.approx(hidden, abs=1e-5)
    assert hidden + attribution.shown.sum() == pytest.approx(attribution.value, abs=1e-4)


@pytest.mark.parametrize("difference", [-5.0, -1e-6, 0.0, 0.3, 4.0])
@pytest.mark.parametrize("adds", [-7.0, -0.2, 0.0, 0.1, 6.0])
def test_factors_make_both_sides_add_up(adds: float, difference: float) -> None:
    sides = (adds, difference - adds)
    if not any(sides):
        with pytest.raises(MethodError, match="neither side of the words changes anything"):
            share_factors((2.0, 3.0), sides)
        return
    factor, other = share_factors((2.0, 3.0), sides)
    assert factor > 0
    assert other > 0
    assert 2 * factor - 3 * other == pytest.approx(difference, abs=1e-9)
    size = 2 * factor + 3 * other
    assert size <= 1.42 * sum(map(abs, sides)) + 1e-9  # the square root of 2, and the least side
    if sides[0] > 0.01 and sides[1] < -0.01:  # each side does what its sign says: nothing is bent
        assert (2 * factor, -3 * other) == pytest.approx(sides)


@pytest.mark.parametrize(
    ("sums", "difference", "reason"),
    [
        ((2.0, 0.0), -1.0, "all words speak for it"),
        ((0.0, 2.0), 1.0, "all words speak against it"),
        ((0.0, 0.0), 1.0, "no word speaks for or against"),
    ],
)
def test_what_cannot_add_up_is_refused(
    sums: tuple[float, float], difference: float, reason: str
) -> None:
    with pytest.raises(MethodError, match=reason):
        share_factors(sums, (difference / 2, difference / 2))
    if any(sums):
        factors = share_factors(sums, (-difference / 2, -difference / 2))
        assert sums[0] * factors[0] - sums[1] * factors[1] == pytest.approx(-difference)


def test_a_record_of_shares_checks_itself() -> None:
    good = WordShares(np.array([1.0, -0.4]), 0.4, 1.0, "mask")
    assert not good.scores.flags.writeable
    with pytest.raises(ValueError, match=r"0\.1 away from the explained"):
        WordShares(np.array([1.0, -0.3]), 0.4, 1.0, "mask")
    with pytest.raises(ValueError, match=r"0\.1 away from the explained"):
        WordShares(np.array([1.0, -0.3]), 1990.4, 1991.0, "mask")
    rounding = WordShares(np.array([1.001, -0.4]), 1990.4, 1991.0, "mask")
    assert rounding.factors == (1.0, 1.0)
    with pytest.raises(ValueError, match="above 0"):
        replace(good, factors=(1.0, 0.0))
