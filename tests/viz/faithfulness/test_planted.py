"""Ground truth: words that a classifier was made to go by, and methods that have to find them."""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from finetune.evaluation.metrics import wilson_interval
from tests.finetune.news import write_csv
from tests.shortcut_model import CUES, CuedText
from tests.tiny_models import tiny_checkpoint, tokenizer, with_tokenizer
from viz import Classifier
from viz.errors import SelectionError
from viz.export.score_table import score_table
from viz.faithfulness.planted import planted_scores, require_words
from viz.faithfulness.record import FILE, FaithfulnessRecord, content_of, load
from viz.faithfulness.score import ScoreRun
from viz.faithfulness.score_row import ScoreConfig
from viz.faithfulness.summary import summarize
from viz.model.perturbation import OPERATORS
from viz.model.text_files import open_texts

N_TEXTS = 14
METHODS = ("decomposition", "integrated-gradients:n_steps=10", "occlusion", "random")


def scored(
    classifier: Classifier, texts: list[str], folder: Path, config: ScoreConfig
) -> FaithfulnessRecord:
    folder.mkdir(exist_ok=True)
    data = open_texts(write_csv(folder / "texts.csv", [{"text": text} for text in texts]))
    run = ScoreRun(classifier, data, config, folder / "results")
    assert len([*run.score(run.rows_left())]) == len(texts)
    return summarize(classifier, data, config, run.results())


def test_methods_that_explain_the_class_put_the_planted_word_first(
    shortcut: Classifier, held_out: tuple[CuedText, ...], tmp_path: Path
) -> None:
    texts = [each.text for each in held_out[:N_TEXTS]]
    both = f"{CUES[0]} {texts[0]} {CUES[1]}"
    config = ScoreConfig(METHODS, n_random=2, n_degraded=0, planted=(CUES[0].upper(), CUES[1]))
    record = scored(shortcut, [*texts, both], tmp_path, config)
    planted = record.planted
    assert planted is not None
    assert planted.n_several == 1
    assert [one.word for one in planted.words] == [CUES[0].upper(), CUES[1]]
    assert [one.label for one in planted.words] == [*CUES]
    assert sum(one.n_texts + one.n_other for one in planted.words) == N_TEXTS
    # Without either word the text falls to one of the classes; by the word of the other it is told.
    (word,) = (one for one in planted.words if one.refused is None)
    (other,) = (one for one in planted.words if one.refused is not None)
    for operator in OPERATORS:
        assert word.changed[operator].mean >= 0.9 > 0.3 >= other.changed[operator].mean
    assert other.refused is not None
    assert f"doesn't go by '{other.word}'" in other.refused
    assert "have to; so no method is judged by it." in planted.sentence
    own = [each for each in held_out[:N_TEXTS] if CUES[each.label] == word.word.lower()]
    assert word.n_texts == len(own) > 4
    for method, one in planted.methods.items():
        assert one.n_texts == len(own)
        right = round(one.precision.mean * len(own))
        assert (one.precision.low, one.precision.high) == pytest.approx(
            wilson_interval(right, len(own)), abs=1e-6
        )
        assert one.precision.mean <= one.reciprocal_rank.mean <= 1
        assert one.reciprocal_rank.low <= one.reciprocal_rank.mean <= one.reciprocal_rank.high
        assert one.precision.mean >= 0.95 if method != "random" else one.precision.mean <= 0.4
    assert set(planted.methods) == set(METHODS)
    assert planted.random is not None
    sizes = [len(each.text.split()) for each in own]
    assert planted.random.precision == pytest.approx(np.mean([1 / n for n in sizes]), abs=1e-6)
    harmonic = [sum(1 / k for k in range(1, n + 1)) / n for n in sizes]
    assert planted.random.reciprocal_rank == pytest.approx(np.mean(harmonic), abs=1e-6)
    (tmp_path / FILE).write_text(record.to_json())
    assert load(tmp_path / FILE) == record


def test_a_planted_word_is_one_as_texts_are_cut(tmp_path: Path) -> None:
    words = tokenizer("bert")
    words.add_tokens(["'s"])
    require_words(["'s"], Classifier.load(with_tokenizer(tmp_path, words)))


