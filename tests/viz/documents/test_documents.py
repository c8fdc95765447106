"""Texts beyond a model's limit: windows, pooled logits, and attributions that add up."""

from html import escape
from pathlib import Path

import numpy as np
import pytest

from finetune.checkpoint.windows import Pooling
from tests.families import family_checkpoint
from tests.tiny_models import LABELS, edit_config, tiny_checkpoint, without_head
from viz import METHODS, Classifier, attribute, attribute_document, read_document
from viz.attention.words import merge, spans
from viz.attribution import Against
from viz.documents.attribute_document import document_passes
from viz.documents.document import Document
from viz.errors import MethodError, SelectionError, TextError
from viz.model.windows import text_windows
from viz.types import Attribution, MissingAttention

SENTENCES = (
    "Oil prices rise as stocks fall, and the market was not good. ",
    "The team wins the game! ",
    "A space probe finds ice on the moon? ",
    "Peace talks fall as the minister was very bad - not good. ",
)
POOLINGS: tuple[Pooling, ...] = ("mean", "max", "first")


def text_of(n_sentences: int) -> str:
    order = np.random.default_rng(0).integers(0, len(SENTENCES), n_sentences)
    return "".join(SENTENCES[index] for index in order)


TEXT = text_of(14)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier.load(tiny_checkpoint(tmp_path_factory.mktemp("documents") / "bert"))


@pytest.fixture(scope="module")
def document(classifier: Classifier) -> Document:
    return read_document(classifier, TEXT)


def total(attribution: Attribution) -> float:
    assert attribution.bias is not None
    return float(attribution.scores.sum()) + attribution.bias


def test_windows_cover_every_token_in_its_place_in_the_whole_text(document: Document) -> None:
    seen = {index for window in document.windows for index in window.positions}
    assert seen == set(range(document.encoding.n_tokens))
    assert document.unseen == ()
    for window in document.windows:
        tokens = window.encoding.tokens
        assert len(tokens) <= document.size == 64
        assert tokens == tuple(document.encoding.tokens[index] for index in window.positions)
        assert tokens[0].text == "[CLS]"
        assert tokens[-1].text == "[SEP]"
        assert TEXT[window.start : window.end].rstrip()[-1] in ".!?"
        outside = "".join(TEXT[span.start : span.end] for span in window.encoding.unseen)
        assert len(TEXT[window.start : window.end]) + len(outside) >= len(TEXT.strip()) - 2
    assert "overlapping windows, cut at sentence ends" in document.notes[0]


def test_the_logits_of_windows_are_those_of_their_own_pieces_of_text(
    classifier: Classifier, document: Document
) -> None:
    for window in document.windows:
        alone = classifier.read(TEXT[window.start : window.end])
        assert np.abs(alone.prediction.logits - window.logits).max() < 1e-5


def test_logits_are_pooled_as_asked(classifier: Classifier, document: Document) -> None:
    logits = np.stack([window.logits for window in document.windows])
    pooled = {pool: read_document(classifier, TEXT, pooling=pool) for pool in POOLINGS}
    expected = {"mean": logits.mean(0), "max": logits.max(0), "first": logits[0]}
    for pool, own in pooled.items():
        assert np.abs(own.prediction.logits - expected[pool]).max() < 1e-5
        probabilities = classifier.probabilities(own.prediction.logits)
        assert np.abs(own.prediction.probabilities - probabilities).max() < 1e-6
    first = pooled["first"]
    assert len(first.windows) == 1
    assert first.n_unseen == first.encoding.n_tokens - first.windows[0].encoding.n_tokens
    assert first.unseen[0].start >= first.windows[0].end
    assert first.unseen[-1].end == len(TEXT.strip())
    assert first.notes[0].startswith(f"The model never saw the last {first.n_unseen} of ")


def test_a_notebook_shows_the_class_and_how_the_text_was_read(document: Document) -> None:
    shown = document._repr_html_() or ""
    assert f"<strong>{document.prediction.label}" in shown
    assert escape(document.notes[0]) in shown


def test_a_text_of_one_window_is_a_plain_reading_to_the_last_bit(classifier: Classifier) -> None:
    reading = classifier.read(SENTENCES[0])
    for pooling in POOLINGS:
        one = read_document(classifier, SENTENCES[0], pooling=pooling)
        assert one.encoding.tokens == reading.encoding.tokens
        assert one.notes == reading.encoding.notes == ()
        assert one.prediction.logits.tolist() == reading.prediction.logits.tolist()
        assert one.prediction.probabilities.tolist() == reading.prediction.probabilities.tolist()
        again = one.reading(classifier, 0)
        assert again.attention.weights.tolist() == reading.attention.weights.tolist()
        for method in ("decomposition", "decomposition-path", "saliency"):
            plain = attribute(classifier, reading, method)
            stitched = attribute_document(classifier, one, method)
            assert stitched.scores.tolist() == plain.scores.tolist()
            assert (stitched.value, stitched.bias) == (plain.value, plain.bias)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("against", ["runner-up", None, 0])
