"""Every edit flips the text when it is read again, and no smaller set of words does."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
import torch

from finetune.run.column_names import ColumnNames
from tests.shortcut_model import CUES, CuedText
from tests.tiny_models import (
    FAMILIES,
    WORDS,
    Family,
    tiny_base,
    tiny_checkpoint,
    without_mask_token,
)
from viz import Classifier
from viz.data.counterfactuals.counterfactuals import (
    Counterfactual,
    RowCounterfactuals,
    find_counterfactuals,
    max_affordable_sets,
)
from viz.data.missing import Missing
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import predict
from viz.errors import SelectionError
from viz.model.masked_language_model import MaskedLanguageModel

VOCABULARY = tuple(word for line in WORDS[:2] for word in line.split())
ALL = 100_000
"""More sets than any of these texts has."""


def rows_of(texts: Sequence[str], pairs: Sequence[str] | None = None) -> AuditRows:
    columns = ColumnNames(text="text", pair="pair" if pairs else None, label=None)
    return AuditRows(
        name="rows.csv",
        fingerprint="",
        columns=columns,
        texts=tuple(texts),
        pairs=None if pairs is None else tuple(pairs),
        gold=None,
        table={},
        places=range(len(texts)),
    )


def flips_of(
    classifier: Classifier,
    text: str,
    pair: str | None = None,
    *,
    vocabulary: Sequence[str] = (),
    masked_model: MaskedLanguageModel | None = None,
    max_sets: int | None = ALL,
) -> RowCounterfactuals:
    rows = rows_of([text], None if pair is None else [pair])
    result = find_counterfactuals(
        classifier,
        rows,
        predict(classifier, rows.texts, rows.pairs),
        0,
        vocabulary=vocabulary,
        masked_model=masked_model,
        max_sets=max_sets,
    )
    assert isinstance(result, RowCounterfactuals)
    return result


def of_kind(result: RowCounterfactuals, kind: str) -> Counterfactual | None:
    return next((item for item in result.items if item.kind == kind), None)


def classes(classifier: Classifier, texts: Sequence[str]) -> list[int]:
    """As plain transformers puts them into classes."""
    inputs = classifier.tokenizer(list(texts), padding=True, return_tensors="pt")
    with torch.inference_mode():
        return [int(index) for index in classifier.model(**inputs).logits.argmax(-1)]


def smallest_by_brute_force(classifier: Classifier, words: Sequence[str], kind: str) -> int | None:
    """The size of the smallest set of up to three words whose edit flips the class."""
    own = classes(classifier, [" ".join(words)])[0]
    for size in range(1, 4):
        versions = []
        for chosen in combinations(range(len(words)), size):
            kept = [
                "[MASK]" if index in chosen and kind == "mask" else word
                for index, word in enumerate(words)
                if kind == "mask" or index not in chosen
            ]
            versions += [" ".join(kept)] if kept else []
        if versions and any(index != own for index in classes(classifier, versions)):
            return size
    return None


def random_texts(seed: int, count: int) -> Iterator[list[str]]:
    draw = np.random.default_rng(seed)
    for _ in range(count):
        yield [str(word) for word in draw.choice(VOCABULARY, draw.integers(1, 9))]


def balanced(classifier: Classifier) -> Classifier:
    """A random classifier whose classes are about as likely as each other, so that edits flip."""
    texts = [" ".join(words) for words in random_texts(99, 60)]
    head = [each for each in classifier.model.modules() if isinstance(each, torch.nn.Linear)][-1]
    with torch.no_grad():
        head.bias.sub_(torch.tensor(predict(classifier, texts).logits.mean(0)))
    return classifier


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory: pytest.TempPathFactory) -> list[Classifier]:
    folder = tmp_path_factory.mktemp("random")
    return [
        balanced(Classifier.load(tiny_checkpoint(folder / str(seed), labels=labels, seed=seed)))
        for seed, labels in ((1, ("no", "yes")), (2, ("no", "yes")), (3, ("a", "b", "c")))
    ]


def test_up_to_three_words_no_smaller_set_flips(classifiers: list[Classifier]) -> None:
    sizes = []
    for seed, classifier in enumerate(classifiers):
        for words in random_texts(seed, 10):
            result = flips_of(classifier, " ".join(words))
            for kind in ("mask", "delete"):
                expected = smallest_by_brute_force(classifier, words, kind)
                counterfactual = of_kind(result, kind)
                if expected is None:
                    assert counterfactual is None or len(counterfactual.edits) > 3
                else:
                    assert counterfactual is not None
                    assert len(counterfactual.edits) == expected
                    assert counterfactual.smallest
                sizes.append(expected)
    assert {1, 2, 3, None} <= set(sizes)


AWKWARD = (
    "oil, gas - the well-known market's team!",
    "Oil prices rise as stocks fall, the market was not good.",
    "unbelievable stocks: (space) 'ice'",
    "你好世界 market",
    "the",
    "cafe\u0301 [MASK] oil",
    "stocks " * 70 + "oil",
)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_flip_is_that_of_the_text_it_names(tmp_path: Path, family: Family) -> None:
    classifier = balanced(Classifier.load(tiny_checkpoint(tmp_path, family, seed=4)))
    kinds = set()
    for text in AWKWARD:
        before = classifier.read(text).prediction
        result = flips_of(classifier, text, vocabulary=VOCABULARY[:8], max_sets=60)
        assert result.label == before.label
        assert result.probability == pytest.approx(before.probability, abs=1e-5)
        for item in result.items:
            prediction = classifier.read(item.text).prediction
            assert prediction.label == item.label != before.label
            assert prediction.probability == pytest.approx(item.probability, abs=1e-5)
            assert [edit.word for edit in item.edits] == sorted({e.word for e in item.edits})
            assert all(
                (edit.replacement is None) == (item.kind != "replace") for edit in item.edits
            )
            kinds.add(item.kind)
    assert kinds == {"mask", "delete", "replace"}


def test_both_texts_of_a_pair_are_edited(classifiers: list[Classifier]) -> None:
    parts = set()
    for words in random_texts(5, 8):
        text, pair = "oil prices", " ".join(words)
        result = flips_of(classifiers[0], text, pair, vocabulary=VOCABULARY, max_sets=60)
        for item in result.items:
            prediction = classifiers[0].read(item.text, item.pair).prediction
            assert prediction.label == item.label != result.label
            parts |= {edit.word < 2 for edit in item.edits}
    assert parts == {True, False}


def test_replacements_are_the_best_of_all_sets_of_candidates(
    classifiers: list[Classifier],
) -> None:
    classifier, sizes = classifiers[0], set()
    vocabulary = ("oil", "bad")
    for words in (text[:4] for text in random_texts(6, 10)):
        item = of_kind(flips_of(classifier, " ".join(words), vocabulary=vocabulary), "replace")
        own = classes(classifier, [" ".join(words)])[0]
        choices = [[word, *(v for v in vocabulary if v != word)] for word in words]
        versions = list(product(*choices))
        flipped = [
            sum(new != old for new, old in zip(version, words, strict=True))
            for version, index in zip(
                versions, classes(classifier, [" ".join(each) for each in versions]), strict=True
            )
            if index != own
        ]
        assert (item and len(item.edits)) == min(flipped, default=None)
        sizes.add(min(flipped, default=None))
    assert len(sizes) > 1


def test_the_word_that_decides_is_outvoted_by_that_of_the_other_class(
    shortcut: Classifier, held_out: tuple[CuedText, ...]
) -> None:
    rows = rows_of([cued.text for cued in held_out])
    predictions = predict(shortcut, rows.texts)
    for row, cued in enumerate(held_out[:3]):
        result = find_counterfactuals(shortcut, rows, predictions, row, max_sets=150)
        assert isinstance(result, RowCounterfactuals)
        item = of_kind(result, "replace")
        assert item is not None
        assert item.smallest
        assert [edit.replacement for edit in item.edits] == [CUES[1 - cued.label]]


def test_what_cannot_be_paid_is_searched_in_part_and_said(classifiers: list[Classifier]) -> None:
    classifier = classifiers[2]
    text = " ".join(word for words in random_texts(7, 9) for word in words)
    passes: list[float] = []
    rows = rows_of([text])
    predictions = predict(classifier, rows.texts)
    results = [
        find_counterfactuals(
            classifier, rows, predictions, 0, passes.append, vocabulary=VOCABULARY, max_sets=60
        )
        for _ in range(2)
    ]
    assert results[0] == results[1]
    # Of each kind 60 sets, what a set is reduced to and what is read alone; slopes of each word.
    n_words = len(text.split())
    assert sum(passes) / 2 <= 3 * (60 + 2 * 10 + 1) + 1 + 3 * n_words
    assert isinstance(results[0], RowCounterfactuals)
    assert any("in part" in note or "not seen" in note for note in results[0].notes)


def test_a_multi_label_decision_is_the_set_of_classes(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path, problem_type="multi_label_classification", seed=5)
    classifier = balanced(Classifier.load(folder))
    flipped = 0
    for words in random_texts(9, 8):
        result = flips_of(classifier, " ".join(words), vocabulary=VOCABULARY[:6], max_sets=60)
        before = set(classifier.read(" ".join(words)).prediction.assigned_classes)
        for item in result.items:
            after = set(classifier.read(item.text).prediction.assigned_classes)
            assert after != before
            names = [classifier.labels[index] for index in sorted(after)]
            assert item.label == (", ".join(names) or "no class")
            assert item.probability >= 0.5
            flipped += 1
    assert flipped


def test_what_can_not_be_flipped_says_why(tmp_path: Path, classifier: Classifier) -> None:
    rows = rows_of(["", "oil"])
    predictions = predict(classifier, rows.texts)
    empty = find_counterfactuals(classifier, rows, predictions, 0)
    assert empty == Missing(missing="The text is empty; write at least one word.")
    with pytest.raises(SelectionError, match="no row 2; the rows are 0 to 1"):
        find_counterfactuals(classifier, rows, predictions, 2)
    score = Classifier.load(tiny_checkpoint(tmp_path / "score", labels=("score",)))
    found = find_counterfactuals(score, rows, predict(score, rows.texts), 1)
    assert isinstance(found, Missing)
    assert "regression" in found.missing
    bare = Classifier.load(without_mask_token(tmp_path / "bare"))
    result = flips_of(bare, "oil prices rise")
    assert of_kind(result, "mask") is None
    assert any("no mask token" in note for note in result.notes)
    assert any("No words were given" in note for note in result.notes)


def test_fewer_sets_are_tried_of_long_texts(classifier: Classifier) -> None:
    assert max_affordable_sets(classifier, 10) == 600
    assert max_affordable_sets(classifier, 10**6) == 100


def test_a_language_model_proposes_words_for_their_places(
    tmp_path: Path, classifiers: list[Classifier]
) -> None:
    masked_model = MaskedLanguageModel.load(tiny_base(tmp_path / "base", "bert"))
    text = "Oil prices rise as stocks fall"
    result = flips_of(classifiers[2], text, masked_model=masked_model, max_sets=300)
    item = of_kind(result, "replace")
    assert item is not None
    assert classifiers[2].read(item.text).prediction.label == item.label != result.label
