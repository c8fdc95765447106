"""Versions of a text with words hidden, against input ids put together by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.families import family_checkpoint as family_checkpoint_of
from tests.family_tokenizers import family_tokenizer
from tests.tiny_models import tiny_checkpoint, with_tokenizer
from viz import Classifier, attribute, evidence
from viz.errors import MethodError
from viz.faithfulness.compare import compare
from viz.model.batches import MAX_ROWS, MAX_TOKENS
from viz.model.perturbation import OPERATORS, Operator, Perturbation

TEXT = "Oil prices rise as stockss fall!"
PAIR = "The team wins"


@pytest.fixture(scope="module")
def double(family_checkpoint: Path) -> Classifier:
    return Classifier.load(family_checkpoint, dtype=torch.float64, device="cpu")


def hidden(words: Perturbation, *indices: int) -> np.ndarray:
    kept = np.ones((1, words.n_words), dtype=bool)
    kept[0, list(indices)] = False
    return kept


def by_hand(classifier: Classifier, ids: list[int], **inputs: list[int]) -> np.ndarray:
    rows = {"input_ids": ids, "attention_mask": [1] * len(ids), **inputs}
    found: np.ndarray = classifier.logits([{name: np.array(v) for name, v in rows.items()}])[0]
    return found


def spelled(classifier: Classifier, *pieces: str) -> list[int]:
    """Pieces as ids, between the first and the last special token."""
    words = classifier.tokenizer
    ids: list[int] = words.convert_tokens_to_ids(list(pieces))
    return [words.cls_token_id, *ids, words.sep_token_id]


def segments(classifier: Classifier, types: list[int]) -> dict[str, list[int]]:
    given = "token_type_ids" in classifier.encode(TEXT).inputs
    return {"token_type_ids": types} if given else {}


def test_words_are_hidden_as_one_would_by_hand(double: Classifier) -> None:
    words = Perturbation(double, double.encode(TEXT))
    assert [unit.label for unit in words.words] == [*TEXT[:-1].split(), "!"]
    mask = double.tokenizer.mask_token
    masked = spelled(double, "oil", mask, "rise", "as", mask, mask, "fall", "!")
    deleted = spelled(double, "oil", "rise", "as", "fall", "!")
    for operator, ids in (("mask", masked), ("delete", deleted)):
        expected = by_hand(double, ids, **segments(double, [0] * len(ids)))
        found = words.logits(hidden(words, 1, 4), "mask" if operator == "mask" else "delete")
        np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-10)


def test_a_pair_keeps_both_separators_and_its_segments(double: Classifier) -> None:
    encoding = double.encode(TEXT, PAIR)
    words = Perturbation(double, encoding)
    special = [i for i, token in enumerate(encoding.tokens) if token.special]
    kept = np.zeros((1, words.n_words), dtype=bool)
    inputs = {name: list(ids[special]) for name, ids in encoding.inputs.items()}
    nothing = by_hand(double, inputs.pop("input_ids"), **inputs)
    np.testing.assert_allclose(words.logits(kept, "delete")[0], nothing, rtol=0, atol=1e-10)
    ids = encoding.inputs["input_ids"].copy()
    ids[[i for i in range(len(ids)) if i not in special]] = double.tokenizer.mask_token_id
    inputs = {name: list(values) for name, values in encoding.inputs.items()}
    inputs.pop("input_ids")
    masked = by_hand(double, list(ids), **inputs)
    np.testing.assert_allclose(words.logits(kept, "mask")[0], masked, rtol=0, atol=1e-10)


def test_special_tokens_are_no_words(double: Classifier) -> None:
    encoding = double.encode(TEXT, PAIR)
    words = Perturbation(double, encoding)
    hideable = {token for unit in words.words for token in unit.tokens}
    special = {i for i, token in enumerate(encoding.tokens) if token.special}
    assert not hideable & special
    assert hideable | special == set(range(encoding.n_tokens))


@pytest.mark.parametrize("operator", OPERATORS)
def test_versions_of_a_batch_are_what_they_are_alone(
    classifier: Classifier, operator: Operator
) -> None:
    encoding = classifier.encode(TEXT * 3)
    together, alone = (Perturbation(classifier, encoding) for _ in range(2))
    kept = np.random.default_rng(0).random((MAX_ROWS * 2 + 3, together.n_words)) < 0.6
    singles = np.concatenate([alone.logits(row[None], operator) for row in kept])
    np.testing.assert_allclose(together.logits(kept, operator), singles, rtol=0, atol=1e-5)


def test_no_version_is_read_twice(classifier: Classifier) -> None:
    reported: list[float] = []
    words = Perturbation(classifier, classifier.encode(TEXT), reported.append)
    kept = np.concatenate([hidden(words), hidden(words, 0), hidden(words, 0), hidden(words, 1)])
    first = words.logits(kept, "mask")
    assert words.n_read == sum(reported) == 3
    np.testing.assert_array_equal(first[1], first[2])
    np.testing.assert_array_equal(words.logits(kept[::-1], "mask"), first[::-1])
    assert words.n_read == 3
    words.logits(kept, "delete")
    assert words.n_read == sum(reported) == 5, "the whole text is the same under both operators"


def test_what_was_read_before_a_cancellation_stays_known(classifier: Classifier) -> None:
    def stop(rows: float) -> None:
        raise KeyboardInterrupt

    words = Perturbation(classifier, classifier.encode(TEXT), stop)
    kept = ~np.eye(words.n_words, dtype=bool)
    with pytest.raises(KeyboardInterrupt):
        words.logits(kept, "mask")
    words.progress = lambda rows: None
    words.logits(kept, "mask")
    assert words.n_read == words.n_words


def test_batches_hold_so_many_rows_and_tokens_at_most(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = Classifier.load(checkpoint)
    shapes: list[tuple[int, int]] = []
    plain = classifier.logits

    def watched(rows: list[dict[str, np.ndarray]]) -> np.ndarray:
        shapes.append((len(rows), max(len(row["input_ids"]) for row in rows)))
        return plain(rows)

    monkeypatch.setattr(classifier, "logits", watched)
    monkeypatch.setattr("viz.model.perturbation.MAX_TOKENS", 40)
    words = Perturbation(classifier, classifier.encode(TEXT))
    kept = np.random.default_rng(0).random((50, words.n_words)) < 0.5
    words.logits(kept, "delete")
    assert sum(rows for rows, _ in shapes) == words.n_read
    assert all(rows <= MAX_ROWS and rows * length <= 40 for rows, length in shapes)
    assert MAX_TOKENS >= 512


def test_without_a_mask_token_masks_are_refused(tmp_path: Path) -> None:
    classifier = Classifier.load(tiny_checkpoint(tmp_path / "plain"))
    classifier.tokenizer.mask_token = None
    words = Perturbation(classifier, classifier.encode(TEXT))
    assert words.operators == ("delete",)
    with pytest.raises(MethodError) as caught:
        words.logits(hidden(words, 0), "mask")
    message = "The tokenizer of this checkpoint has no mask token; hide words by deletion."
    assert str(caught.value) == message
    assert words.logits(hidden(words, 0), "delete").shape == (1, 4)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A classifier whose tokenizer puts nothing around a text, and has no mask token."""
    folder = with_tokenizer(tmp_path_factory.mktemp("bare") / "bare", family_tokenizer("gpt2"))
    return Classifier.load(folder, dtype=torch.float64, device="cpu")


