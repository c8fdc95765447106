"""Claims of the lesson: true where they are, and refuted by models made to refute them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.families import family_checkpoint
from tests.synthetic import read, read_without_attention
from tests.tiny_models import tiny_checkpoint
from tests.viz.mechanism.lesson.test_replaced_attention import edited
from viz import Classifier, Contribution, Reading
from viz.errors import SelectionError
from viz.mechanism.lesson.claim import Claim
from viz.mechanism.lesson.hard_look import EMPTY, HARD, hard_looks
from viz.mechanism.lesson.heads import DIFFERENT, distance_of_moved
from viz.mechanism.lesson.language import language
from viz.mechanism.lesson.lesson import STEP_KEYS, Lesson, lesson
from viz.mechanism.lesson.picture import ValuePicture
from viz.mechanism.unfolding.cell import Cell, default_cell
from viz.model import classifier as classifier_module
from viz.types import Attention

TEXT = "Oil prices rise as stocks fall, the market was not good."


def claim(taught: Lesson, step: str, key: str) -> Claim:
    (one,) = [each for each in taught.step(step).claims if each.key == key]
    return one


def test_steps_come_in_order_and_are_computed_once(
    classifier: Classifier, reading: Reading
) -> None:
    taught = lesson(classifier, reading)
    assert [step.key for step in taught] == list(STEP_KEYS)
    assert taught.step("words") is taught.step("words")
    with pytest.raises(SelectionError, match="no step 'backpropagation'"):
        taught.step("backpropagation")


def test_the_cell_is_where_the_deciding_token_looks_hardest_at_a_word(reading: Reading) -> None:
    cell = default_cell(reading)
    tokens = reading.encoding.tokens
    assert cell.query == reading.deciding_token == 0
    words = [i for i, t in enumerate(tokens) if t.text.isalnum() and not t.special]
    assert cell.key in words
    assert reading.attention.weights[cell] == reading.attention.weights[:, :, 0][..., words].max()


@pytest.mark.parametrize("cell", [Cell(3, 0, 0, 0), Cell(0, 4, 0, 0), Cell(0, 0, 0, 99)])
def test_a_cell_that_does_not_exist_is_refused(
    classifier: Classifier, reading: Reading, cell: Cell
) -> None:
    with pytest.raises(SelectionError, match="does not exist; choose one from 0 to"):
        lesson(classifier, reading, cell)


def test_a_lesson_on_a_reading_with_heads_off_is_of_that_network(classifier: Classifier) -> None:
    off = [(layer, head) for layer in range(classifier.n_layers) for head in range(2)]
    silenced = classifier.without(off)
    reading = classifier.read(TEXT, without=off)
    here, there = lesson(classifier, reading), lesson(silenced, reading)
    for step in ("residual", "explanation"):
        claims = [
            [dict(claim.values) for claim in taught.step(step).claims] for taught in (here, there)
        ]
        assert claims[0] == claims[1]
    whole = lesson(classifier, classifier.read(TEXT))
    assert claim(here, "residual", "keeps").values != claim(whole, "residual", "keeps").values


def test_words_that_are_cut_are_counted(classifier: Classifier) -> None:
    whole = claim(lesson(classifier, classifier.read("oil prices")), "words", "pieces")
    assert (whole.holds, whole.values["n_split"]) == (False, 0)
    # A word that the vocabulary lacks is one token as well, though it is no entry of it.
    unknown = claim(lesson(classifier, classifier.read("oil 🎉")), "words", "pieces")
    assert "2. Each of them is one token." in language("en").claim(unknown).numbers
    cut = claim(lesson(classifier, classifier.read("oil pricy")), "words", "pieces")
    assert (cut.holds, cut.values["n_split"], cut.values["word"]) == (True, 1, "pricy")
    assert cut.values["pieces"] == "p ##r ##i ##c ##y"


def test_the_first_vector_depends_on_the_position_only_where_positions_are_added(
    tmp_path: Path, checkpoint: Path, classifier: Classifier, reading: Reading
) -> None:
    here = claim(lesson(classifier, reading), "vectors", "position")
    assert here.holds

    def without_positions(weights: dict[str, torch.Tensor]) -> None:
        weights["bert.embeddings.position_embeddings.weight"].zero_()

    blind = edited(checkpoint, tmp_path / "blind", without_positions)
    there = claim(lesson(blind, blind.read(TEXT)), "vectors", "position")
    assert there.holds is False
    assert there.values["difference"] == pytest.approx(0, abs=1e-6)
    assert claim(lesson(classifier, reading), "vectors", "context").holds


def test_what_makes_up_the_first_vector_is_shown_and_said(
    tmp_path: Path, classifier: Classifier, reading: Reading
) -> None:
    step = lesson(classifier, reading).step("vectors")
    (picture,) = step.pictures
    assert isinstance(picture, ValuePicture)
    assert list(picture.rows) == [
        "word embedding",
        "segment embedding",
        "position embedding",
        "state",
    ]
    model = classifier.model.bert.embeddings
    token = reading.encoding.inputs["input_ids"][0]
    assert picture.values[0] == pytest.approx(model.word_embeddings.weight[token].detach().numpy())
    assert picture.values[2] == pytest.approx(model.position_embeddings.weight[0].detach().numpy())
    assert step.sentences == ("lookup", "with_position", "with_segment", "layer_norm")
    rotary = Classifier.load(family_checkpoint(tmp_path / "llama", "llama"))
    step = lesson(rotary, rotary.read(TEXT)).step("vectors")
    assert step.sentences == ("lookup", "without_position")
    assert [each.name for each in step.equations] == ["word embedding"]


def test_numbers_of_the_steps_are_those_of_the_modules(
    classifier: Classifier, reading: Reading
) -> None:
    """Compared with what the family's own modules put out in a plain pass."""
    cell = Cell(1, 2, 3, 4)
    taught = lesson(classifier, reading, cell)
    layer = classifier.model.bert.encoder.layer[1]
    outputs: dict[str, np.ndarray] = {}
    modules = {
        "query": layer.attention.self.query,
        "key": layer.attention.self.key,
        "value": layer.attention.self.value,
        "attention": layer.attention.output.dense,
        "activation": layer.intermediate,
        "feed-forward": layer.output.dense,
    }
    hooks = [
        module.register_forward_hook(
            lambda module, inputs, output, name=name: outputs.update({name: output[0].numpy()})
        )
        for name, module in modules.items()
    ]
    classifier.logits([reading.encoding.inputs])
    for hook in hooks:
        hook.remove()
    head = slice(16, 24)
    product = outputs["query"][3, head] @ outputs["key"][4, head]
    divisor = claim(taught, "score", "divisor").values
    assert divisor["product"] == pytest.approx(product, rel=1e-4)
    assert divisor["score"] == pytest.approx(product / np.sqrt(8), rel=1e-4)
    weights = reading.attention.weights[1, 2, 3]
    lengths = np.linalg.norm(weights[:, None] * outputs["value"][:, head], axis=1)
    longest = claim(taught, "mix", "heaviest_is_longest").values
    assert longest["longest_length"] == pytest.approx(lengths.max(), rel=1e-4)
    added = claim(taught, "residual", "adds_less").values["added"]
    assert added == pytest.approx(np.linalg.norm(outputs["attention"][3]), rel=1e-4)
    units = np.abs(outputs["activation"][3])
    quiet = claim(taught, "feed_forward", "quiet").values
    assert quiet["share"] == pytest.approx((units < 0.1 * units.max()).mean())
    more = claim(taught, "feed_forward", "more_than_attention").values
    assert more["added"] == pytest.approx(np.linalg.norm(outputs["feed-forward"][3]), rel=1e-4)


