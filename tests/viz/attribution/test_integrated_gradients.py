"""Integrated gradients against captum; what both methods that follow a path have in common."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, LayerIntegratedGradients
from torch import Tensor

from tests.tiny_models import tiny_checkpoint, tiny_mpnet
from viz import Classifier, attribute
from viz.attribution import embedding_path, integrated_gradients, path_integral
from viz.attribution.attention_attribution import ATTENTION_ATTRIBUTION
from viz.attribution.integrated_gradients import INTEGRATED_GRADIENTS
from viz.attribution.method import AttributionInput, Method, TokenScores
from viz.attribution.path_integral import Points, gauss_legendre, midpoints
from viz.attribution.target import Target
from viz.errors import MethodError

TEXT = "Oil prices rise as stockss fall, the market was not good!"
PAIR = "The team wins"
MARGIN = Target(1, 3)


@pytest.fixture(scope="module")
def double(family_checkpoint: Path) -> Classifier:
    """Each family, computed in double precision."""
    return Classifier.load(family_checkpoint, dtype=torch.float64, device="cpu")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A tiny BERT in double precision."""
    folder = tiny_checkpoint(tmp_path_factory.mktemp("path") / "bert")
    return Classifier.load(folder, dtype=torch.float64, device="cpu")


def run(
    classifier: Classifier,
    how: Method,
    text: str = TEXT,
    pair: str | None = None,
    target: Target = MARGIN,
    progress: Callable[[float], None] = lambda passes: None,
    **options: Any,
) -> TokenScores:
    """What `attribute` makes of a text, before it is packed."""
    reading = classifier.read(text, pair)
    return how.run(
        AttributionInput(classifier, reading, target, how.resolve_options(options), progress)
    )


def one_round(patch: pytest.MonkeyPatch, n_steps: int) -> None:
    """Let no sum be refined past `n_steps`."""
    patch.setattr(path_integral, "MAX_STEPS", n_steps)


def weigh_as_captum_does(patch: pytest.MonkeyPatch) -> None:
    """Round the weights of the points to single precision, as captum does even in double."""

    def rounded(n_steps: int, like: Tensor) -> Points:
        exact = gauss_legendre(n_steps, like)
        return Points(exact.places, exact.weights.float().to(like.dtype))

    patch.setattr(integrated_gradients, "gauss_legendre", rounded)


def test_points_integrate_polynomials_exactly() -> None:
    for n_steps in (1, 2, 10):
        points = gauss_legendre(n_steps, torch.zeros(0, dtype=torch.float64))
        for power in range(2 * n_steps):
            found = (points.weights * points.places**power).sum().item()
            assert found == pytest.approx(1 / (power + 1), abs=1e-13)
    middle = midpoints(4, torch.zeros(0, dtype=torch.float64))
    assert middle.places.tolist() == [0.125, 0.375, 0.625, 0.875]
    assert middle.weights.tolist() == [0.25] * 4


def baseline_ids(classifier: Classifier, text: str, token: int) -> Tensor:
    """The ids of a text whose words are all hidden."""
    encoding = classifier.encode(text)
    ids = [
        int(id_) if piece.special else token
        for id_, piece in zip(encoding.inputs["input_ids"], encoding.tokens, strict=True)
    ]
    return torch.tensor([ids])


def captum_scores(classifier: Classifier, baseline: Tensor, n_steps: int) -> np.ndarray:
    """IntegratedGradients of captum between two sets of word embeddings."""
    inputs = {name: torch.tensor(v)[None] for name, v in classifier.encode(TEXT).inputs.items()}
    embed = classifier.model.get_input_embeddings()
    words = embed(inputs.pop("input_ids"))

    def forward(embeddings: Tensor) -> Tensor:
        rows = {name: values.expand(len(embeddings), -1) for name, values in inputs.items()}
        logits: Tensor = classifier.model(inputs_embeds=embeddings, **rows).logits
        return MARGIN.value(logits)

    found = IntegratedGradients(forward).attribute(
        words, baseline, n_steps=n_steps, method="gausslegendre"
    )
    scores: np.ndarray = found[0].sum(-1).detach().numpy()
    return scores