@pytest.mark.parametrize("pair", [None, PAIR])
def test_a_text_of_no_words_is_read_as_the_token_between_texts(
    bare: Classifier, pair: str | None
) -> None:
    words = Perturbation(bare, bare.encode(TEXT, pair))
    assert words.operators == ("delete",)
    assert not any(token.special for token in words.encoding.tokens)
    kept = np.random.default_rng(0).random((20, words.n_words)) < 0.5
    kept[7] = False
    together = words.logits(kept, "delete")
    expected = by_hand(bare, [bare.tokenizer.eos_token_id])
    np.testing.assert_allclose(together[7], expected, rtol=0, atol=1e-10)
    alone = np.concatenate(
        [Perturbation(bare, words.encoding).logits(row[None], "delete") for row in kept]
    )
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("family", "nothing"),
    [
        ("gpt2", ["<|endoftext|>"]),
        ("gpt2 one token pads and ends", ["<|endoftext|>"]),
        ("llama", ["<s>"]),
        ("t5", ["</s>"]),
        ("xlnet", ["<sep>", "<cls>"]),
    ],
)
def test_versions_of_other_families_are_what_they_are_alone(
    tmp_path: Path, family: str, nothing: list[str]
) -> None:
    other = Classifier.load(family_checkpoint_of(tmp_path / "x", family), device="cpu")
    encoding = other.encode("oil prices rise,\n\nthe market", "fall good")
    kept = np.random.default_rng(0).random((20, 8)) < 0.4
    kept[3] = False
    for operator in Perturbation(other, encoding).operators:
        together = Perturbation(other, encoding).logits(kept, operator)
        each = [Perturbation(other, encoding).logits(row[None], operator) for row in kept]
        np.testing.assert_allclose(together, np.concatenate(each), rtol=0, atol=1e-5)
    alone = Perturbation(other, other.encode("oil prices"))
    gone = alone.logits(np.zeros((1, 2), dtype=bool), "delete")[0]
    ids = other.tokenizer.convert_tokens_to_ids(nothing)
    types = {"token_type_ids": [0, 2]} if family == "xlnet" else {}
    np.testing.assert_allclose(gone, by_hand(other, ids, **types), rtol=0, atol=1e-5)