def test_one_token_is_too_few_for_most_claims(tmp_path: Path) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / "gpt2", "gpt2"))
    reading = classifier.read("a")
    assert reading.encoding.n_tokens == 1
    taught = lesson(classifier, reading)
    assert claim(taught, "vectors", "position").reason == "one_token"
    assert claim(taught, "score", "mutual").reason == "same_token"
    assert claim(taught, "weights", "few").reason == "one_token"
    assert claim(taught, "heads", "different").reason == "one_token"
    assert {each.holds for each in taught.step("explanation").claims} == {None}


def test_what_goes_to_a_sink_is_missing_from_rows(
    tmp_path: Path, classifier: Classifier, reading: Reading
) -> None:
    assert claim(lesson(classifier, reading), "weights", "sums").holds
    sinks = Classifier.load(family_checkpoint(tmp_path / "gpt_oss", "gpt_oss"))
    sums = claim(lesson(sinks, sinks.read(TEXT)), "weights", "sums")
    assert sums.holds is False
    assert float(sums.values["mean"]) < 0.99


def test_heads_that_are_all_alike_do_not_look_at_different_places(
    tmp_path: Path, checkpoint: Path, classifier: Classifier, reading: Reading
) -> None:
    assert claim(lesson(classifier, reading), "heads", "different").holds

    def same_heads(weights: dict[str, torch.Tensor]) -> None:
        for name, weight in weights.items():
            if ".self.query." in name or ".self.key." in name:
                weight.copy_(weight[:8].repeat(4, *[1] * (weight.dim() - 1)))

    alike = edited(checkpoint, tmp_path / "alike", same_heads)
    taught = lesson(alike, alike.read(TEXT))
    different = claim(taught, "heads", "different")
    assert different.holds is False
    assert different.values["median"] == pytest.approx(0, abs=1e-3)
    assert claim(taught, "heads", "favorites").holds is False


