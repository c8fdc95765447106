"""Vector norms, GlobEnc and ALTI against slow loops written from their formulas."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.architectures import architecture_checkpoint
from tests.layer_activations import Layer, trace
from viz import Classifier
from viz.attribution import norms
from viz.attribution.layers import RecordedLayer, recorded_layers
from viz.attribution.method import AttributionInput, Method
from viz.attribution.norms import (
    ALTI,
    GLOBENC,
    NORMS,
    Rule,
    by_distance,
    by_encoded_length,
    mixing_matrix,
)
from viz.attribution.target import Target
from viz.errors import MethodError

TEXT = "Oil prices rise as stockss fall, the market was not good!"
EPS = 1e-12  # of every LayerNorm of the tiny checkpoints


@pytest.fixture(scope="module")
def double(family_checkpoint: Path) -> Classifier:
    return Classifier.load(family_checkpoint, dtype=torch.float64, device="cpu")


def task(classifier: Classifier, method: Method = GLOBENC, **options: object) -> AttributionInput:
    return AttributionInput(
        classifier, classifier.read(TEXT), Target(1, 0), method.resolve_options(options)
    )


def layers_of(classifier: Classifier) -> list[RecordedLayer]:
    return recorded_layers(classifier, classifier.encode(TEXT))


def taken(seen: Layer, query: int, key: int) -> np.ndarray:
    """What a query takes from a key: sum_h A[h, q, k] v[h, k] W_O[h].  (D,)"""
    total = np.zeros(seen["output.weight"].shape[0])
    size = seen["value.out"].shape[1] // len(seen["A"])
    for head, weights in enumerate(seen["A"]):
        own = slice(head * size, (head + 1) * size)
        projected = seen["output.weight"][:, own] @ seen["value.out"][key, own]
        total += weights[query, key] * projected
    return total


def kept(seen: Layer, query: int, key: int) -> np.ndarray:
    """The same with the residual of the query itself.  (D,)"""
    return taken(seen, query, key) + (seen["value.in"][query] if query == key else 0)


def normalized(seen: Layer, norm: str, query: int, vector: np.ndarray) -> np.ndarray:
    """A share of a LayerNorm's output.  (D,)"""
    spread = np.sqrt(np.var(seen[f"{norm}.in"][query]) + EPS)
    return np.asarray((vector - vector.mean()) / spread * seen[f"{norm}.weight"])


def globenc(seen: Layer, query: int, key: int) -> float:
    once = normalized(seen, "first", query, kept(seen, query, key))
    return float(np.linalg.norm(normalized(seen, "second", query, once)))


def alti(seen: Layer, query: int, key: int) -> float:
    share = normalized(seen, "first", query, kept(seen, query, key))
    whole = seen["first.out"][query]
    return max(0.0, float(np.abs(whole).sum() - np.abs(whole - share).sum()))


def matrix(seen: Layer, rule: Callable[[Layer, int, int], float]) -> np.ndarray:
    """A layer's mixing_matrix matrix, one query and key after the other.  (T, T)"""
    places = range(len(seen["value.in"]))
    raw = np.array([[rule(seen, query, key) for key in places] for query in places])
    return np.asarray(raw / raw.sum(1, keepdims=True))


@pytest.mark.parametrize(("method", "rule"), [(GLOBENC, globenc), (ALTI, alti)])
def test_the_cls_row_of_the_product_equals_a_slow_loop(
    double: Classifier, method: Method, rule: Callable[[Layer, int, int], float]
) -> None:
    product = np.eye(double.read(TEXT).encoding.n_tokens)
    for seen in trace(double, double.read(TEXT)):
        product = matrix(seen, rule) @ product
    found = method.run(task(double, method)).scores
    np.testing.assert_allclose(found, product[0], rtol=0, atol=1e-9)
    assert found.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("kind", ["attention", "residual"])
def test_norms_are_the_lengths_of_what_cls_takes_in_the_last_layer(
    double: Classifier, kind: str
) -> None:
    last = trace(double, double.read(TEXT))[-1]
    places = range(len(last["value.in"]))
    vectors = [taken(last, 0, key) for key in places]
    if kind == "residual":
        vectors = [normalized(last, "first", 0, kept(last, 0, key)) for key in places]
    found = NORMS.run(task(double, NORMS, kind=kind)).scores
    np.testing.assert_allclose(found, np.linalg.norm(vectors, axis=1), rtol=0, atol=1e-9)


def test_what_keys_hand_on_adds_up_to_what_enters_the_first_norm(double: Classifier) -> None:
    seen = trace(double, double.read(TEXT))
    with torch.inference_mode():
        for layer, expected in zip(layers_of(double), seen, strict=True):
            for state, name in (
                (layer.added, "output.out"),
                (layer.attended, "first.out"),
                (layer.required_output(), "second.out"),
            ):
                every = torch.arange(len(state.value))
                shares = torch.einsum("hqk,hkd->qd", state.weights(every), state.vectors())
                whole = shares + state.terms(every, "residual", "bias", "rest")
                np.testing.assert_allclose(whole, expected[name], rtol=0, atol=1e-12)
                np.testing.assert_allclose(state.rebuilt(every), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", [by_encoded_length, by_distance])
def test_rows_sum_to_one_however_the_work_is_cut(
    double: Classifier, rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    with torch.inference_mode():
        layer = layers_of(double)[0]
        every, some = torch.arange(len(layer.before)), torch.tensor([5, 2])
        whole = mixing_matrix(layer, rule, every)
        monkeypatch.setattr(norms, "CHUNK_BYTES", 3 * layer.before.numel() * 8)
        cut = mixing_matrix(layer, rule, every)
        rows = mixing_matrix(layer, rule, some)
    np.testing.assert_allclose(whole.sum(-1), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(cut, whole, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rows, whole[some], rtol=0, atol=1e-12)


def test_a_row_that_holds_nothing_stays_with_its_own_token(double: Classifier) -> None:
    with torch.inference_mode():
        layer, queries = layers_of(double)[0], torch.tensor([3, 0])
        nothing = mixing_matrix(layer, lambda own, rows: own.heads.weights[0, rows] * 0, queries)
    np.testing.assert_array_equal(nothing, np.eye(len(layer.before))[queries])


@pytest.mark.parametrize("method", [NORMS, GLOBENC, ALTI])
def test_single_precision_finds_the_same_and_tells_of_its_work(
    family_checkpoint: Path, double: Classifier, method: Method
) -> None:
    single = Classifier.load(family_checkpoint)
    done: list[float] = []
    asked = AttributionInput(
        single, single.read(TEXT), Target(1, 0), method.resolve_options({}), done.append
    )
    found = method.run(asked).scores
    np.testing.assert_allclose(found, method.run(task(double, method)).scores, rtol=1e-3)
    assert 1 <= sum(done) <= method.cost


@pytest.mark.parametrize("method", [NORMS, GLOBENC, ALTI])
def test_layers_made_in_another_way_are_refused_in_one_sentence(
    tmp_path: Path, method: Method
) -> None:
    classifier = Classifier.load(architecture_checkpoint(tmp_path, "mobilebert"))
    with pytest.raises(MethodError) as caught:
        method.run(task(classifier, method))
    assert str(caught.value) == (
        "The layers of the architecture MobileBertForSequenceClassification can't be taken apart: "
        "what their heads put out isn't added to the states that they are given; choose another "
        "method."
    )