def test_a_text_of_no_words_is_read_without_padding(
    bare: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one token pads and ends texts, a decoder finds no last token in a padded row."""
    read: list[list[int]] = []
    plain = bare.logits

    def watched(rows: list[dict[str, np.ndarray]]) -> np.ndarray:
        read.append([len(row["input_ids"]) for row in rows])
        return plain(rows)

    monkeypatch.setattr(bare, "logits", watched)
    words = Perturbation(bare, bare.encode("oil"))
    words.logits(np.array([[False], [True]]), "delete")
    assert read == [[1], [words.encoding.n_tokens]]


def test_a_text_of_no_words_is_refused_where_no_token_stands_for_it(
    bare: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    nameless = family_tokenizer("gpt2")
    nameless.eos_token = nameless.pad_token = None
    monkeypatch.setattr(bare, "tokenizer", nameless)
    words = Perturbation(bare, bare.encode(TEXT))
    assert words.logits(hidden(words, 0), "delete").shape == (1, 4)
    with pytest.raises(MethodError, match="no bos, eos or pad token to stand for an empty text"):
        words.logits(np.zeros((1, words.n_words), dtype=bool), "delete")


def test_rows_of_another_width_are_a_mistake(classifier: Classifier) -> None:
    words = Perturbation(classifier, classifier.encode(TEXT))
    with pytest.raises(ValueError, match=r"keep has shape \(1, 3\); \(N, 7\) is needed"):
        words.logits(np.ones((1, 3), dtype=bool), "mask")
    assert words.logits(np.ones((0, 7), dtype=bool), "mask").shape == (0, 4)


def test_scores_of_words_go_to_tokens_and_back(classifier: Classifier) -> None:
    encoding = classifier.encode(TEXT, PAIR)
    words = Perturbation(classifier, encoding)
    given = np.random.default_rng(0).normal(size=words.n_words)
    spread = words.to_tokens(given)
    np.testing.assert_allclose(words.to_words(spread), given, atol=1e-12)
    special = [token.special for token in encoding.tokens]
    assert (spread[special] == 0).all()
    errors = words.errors_to_tokens(np.abs(given))
    squares = [np.square(errors[list(unit.tokens)]).sum() for unit in words.words]
    np.testing.assert_allclose(np.sqrt(squares), np.abs(given), atol=1e-12)


def test_versions_without_finite_logits_are_refused_wherever_they_are_asked_for(
    tmp_path: Path,
) -> None:
    path = tiny_checkpoint(tmp_path / "overflow")
    file = path / "model.safetensors"
    weights, mask = load_file(file), Classifier.load(path).tokenizer.mask_token_id
    weights["bert.embeddings.word_embeddings.weight"][mask] = 3e38  # finite, unlike its square
    save_file(weights, file, {"format": "pt"})
    classifier = Classifier.load(path)
    reading = classifier.read("oil prices rise as stocks fall")
    words = Perturbation(classifier, reading.encoding)
    refusal = "^With words hidden by the mask token this checkpoint gives no finite logits; hide"
    for _ in range(2):  # also when they are known
        with pytest.raises(MethodError, match=refusal):
            words.logits(hidden(words, 1), "mask")
    assert np.isfinite(words.logits(hidden(words, 1), "delete")).all()
    occlusion = attribute(classifier, reading, "occlusion", options={"operator": "delete"})
    assert np.isfinite(occlusion.scores).all()
    with pytest.raises(MethodError, match=refusal):
        attribute(classifier, reading, "occlusion")
    decomposition = attribute(classifier, reading, "decomposition")
    assert decomposition.shares is None
    assert decomposition.notes[-1].startswith(refusal[1:])
    with pytest.raises(MethodError, match=refusal):
        evidence(classifier, reading, decomposition)
    with pytest.raises(MethodError, match=refusal):
        compare(classifier, reading, ["attention"])
    masked = Perturbation(classifier, classifier.encode("oil [MASK] fall"))
    with pytest.raises(MethodError, match="no finite logits for the text itself; choose another"):
        masked.logits(np.ones((1, masked.n_words), dtype=bool), "delete")