def test_the_limit_of_the_distance_is_that_of_a_quarter_of_the_weight() -> None:
    from viz.attention.jensen_shannon import row_distances

    (distance,) = row_distances(np.array([[1.0, 0.0]]), np.array([[0.75, 0.25]]))
    assert distance_of_moved(0.25) == pytest.approx(distance) == pytest.approx(DIFFERENT)


def test_a_layer_that_does_nothing_keeps_every_state(tmp_path: Path, checkpoint: Path) -> None:
    def idle(weights: dict[str, torch.Tensor]) -> None:
        for name, weight in weights.items():
            if ".layer." in name and ".output." in name:
                (weight.fill_(1) if name.endswith("LayerNorm.weight") else weight.zero_())

    classifier = edited(checkpoint, tmp_path / "idle", idle)
    taught = lesson(classifier, classifier.read(TEXT))
    keeps = claim(taught, "residual", "keeps")
    assert keeps.holds
    assert keeps.values["lowest"] == pytest.approx(1, abs=0.2)
    # Where nothing depends on any map, whether one was replaced can't be seen.
    assert claim(taught, "explanation", "all_heads").reason == "not_replaceable"


def made_up(weight: float, contribution: float) -> tuple[Reading, Contribution]:
    """One head that gives most of a row to a word, which contributes so much."""
    reading = read("oil prices rise")
    n_tokens = reading.encoding.n_tokens
    weights = np.full((1, 2, n_tokens, n_tokens), 1 / n_tokens)
    weights[0, 1, 0] = (1 - weight) / (n_tokens - 1)
    weights[0, 1, 0, 2] = weight
    values = np.zeros_like(weights)
    values[0, :, 0] = 1.0
    values[0, 1, 0, 2] = contribution
    return replace(reading, attention=Attention(weights)), Contribution(values, 3.0, 0, 1)


def test_a_hard_look_is_empty_where_it_contributes_little() -> None:
    looks = hard_looks(*made_up(0.8, -0.01))
    assert looks is not None
    assert (looks.n_hard, looks.n_empty) == (1, 1)
    shown = looks.shown
    assert (shown.layer, shown.head, shown.query, shown.key) == (0, 1, 0, 2)
    assert shown.weight == pytest.approx(0.8)
    assert shown.contribution == pytest.approx(-0.01)
    n_looks = 2 * 5  # two rows reach the class
    assert shown.average == pytest.approx((n_looks - 1 + 0.01) / n_looks)
    assert shown.empty
    assert abs(shown.contribution) <= EMPTY * shown.average


def test_a_hard_look_that_contributes_is_none_and_a_soft_one_is_not_searched() -> None:
    looks = hard_looks(*made_up(0.8, 4.0))
    assert looks is not None
    assert (looks.n_hard, looks.n_empty, looks.shown.empty) == (1, 0, False)
    assert hard_looks(*made_up(HARD, 0.0)) is None


def test_rows_that_never_reach_the_class_are_not_searched() -> None:
    reading, shares = made_up(0.8, 0.0)
    weights = reading.attention.weights.copy()
    weights[0, 0, 3] = np.eye(weights.shape[-1])[2]
    reading = replace(reading, attention=Attention(weights))
    looks = hard_looks(reading, shares)
    assert looks is not None
    assert looks.n_hard == 1


def test_a_network_without_maps_says_so(classifier: Classifier) -> None:
    taught = lesson(classifier, replace(read_without_attention(), checkpoint=classifier.name))
    assert taught.step("score").missing == "no_maps"
    assert taught.step("explanation").missing == "no_maps"