def test_scores_and_bias_add_up_to_the_scalar_of_the_pooled_logits(
    classifier: Classifier, pooling: Pooling, against: Against
) -> None:
    document = read_document(classifier, TEXT, pooling=pooling)
    target = 3 if against == 0 else document.prediction.predicted_class
    for method in ("decomposition", "decompx-absdot"):
        attribution = attribute_document(classifier, document, method, target, against)
        logits = document.prediction.logits
        other = document.prediction.runner_up(target) if against == "runner-up" else against
        explained = logits[target] - (0 if other is None else logits[other])
        assert attribution.value == pytest.approx(explained, abs=1e-5)
        assert total(attribution) == pytest.approx(explained, abs=1e-3)
        assert attribution.measured["gap"] < 1e-3
        unseen = [window.positions for window in document.windows]
        outside = sorted(set(range(document.encoding.n_tokens)) - {i for w in unseen for i in w})
        assert not attribution.scores[outside].any()


def test_each_window_adds_its_share_of_the_explanation_of_the_mean(
    classifier: Classifier, document: Document
) -> None:
    stitched = attribute_document(classifier, document, "decomposition", 1, 2)
    scores = np.zeros(document.encoding.n_tokens)
    for index, window in enumerate(document.windows):
        own = attribute(classifier, document.reading(classifier, index), "decomposition", 1, 2)
        scores[list(window.positions)] += own.scores / len(document.windows)
    assert np.abs(stitched.scores - scores).max() < 1e-6
    words = spans(document.encoding)
    of_words = merge(stitched.scores, words, np.float64)
    assert of_words.sum() + stitched.bias == pytest.approx(stitched.value, abs=1e-3)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_log_odds_of_pooled_logits_are_split_by_their_slopes(
    classifier: Classifier, pooling: Pooling
) -> None:
    """KernelSHAP adds up to the scalar less that of hidden words, in each window and in all."""
    document = read_document(classifier, text_of(9), pooling=pooling)
    assert not (document.pooling_weights == 1).all(1).any()  # no window alone decides
    target = document.prediction.predicted_class
    found = attribute_document(
        classifier, document, "kernel-shap", options={"rows": 40, "operator": "mask"}
    )
    assert found.against_all
    logits = document.prediction.logits.astype(np.float64)
    others = np.delete(logits, target)
    assert found.value == pytest.approx(logits[target] - np.logaddexp.reduce(others), abs=1e-6)
    slopes = -np.exp(logits - np.logaddexp.reduce(others))
    slopes[target] = 1
    expected = 0.0
    for window, weights in zip(document.windows, document.pooling_weights, strict=True):
        special = [token.special for token in window.encoding.tokens]
        mask = np.where(special, window.encoding.inputs["input_ids"], 4)
        hidden = classifier.logits([dict(window.encoding.inputs) | {"input_ids": mask}])[0]
        expected += float(slopes * weights @ (window.logits - hidden))
    assert float(found.scores.sum()) == pytest.approx(expected, abs=1e-3)


def test_scores_without_a_sign_are_means_over_windows(
    classifier: Classifier, document: Document
) -> None:
    found = attribute_document(classifier, document, "rollout")
    n_windows = len(document.windows)
    scores = np.zeros(document.encoding.n_tokens)
    for index, window in enumerate(document.windows):
        own = attribute(classifier, document.reading(classifier, index), "rollout")
        scores[list(window.positions)] += own.scores / n_windows
    assert np.abs(found.scores - scores).max() < 1e-6
    assert found.bias is None
    assert "have no sign" in found.notes[0]


@pytest.mark.parametrize("method", ["decomposition+", "search"])
def test_an_order_of_all_words_is_refused_where_there_are_several_windows(
    classifier: Classifier, document: Document, method: str
) -> None:
    with pytest.raises(MethodError, match="choose another method"):
        attribute_document(classifier, document, method)