def test_texts_to_which_no_class_is_assigned_prove_no_word(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "several", problem_type="multi_label_classification")
    classifier = Classifier.load(folder, device="cpu")
    texts = [f"{text} script" for text in ("oil prices rise", "team wins game", "good bad movie")]
    logits = sorted(float(classifier.read(text).prediction.logits.max()) for text in texts)
    with torch.no_grad():
        classifier.model.classifier.bias -= logits[-2] + 1e-3
    assigned = [bool(classifier.read(text).prediction.assigned_classes) for text in texts]
    assert sum(assigned) == 1
    config = ScoreConfig(("attention",), n_random=2, n_degraded=0, planted=("script",))
    planted = scored(classifier, texts, tmp_path / "some", config).planted
    assert planted is not None
    assert [(one.n_texts, one.n_other) for one in planted.words] == [(1, 2)]
    with torch.no_grad():
        classifier.model.classifier.bias -= 8
    planted = scored(classifier, texts, tmp_path / "none", config).planted
    assert planted is not None
    assert [(one.label, one.n_texts, one.n_other) for one in planted.words] == [(None, 0, 3)]
    assert planted.methods == {}
    assert planted.sentence == (
        "No class is assigned to any text with 'script', so that no method is judged by it."
    )


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_a_word_that_passes_where_every_method_is_refused_is_no_contradiction(
    shortcut: Classifier, held_out: tuple[CuedText, ...], tmp_path: Path
) -> None:
    texts = [each.text for each in held_out[:6]]
    config = ScoreConfig(("decomposition",), n_random=2, n_degraded=0, planted=CUES)
    record = scored(shortcut, texts, tmp_path, config)
    assert all(one.refused is not None for one in record.methods)
    assert record.planted is not None
    assert any(one.refused is None for one in record.planted.words)
    (tmp_path / FILE).write_bytes(content_of(record))
    assert load(tmp_path / FILE) == record
    assert record.planted.methods == {}
    assert all("planted" not in section.title for section in score_table(record).sections)


def test_a_share_that_rounds_to_the_least_one_is_given_as_a_count() -> None:
    rows = [row(1, (0,)) | {"changed": {"delete": number < 39}} for number in range(49)]
    scores = planted_scores(["moon"], ["a", "b"], rows, seed=0)
    assert scores is not None
    assert scores.sentence == (
        "The checkpoint doesn't go by 'moon': of 49 texts with it predicted as 'b', 39 leave that "
        "class when it is hidden by deletion, and 80% have to; so no method is judged by it."
    )


def row(rank: int, places: tuple[int, ...], n_words: int = 6, label: int = 1) -> dict[str, object]:
    changed = dict.fromkeys(OPERATORS, label == 1)
    return {
        "words": [0],
        "label": label,
        "n_words": n_words,
        "places": places,
        "changed": changed,
        "ranks": {"attention": rank},
    }


def test_a_word_that_stands_twice_is_found_by_its_first_place() -> None:
    rows = [row(rank, (1, 4)) for rank in (1, 2, 4)] + [row(3, (0,), label=0)]
    scores = planted_scores(["moon"], ["a", "b"], rows, seed=0)
    assert scores is not None
    (word,) = scores.words
    assert (word.label, word.n_texts, word.n_other, word.refused) == ("b", 3, 1, None)
    attention = scores.methods["attention"]
    assert attention.precision.mean == pytest.approx(1 / 3, abs=1e-6)
    assert attention.reciprocal_rank.mean == pytest.approx((1 + 1 / 2 + 1 / 4) / 3, abs=1e-6)
    # Of all orders of six words, of which two are the planted one.
    firsts = [1 + min(order.index(1), order.index(4)) for order in permutations(range(6))]
    assert scores.random is not None
    assert scores.random.precision == pytest.approx(np.mean([f == 1 for f in firsts]), abs=1e-6)
    expected = np.mean([1 / first for first in firsts])
    assert scores.random.reciprocal_rank == pytest.approx(expected, abs=1e-6)


def test_a_word_that_no_text_has_judges_no_method() -> None:
    scores = planted_scores(["moon"], ["a", "b"], [], seed=0)
    assert scores is not None
    assert (scores.methods, scores.random) == ({}, None)
    assert scores.sentence == (
        "No text that was measured has 'moon', so that no method is judged by it."
    )
    assert planted_scores([], ["a", "b"], [], seed=0) is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("two words",), "--planted 'two words' is not one word"),
        (("",), "--planted '' is not one word"),
        (("Moon", "moon"), "A word was named twice by --planted; name each once."),
    ],
)
def test_what_is_no_planted_word_is_one_sentence(
    double: Classifier, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SelectionError) as caught:
        require_words(words, double)
    assert str(caught.value).startswith(message)


def test_a_record_whose_parts_do_not_agree_is_refused(shortcut: Classifier, tmp_path: Path) -> None:
    config = ScoreConfig(("attention",), n_random=2, n_degraded=0, planted=("nowhere",))
    record = scored(shortcut, ["oil prices rise as stocks fall"], tmp_path, config)
    assert record.planted is not None
    (word,) = record.planted.words
    damaged = replace(record, planted=replace(record.planted, words=(replace(word, refused=None),)))
    (tmp_path / FILE).write_text(damaged.to_json())
    with pytest.raises(Exception, match="planted words that passed and methods"):
        load(tmp_path / FILE)