def test_a_text_too_long_for_the_lesson_is_not_one_of_a_network_without_maps(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier_module, "MAX_ATTENTION_BYTES", 4 * 3 * 4 * 20**2)
    classifier = Classifier.load(checkpoint)
    taught = lesson(classifier, classifier.read("oil prices rise " * 12))
    without = {step.key: step.missing for step in taught if not step.claims}
    assert without.keys() >= {"score", "weights", "mix", "heads", "residual", "feed_forward"}
    assert set(without.values()) == {"long_text"}


def test_a_head_that_is_not_used_can_be_replaced_and_one_that_is_can_not(
    tmp_path: Path, checkpoint: Path
) -> None:
    """One layer and one head that matter: all others are silenced."""

    def one_head(weights: dict[str, torch.Tensor]) -> None:
        for name, weight in weights.items():
            attention = ".attention.output.dense." in name
            if attention and name.startswith("bert.encoder.layer.2.") and weight.dim() == 2:
                weight[:, 8:] = 0
            elif attention or (".layer." in name and ".output.dense." in name):
                weight.zero_()
            elif ".self.query." in name:
                weight.mul_(40)
            elif name == "classifier.weight":
                weight.mul_(4)

    classifier = edited(checkpoint, tmp_path / "one", one_head)
    step = lesson(classifier, classifier.read(TEXT)).step("explanation")
    (replaced,) = [each for each in step.claims if each.key == "replaced"]
    assert replaced.holds
    assert (replaced.values["layer"], replaced.values["head"]) != (2, 0)
    assert (replaced.values["n_unnoticed"], replaced.values["n_heads"]) == (11, 12)
    assert replaced.values["change"] == pytest.approx(0, abs=1e-5)
    picture = step.pictures[-1]
    assert isinstance(picture, ValuePicture)
    assert np.argwhere(np.abs(picture.values) > 0.01).tolist() == [[2, 0]]


def test_where_the_class_hangs_on_every_head_none_can_be_replaced(
    tmp_path: Path, checkpoint: Path
) -> None:
    def sharp(weights: dict[str, torch.Tensor]) -> None:
        for name, weight in weights.items():
            if ".self.query." in name:
                weight.mul_(40)
            elif name == "classifier.weight":
                weight.mul_(4)

    classifier = edited(checkpoint, tmp_path / "sharp", sharp)
    step = lesson(classifier, classifier.read(TEXT)).step("explanation")
    (replaced,) = [each for each in step.claims if each.key == "replaced"]
    assert replaced.holds is False
    assert replaced.values["n_unnoticed"] == 0
    assert float(replaced.values["change"]) > 0.01


def test_an_offset_of_a_score_turns_no_verdict_around(tmp_path: Path) -> None:
    plain = tiny_checkpoint(tmp_path / "plain", labels=("year",), problem_type="regression")

    def spread(weights: dict[str, torch.Tensor]) -> None:
        weights["classifier.weight"] *= 15

    def late(weights: dict[str, torch.Tensor]) -> None:
        weights["classifier.bias"] += 1990

    spread_out = edited(plain, tmp_path / "spread", spread)
    decades_later = edited(tmp_path / "spread", tmp_path / "late", late)
    steps = [
        lesson(each, each.read(TEXT)).step("explanation") for each in (spread_out, decades_later)
    ]
    for one, other in zip(*(step.claims for step in steps), strict=True):
        assert one.holds is other.holds
    before, after = (
        next(each for each in step.claims if each.key == "replaced").values for step in steps
    )
    assert after["change"] == pytest.approx(before["change"], rel=1e-2)
    assert after["n_same"] == before["n_same"]


@pytest.mark.parametrize(("size", "offset"), [(0, 1990), (0.015, 1990)])
def test_where_words_make_next_to_nothing_of_a_score_no_change_of_it_is_called_small(
    tmp_path: Path, size: float, offset: float
) -> None:
    """Of what they make 1% has to be more than what single precision leaves of such a score."""
    plain = tiny_checkpoint(tmp_path / "plain", labels=("year",), problem_type="regression")

    def constant(weights: dict[str, torch.Tensor]) -> None:
        weights["classifier.weight"] *= size
        weights["classifier.bias"] += offset

    classifier = edited(plain, tmp_path / "constant", constant)
    step = lesson(classifier, classifier.read(TEXT)).step("explanation")
    (replaced,) = [each for each in step.claims if each.key == "replaced"]
    assert (replaced.holds, replaced.reason) == (None, "no_effect")