@pytest.mark.parametrize("baseline", ["mask", "pad", "zero"])
def test_integrated_gradients_equal_captum(
    double: Classifier, baseline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_round(monkeypatch, 20)
    weigh_as_captum_does(monkeypatch)
    tokenizer = double.tokenizer
    token = tokenizer.pad_token_id if baseline == "pad" else tokenizer.mask_token_id
    embedded = double.model.get_input_embeddings()(baseline_ids(double, TEXT, token))
    if baseline == "zero":
        hidden = [not token.special for token in double.encode(TEXT).tokens]
        embedded[:, hidden] = 0
    found = run(double, INTEGRATED_GRADIENTS, baseline=baseline, n_steps=20)
    expected = captum_scores(double, embedded, 20)
    np.testing.assert_allclose(found.scores, expected, rtol=0, atol=1e-10)
    assert found.measured["n_steps"] == 20


def test_integrated_gradients_equal_captums_at_the_embedding_layer(
    bert: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions are those of the text on both sides, which `inputs_embeds` might not show."""
    one_round(monkeypatch, 10)
    weigh_as_captum_does(monkeypatch)
    inputs = {name: torch.tensor(v)[None] for name, v in bert.encode(TEXT).inputs.items()}
    ids = inputs.pop("input_ids")

    def forward(ids: Tensor) -> Tensor:
        rows = {name: values.expand(len(ids), -1) for name, values in inputs.items()}
        logits: Tensor = bert.model(input_ids=ids, **rows).logits
        return MARGIN.value(logits)

    layer = bert.model.get_input_embeddings()
    # captum differentiates by the layer's output, which frozen weights would leave out.
    layer.weight.requires_grad_()
    try:
        expected = LayerIntegratedGradients(forward, layer).attribute(
            ids,
            baseline_ids(bert, TEXT, bert.tokenizer.mask_token_id),
            n_steps=10,
            method="gausslegendre",
        )
    finally:
        layer.weight.requires_grad_(False)
    found = run(bert, INTEGRATED_GRADIENTS, n_steps=10)
    expected_scores = expected[0].sum(-1).detach().numpy()
    np.testing.assert_allclose(found.scores, expected_scores, rtol=0, atol=1e-10)


def test_scores_add_up_to_the_difference_from_the_baseline(double: Classifier) -> None:
    found = run(double, INTEGRATED_GRADIENTS, pair=PAIR)
    reading = double.read(TEXT, PAIR)
    inputs = dict(reading.encoding.inputs)
    special = np.array([token.special for token in reading.encoding.tokens])
    inputs["input_ids"] = np.where(
        special, inputs["input_ids"], double.tokenizer.mask_token_id
    ).astype(np.int64)
    start = float(MARGIN.value(double.logits([inputs])[0]))
    difference = float(MARGIN.value(reading.prediction.logits)) - start
    assert found.measured["baseline_value"] == pytest.approx(start, abs=1e-10)
    gap = abs(float(found.scores.sum()) - difference) / abs(difference)
    assert found.measured["convergence_delta"] == pytest.approx(gap, abs=1e-9)
    # The rectifier in DistilBERT's head has a kink that this sum does not integrate as well.
    assert gap < 0.02
    assert (found.notes == ()) == (gap < 0.01)
    assert (found.scores[special] == 0).all()
    assert (found.scores[~special] != 0).all()


def test_a_text_that_is_its_own_baseline_has_no_scores(double: Classifier) -> None:
    text = " ".join(["market"] * 5)
    token = double.tokenizer.convert_tokens_to_ids("market")
    before = double.tokenizer.mask_token
    double.tokenizer.mask_token = "market"
    try:
        assert double.tokenizer.mask_token_id == token
        found = run(double, INTEGRATED_GRADIENTS, text)
    finally:
        double.tokenizer.mask_token = before
    assert (found.scores == 0).all()
    assert found.measured["convergence_delta"] == pytest.approx(0, abs=1e-10)
    assert found.notes == ()


def test_where_the_model_is_linear_the_gradient_times_the_step_is_the_score(
    bert: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A linear model in place of BERT: one weight vector a position, whatever the path."""
    generator = torch.Generator().manual_seed(0)
    embed = bert.model.get_input_embeddings()
    n_tokens = bert.encode(TEXT).n_tokens
    slope = torch.randn(n_tokens, embed.embedding_dim, 4, generator=generator).double()

    class Output:
        def __init__(self, logits: Tensor) -> None:
            self.logits = logits

    class Linear:
        dtype = torch.float64

        def get_input_embeddings(self) -> Any:
            return embed

        def modules(self) -> list[Any]:
            return [embed]

        def __call__(self, input_ids: Tensor, **rest: Tensor) -> Output:
            return Output(torch.einsum("btd,tdc->bc", embed(input_ids), slope))

    reading = bert.read(TEXT)
    monkeypatch.setattr(bert, "model", Linear())
    how = INTEGRATED_GRADIENTS
    found = how.run(
        AttributionInput(
            bert, reading, MARGIN, how.resolve_options({"n_steps": 10, "baseline": "zero"})
        )
    )
    words = embed(torch.tensor(reading.encoding.inputs["input_ids"]))
    expected = (words * MARGIN.value(slope)).sum(-1)
    for index in (0, -1):
        expected[index] = 0
    np.testing.assert_allclose(found.scores, expected.numpy(), rtol=0, atol=1e-10)
    assert found.measured["n_steps"] == 10


def rough() -> Iterator[tuple[Method, dict[str, Any], str]]:
    """Both methods with too few steps, and how their warnings begin."""
    yield INTEGRATED_GRADIENTS, {"n_steps": 10, "baseline": "zero"}, "Integrated gradients have"
    yield ATTENTION_ATTRIBUTION, {"n_steps": 1, "layer": 0}, "Attention attribution has"


@pytest.mark.parametrize(("how", "options", "start"), rough())
def test_what_does_not_add_up_is_refined_and_then_flagged(
    bert: Classifier,
    how: Method,
    options: dict[str, Any],
    start: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(path_integral, "TOLERANCE", 1e-7)
    first = options["n_steps"]
    refined = run(bert, how, **options)
    assert refined.measured["n_steps"] > first
    one_round(monkeypatch, first)
    flagged = run(bert, how, **options)
    assert flagged.measured["n_steps"] == first
    assert flagged.measured["convergence_delta"] > refined.measured["convergence_delta"]
    (note,) = flagged.notes
    assert note.startswith(f"{start} not converged: after {first} step")


@pytest.mark.parametrize("how", [INTEGRATED_GRADIENTS, ATTENTION_ATTRIBUTION])
def test_the_batch_does_not_show(
    double: Classifier, how: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = run(double, how)
    monkeypatch.setattr(embedding_path, "MAX_TOKENS", 1)
    np.testing.assert_allclose(run(double, how).scores, together.scores, rtol=0, atol=1e-12)


@pytest.mark.parametrize("how", [INTEGRATED_GRADIENTS, ATTENTION_ATTRIBUTION])
def test_passes_are_told_as_they_are_done(bert: Classifier, how: Method) -> None:
    told: list[float] = []
    found = run(bert, how, n_steps=30, progress=told.append)
    assert found.measured["n_steps"] == 30
    assert sum(told) == 2 + 2 * 30
    assert len(told) == 1 + 4


def test_a_tokenizer_without_a_mask_is_one_sentence(
    bert: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = bert.read(TEXT)
    monkeypatch.setattr(bert, "tokenizer", type("Bare", (), {"mask_token_id": None}))
    how = INTEGRATED_GRADIENTS
    with pytest.raises(MethodError, match=r"^The tokenizer of .* no mask token; choose .* zero\.$"):
        how.run(AttributionInput(bert, reading, MARGIN, how.resolve_options({})))


def test_without_a_mask_the_way_begins_at_nothing(tmp_path: Path) -> None:
    plain = Classifier.load(tiny_checkpoint(tmp_path / "plain"))
    reading, steps = plain.read(TEXT), {"n_steps": 10}
    zero = attribute(plain, reading, "integrated-gradients", options={**steps, "baseline": "zero"})
    plain.tokenizer.mask_token = None
    found = attribute(plain, reading, "integrated-gradients", options=steps)
    assert found.options["baseline"] == "zero"
    np.testing.assert_array_equal(found.scores, zero.scores)
    plain.tokenizer.pad_token = None
    with pytest.raises(MethodError, match=r"'pad', for .* has no pad token; it can be zero\.$"):
        attribute(plain, reading, "integrated-gradients", options={"baseline": "pad"})


def test_words_are_followed_where_attention_is_out_of_our_reach(tmp_path: Path) -> None:
    other = Classifier.load(tiny_mpnet(tmp_path), dtype=torch.float64)
    found = run(other, INTEGRATED_GRADIENTS, target=Target(1, 2))
    assert found.measured["convergence_delta"] < 0.01


@pytest.mark.parametrize("how", [INTEGRATED_GRADIENTS, ATTENTION_ATTRIBUTION])
def test_what_is_expected_of_the_defaults_is_the_cost_that_is_shown(how: Method) -> None:
    assert how.forward_passes(40, 6, how.resolve_options({})) == how.cost
    assert how.costly