def test_parts_that_do_not_add_up_are_refused(
    classifier: Classifier, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz.documents.stitching.TOLERANCE", -1.0)
    with pytest.raises(MethodError, match="are not shown"):
        attribute_document(classifier, document, "decomposition")


def test_progress_reports_the_passes_that_were_estimated(
    classifier: Classifier, document: Document
) -> None:
    for method in ("decomposition", "occlusion"):
        passes = list[float]()
        attribute_document(classifier, document, method, progress=passes.append)
        expected = document_passes(classifier, document, method)
        assert sum(passes) == pytest.approx(expected, rel=0.05)


def test_a_text_of_20_000_tokens_is_read_and_its_attribution_adds_up(tmp_path: Path) -> None:
    folder = family_checkpoint(
        tmp_path / "bert", "bert", num_hidden_layers=1, max_position_embeddings=512
    )
    settings = folder / "tokenizer_config.json"
    settings.write_text(settings.read_text("utf-8").replace("128", "512"), "utf-8")
    classifier = Classifier.load(folder)
    document = read_document(classifier, text_of(1_900), stride=480)
    assert document.size == 512
    assert document.encoding.n_tokens > 20_000
    attribution = attribute_document(classifier, document)
    assert attribution.method == "decomposition"
    assert total(attribution) == pytest.approx(attribution.value, abs=1e-3)
    assert isinstance(document.pooled_reading.attention, MissingAttention)


def test_windows_are_those_that_the_checkpoint_was_trained_on(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "trained")
    edit_config(folder, text_window_stride=20)
    old = read_document(Classifier.load(folder), TEXT)
    assert (old.stride, old.pooling, old.settings.cut) == (20, "mean", "tokens")
    starts = [window.positions[1] for window in old.windows]
    assert starts[:3] == [1, 21, 41]
    edit_config(folder, text_window_pooling="max", text_window_cut="sentences")
    new = read_document(Classifier.load(folder), TEXT)
    assert (new.pooling, new.settings.cut) == ("max", "sentences")
    assert "largest logit of each class" in new.notes[0]


def test_a_regression_and_several_labels_are_pooled_and_explained(tmp_path: Path) -> None:
    for kind, labels in (("regression", ("score",)), ("multi_label_classification", LABELS)):
        folder = tiny_checkpoint(tmp_path / kind, labels=labels, problem_type=kind)
        classifier = Classifier.load(folder)
        for pooling in ("mean", "max"):
            document = read_document(classifier, TEXT, pooling=pooling)
            assert len(document.windows) > 2
            attribution = attribute_document(classifier, document)
            pooled = document.prediction.logits[document.prediction.predicted_class]
            assert attribution.value == pytest.approx(float(pooled), abs=1e-6)
            assert total(attribution) == pytest.approx(float(pooled), abs=1e-3)


@pytest.mark.parametrize("family", ["gpt2", "modernbert", "distilbert"])
def test_other_families_read_documents_too(family: str, tmp_path: Path) -> None:
    classifier = Classifier.load(family_checkpoint(tmp_path / family, family))
    document = read_document(classifier, text_of(12))
    assert len(document.windows) > 1
    attribution = attribute_document(classifier, document)
    if METHODS[attribution.method].name == "decomposition":
        assert total(attribution) == pytest.approx(attribution.value, abs=1e-3)


def test_heads_that_are_off_stay_off(classifier: Classifier, document: Document) -> None:
    silenced = read_document(classifier.without([(0, 1), (2, 0)]), TEXT)
    assert not np.allclose(silenced.prediction.logits, document.prediction.logits)
    assert silenced.reading(classifier, 0).without == ((0, 1), (2, 0))
    attribution = attribute_document(classifier, silenced, "decomposition")
    assert total(attribution) == pytest.approx(attribution.value, abs=1e-3)


def test_what_cannot_be_read_in_windows_is_refused_in_a_sentence(
    classifier: Classifier, document: Document, tmp_path: Path
) -> None:
    for stride in (0, 63):
        with pytest.raises(SelectionError, match="choose 1 to 62"):
            read_document(classifier, TEXT, stride=stride)
    for size in (2, 65):
        with pytest.raises(SelectionError, match="choose 3 to 64, which the model reads"):
            read_document(classifier, TEXT, size=size)
    with pytest.raises(SelectionError, match="choose mean, max, first"):
        read_document(classifier, TEXT, pooling="median")  # type: ignore[arg-type]
    with pytest.raises(TextError, match="single text"):
        text_windows(classifier.encoder, TEXT, "a pair")
    with pytest.raises(SelectionError, match="the windows are 0 to"):
        document.reading(classifier, len(document.windows))
    other = Classifier.load(tiny_checkpoint(tmp_path / "other"))
    with pytest.raises(SelectionError, match="read the text again"):
        attribute_document(other, document)
    with pytest.raises(SelectionError, match="stands for all windows of a document"):
        attribute(classifier, document.pooled_reading)
    with pytest.raises(TextError, match=r"at most 64 at once; read it as a document"):
        classifier.read_many([document.encoding])
    base = without_head(tiny_checkpoint(tmp_path / "base"))
    with pytest.raises(SelectionError, match="base model"):
        read_document(Classifier.load(base, base=True), TEXT)
