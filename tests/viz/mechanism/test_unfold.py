"""Each number of a pass is made by the equation that is shown of it, in every kind of network."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.families import LONG_TEXT, family_checkpoint
from tests.tiny_models import edit_config, tiny_checkpoint
from viz.errors import MethodError, SelectionError
from viz.mechanism.trace.equations import difference, recompute
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.unfold import Unfolder
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.model.classifier import Classifier, default_checkpoint

TEXT = " ".join(LONG_TEXT.split()[:14])
FAMILIES = ("bert", "distilbert", "modernbert", "deberta-v2", "gpt2", "llama", "t5", "albert")


def gap(step: Step) -> float:
    operands = [operand.values for operand in step.operands]
    return difference(recompute(step.operation, operands, step.options), step.result.values)


def worst(unfolding: Unfolding) -> float:
    return max(map(gap, unfolding.steps))


@pytest.fixture(scope="module")
def unfolder() -> Unfolder:
    classifier = Classifier.load(default_checkpoint())
    return Unfolder(classifier, classifier.read("Oil prices rise as stocks fall"))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_equation_of_random_cells_holds(tmp_path: Path, family: str) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / family, family), dtype=torch.float64)
    reading = classifier.read(TEXT)
    unfolder = Unfolder(classifier, reading)
    random = np.random.default_rng(0)
    for _ in range(4):
        cell = tuple(int(random.integers(size)) for size in reading.attention.weights.shape)
        unfolding = unfolder.unfold(*cell)
        assert unfolding.weight == pytest.approx(reading.attention.weights[cell], abs=1e-12)
        assert worst(unfolding) <= 1e-12
        assert {step.name for step in unfolding.steps} >= {"weights", "logits", "probabilities"}


def test_the_score_is_what_the_softmax_is_given(unfolder: Unfolder) -> None:
    unfolding = unfolder.unfold(3, 7, 2, 5)
    query, key = (unfolding.step(name, 3).result.values for name in ("query", "key"))
    assert unfolding.score == pytest.approx(float(query @ key) / np.sqrt(32), abs=1e-5)
    row = unfolding.step("score", 3)
    assert row.result.shape == ()
    scores = [unfolder.unfold(3, 7, 2, key).score for key in range(8)]
    weights = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(weights, unfolder.reading.attention.weights[3, 7, 2], atol=1e-6)


def test_the_story_begins_with_all_embeddings(unfolder: Unfolder) -> None:
    steps = [step for step in unfolder.unfold(2, 0, 3, 1).steps if step.stage == "embeddings"]
    names = {step.name for step in steps if step.result.token == 3}
    assert names == {
        "word embedding",
        "segment embedding",
        "position embedding",
        "embedding sum",
        "state",
    }


def test_no_two_numbers_of_a_token_have_one_symbol(unfolder: Unfolder) -> None:
    steps = unfolder.unfold(2, 1, 3, 1).steps
    for layer in (None, 2):
        own = [s.result for s in steps if s.layer == layer and s.result.shape == (384,)]
        symbols = [term.symbol for term in own if term.name not in {"heads", "query"}]
        assert len(symbols) == len(set(symbols)), symbols
    sums = [step for step in steps if step.name == "embedding sum" and step.result.token == 3]
    assert [step.result.symbol for step in sums] == [r"\epsilon_{3}", r"\epsilon'_{3}"]


def test_a_decoder_behind_an_encoder_is_a_part_of_its_own(tmp_path: Path) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / "bart", "bart"))
    unfolding = Unfolder(classifier, classifier.read(TEXT)).unfold(1, 0, 1, 2)
    stages = [step.stage for step in unfolding.steps]
    assert stages[0] == "embeddings"
    assert stages.index("decoder") < stages.index("classifier")
    assert "decoder" not in stages[stages.index("classifier") :]


def test_a_walk_leads_from_the_class_to_the_ids(unfolder: Unfolder) -> None:
    walk = unfolder.unfold(5, 0, 0, 3).walk
    step: Step | None = unfolder.unfold(5, 0, 0, 3).step("logits")
    names = []
    while step is not None:
        names.append(step.name)
        first = step.operands[0]
        step = walk.made_by(walk.part(first.id, (0,)).id if first.shape == (12, 8) else first.id)
    assert names[:3] == ["logits", "pooled", "pooler"]
    assert names[-1] == "word embedding"


def test_a_number_of_a_vector_has_an_equation_of_its_own(unfolder: Unfolder) -> None:
    unfolding = unfolder.unfold(2, 1, 4, 4)
    for name in ("query", "attention output", "normalization", "activation", "logits"):
        vector = unfolding.step(name).result
        number = unfolding.walk.part(vector.id, (1,))
        assert float(number.values) == vector.values[1]
        step = unfolding.walk.made_by(number.id)
        assert step is not None
        assert step.operation != "opaque"
        assert gap(step) <= 1e-5


@pytest.mark.parametrize("name", ["relu", "gelu", "gelu_new", "silu", "tanh"])
def test_a_number_of_an_activation_is_of_the_same_function_as_all(
    tmp_path: Path, name: str
) -> None:
    folder = tiny_checkpoint(tmp_path / "checkpoint")
    edit_config(folder, hidden_act=name)
    weights = load_file(folder / "model.safetensors")
    wide = {  # so that some numbers lie where several activations give the same
        key: value * 8 if "intermediate.dense.weight" in key else value
        for key, value in weights.items()
    }
    save_file(wide, folder / "model.safetensors", {"format": "pt"})
    classifier = Classifier.load(folder)
    unfolding = Unfolder(classifier, classifier.read("bad movie")).unfold(2, 0, 0, 2)
    whole = unfolding.step("activation", 2)
    assert whole.operation == {"gelu_new": "gelu_tanh"}.get(name, name)
    numbers = [unfolding.walk.part(whole.result.id, (i,)) for i in range(whole.result.shape[0])]
    steps = [unfolding.walk.made_by(number.id) for number in numbers]
    assert {step.operation for step in steps if step} == {whole.operation}


def test_what_uses_a_term_has_it_among_its_operands(unfolder: Unfolder) -> None:
    unfolding = unfolder.unfold(2, 1, 4, 3)
    key = unfolding.step("key", 2).result
    uses = unfolding.walk.uses(key.id)
    assert [use.name for use in uses] == ["product"]
    assert uses[0].result.shape == ()
    state = unfolding.step("state", 1).result
    names = {use.name for use in unfolding.walk.uses(state.id)}
    assert names >= {"query", "key", "value", "residual"}
    assert all(gap(use) <= 1e-5 for use in unfolding.walk.uses(state.id))


def test_a_row_of_a_table_is_named_by_the_id_of_its_token(unfolder: Unfolder) -> None:
    step = unfolder.unfold(1, 2, 3, 4).step("word embedding")
    ids = unfolder.reading.encoding.inputs["input_ids"]
    assert step.result.token is not None
    assert step.operands[0].symbol == rf"E_{{\mathrm{{word}}}}[{ids[step.result.token]}]"


def test_an_id_gives_its_term_again(unfolder: Unfolder) -> None:
    first, second = unfolder.unfold(1, 2, 3, 4), unfolder.unfold(1, 2, 3, 4)
    for step in first.steps:
        for term in (step.result, *step.operands):
            np.testing.assert_array_equal(second.walk.term(term.id).values, term.values)


@pytest.mark.parametrize(
    "term",
    [
        *("", "n5", "n999999.0", "n5.0.9999999x1", "x", "n5:2:1", "c"),
        # More numbers than there is memory for.
        *("n5.-9999999999999999999", "n5.0.4294967296x0.4294967296x0", "n5.0.0x0.4294967296x0"),
    ],
)
def test_an_id_that_names_nothing_is_refused(unfolder: Unfolder, term: str) -> None:
    walk = unfolder.unfold(0, 0, 0, 0).walk
    with pytest.raises(SelectionError):
        walk.term(term)


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ((6, 0, 0, 0), "Layer 6 does not exist; choose one from 0 to 5"),
        ((0, -1, 0, 0), "Head -1 does not exist"),
        ((0, 0, 8, 0), "Query 8 does not exist"),
        ((0, 0, 0, 8), "Key 8 does not exist"),
    ],
)
def test_a_cell_that_is_not_there_is_refused(
    unfolder: Unfolder, cell: tuple[int, int, int, int], sentence: str
) -> None:
    with pytest.raises(SelectionError, match=sentence):
        unfolder.unfold(*cell)


def test_a_reading_with_a_head_that_is_off_now_is_refused() -> None:
    classifier = Classifier.load(default_checkpoint())
    reading = classifier.read("Oil prices rise")
    with pytest.raises(SelectionError, match="made with all heads on, but the classifier has head"):
        Unfolder(classifier.without([(3, 7)]), reading)


def test_a_reading_of_another_classifier_is_refused(tmp_path: Path) -> None:
    own = Classifier.load(family_checkpoint(tmp_path / "a" / "model", "bert"))
    other = Classifier.load(family_checkpoint(tmp_path / "b" / "other", "bert", seed=1))
    with pytest.raises(SelectionError, match="made by 'other', not by 'model'"):
        Unfolder(own, other.read(TEXT))
    other = Classifier.load(family_checkpoint(tmp_path / "c" / "model", "bert", seed=1))
    with pytest.raises(MethodError, match="read the text with this classifier"):
        Unfolder(own, other.read(TEXT))


def test_a_network_without_maps_is_refused(tmp_path: Path) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / "fnet", "fnet"))
    with pytest.raises(MethodError, match="no attention"):
        Unfolder(classifier, classifier.read(TEXT))


def test_a_random_walk_never_leaves_what_holds(unfolder: Unfolder) -> None:
    unfolding = unfolder.unfold(3, 2, 4, 1)
    walk, order = unfolding.walk, random.Random(0)
    term = unfolding.steps[-1].result
    ends = 0
    for _ in range(150):
        step = walk.made_by(term.id)
        uses = walk.uses(term.id)
        assert all(gap(use) <= 1e-5 for use in uses)
        if step is None:
            assert term.source != "computed"
            ends += 1
            term = order.choice(unfolding.steps).result
            continue
        assert gap(step) <= 1e-5
        choices = [*step.operands, *(use.result for use in uses)]
        term = order.choice(choices)
        if term.shape and term.source == "computed" and order.random() < 0.3:
            term = walk.part(term.id, (order.randrange(term.shape[0]),))
    assert ends
