"""One recorded pass: equal to eager attention, to the plain logits, and to itself in a crowd."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finetune.checkpoint import onednn
from tests.families import family_checkpoint as family_checkpoint_of
from tests.tiny_models import tiny_checkpoint, tiny_mpnet
from viz import Classifier
from viz.errors import CheckpointError, NonFiniteLogitsError
from viz.model import probe
from viz.model.recording import Recorder

TEXT = "Oil prices rise as stockss fall, the market was not good!"
PAIR = "The team wins"


@pytest.fixture(scope="module")
def loaded(family_checkpoint: Path) -> Classifier:
    return Classifier.load(family_checkpoint)


@pytest.mark.parametrize("pair", [None, PAIR])
def test_weights_equal_eager_output_attentions(
    family_checkpoint: Path, loaded: Classifier, pair: str | None
) -> None:
    eager = AutoModelForSequenceClassification.from_pretrained(
        family_checkpoint, attn_implementation="eager"
    )
    encoded = AutoTokenizer.from_pretrained(family_checkpoint)(TEXT, pair, return_tensors="pt")
    with torch.no_grad():
        output = eager.eval()(**encoded, output_attentions=True)
    reading = loaded.read(TEXT, pair)
    expected = torch.cat(output.attentions).numpy()
    assert reading.attention.weights.shape == expected.shape
    np.testing.assert_allclose(reading.attention.weights, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(reading.prediction.logits, output.logits[0], rtol=0, atol=1e-5)


def test_logits_equal_the_plain_sdpa_forward(family_checkpoint: Path, loaded: Classifier) -> None:
    plain = AutoModelForSequenceClassification.from_pretrained(
        family_checkpoint, attn_implementation="sdpa"
    )
    encoded = AutoTokenizer.from_pretrained(family_checkpoint)(TEXT, return_tensors="pt")
    with torch.no_grad():
        expected = plain.eval()(**encoded).logits[0]
    recorded = loaded.read(TEXT).prediction.logits
    unrecorded = loaded.forward(loaded.encode(TEXT))
    np.testing.assert_allclose(recorded, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(unrecorded, expected, rtol=0, atol=1e-6)


def test_linear_layers_by_onednn_change_no_logit_by_more_than_rounding(
    loaded: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = [loaded.encode(text).inputs for text in (TEXT, PAIR)]
    expected, calls = loaded.logits(inputs), list[torch.Tensor]()
    linear = onednn._linear

    def counted(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        calls.append(x)
        return linear(x, *rest)

    monkeypatch.setattr(loaded, "_by_onednn", True)
    monkeypatch.setattr(onednn, "_linear", counted)
    np.testing.assert_allclose(loaded.logits(inputs), expected, rtol=0, atol=1e-5)
    assert len(calls) >= loaded.n_layers


def test_padded_keys_get_no_attention_and_change_no_logit(loaded: Classifier) -> None:
    """Our attention function brings its own mask; without it padding would be attended to."""
    padded = loaded.tokenizer([TEXT, PAIR], padding=True, return_tensors="pt")
    single = loaded.tokenizer(PAIR, return_tensors="pt")
    length = single["input_ids"].shape[1]
    recorder = Recorder()
    with torch.no_grad():
        recorded = loaded.run(padded, recorder)[1]
        plain = loaded.model(**padded).logits[1]
        alone = loaded.model(**single).logits[0]
    assert all((weights[1, :, :, length:] == 0).all() for weights in recorder.weights)
    torch.testing.assert_close(recorded, alone, rtol=0, atol=1e-5)
    torch.testing.assert_close(plain, alone, rtol=0, atol=1e-5)


def test_threads_that_read_at_once_get_what_they_get_alone(loaded: Classifier) -> None:
    texts = [f"{TEXT} {'the market ' * count}" for count in (0, 1, 2, 3, 5, 8, 40, 80)]
    alone = [loaded.read(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        crowd = list(pool.map(loaded.read, texts * 4))
    for expected, actual in zip(alone * 4, crowd, strict=True):
        np.testing.assert_allclose(
            actual.attention.weights, expected.attention.weights, rtol=0, atol=1e-6
        )
        np.testing.assert_allclose(
            actual.prediction.logits, expected.prediction.logits, rtol=0, atol=1e-5
        )


def test_a_recorder_is_gone_after_an_error(loaded: Classifier) -> None:
    encoding = loaded.encode(TEXT)
    failing = Recorder()
    with pytest.raises(ZeroDivisionError), failing:
        raise ZeroDivisionError
    loaded.forward(encoding)
    assert failing.weights == []


def test_reading_twice_changes_nothing_on_the_model(loaded: Classifier) -> None:
    before = {name: value.clone() for name, value in loaded.model.state_dict().items()}
    first, second = loaded.read(TEXT), loaded.read(TEXT)
    np.testing.assert_array_equal(first.attention.weights, second.attention.weights)
    for name, value in loaded.model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())


def test_half_precision_weights_are_computed_in_float32(tmp_path: Path) -> None:
    half = Classifier.load(tiny_checkpoint(tmp_path / "half", dtype=torch.float16))
    assert {value.dtype for value in half.model.parameters()} == {torch.float32}
    assert half.read(TEXT).prediction.logits.dtype == np.float32


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_where_a_less_exact_type_proves_nothing_the_checkpoint_is_not_blamed(
    tmp_path: Path, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_checkpoint(tmp_path / "checkpoint")
    monkeypatch.setattr(probe, "TOLERANCE", -1)  # some processors round alike in both passes
    with pytest.raises(CheckpointError, match=f"read correctly in {dtype}, .*; leave dtype out"):
        Classifier.load(folder, dtype=dtype, device="cpu")
    with pytest.raises(CheckpointError, match="choose another checkpoint"):
        Classifier.load(folder, device="cpu")


@pytest.mark.parametrize("count", [2, 3, 40])
def test_any_number_of_classes(tmp_path: Path, count: int) -> None:
    labels = tuple(f"class {index}" for index in range(count))
    prediction = (
        Classifier.load(tiny_checkpoint(tmp_path / "c", labels=labels)).read(TEXT).prediction
    )
    assert prediction.labels == labels
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert prediction.label == labels[int(prediction.probabilities.argmax())]


def test_classes_of_a_multi_label_head_are_decided_one_by_one(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "m", problem_type="multi_label_classification")
    prediction = Classifier.load(folder).read(TEXT).prediction
    assert prediction.multi_label
    np.testing.assert_allclose(prediction.probabilities, 1 / (1 + np.exp(-prediction.logits)), 1e-5)


def test_a_family_with_its_own_attention_code_is_recorded_at_its_softmax(tmp_path: Path) -> None:
    """MPNet ignores registered attention functions."""
    classifier = Classifier.load(tiny_mpnet(tmp_path))
    assert classifier.capabilities.attention == "softmax"
    assert classifier.read(TEXT).attention.weights.shape[:2] == (2, 4)


def test_a_text_that_ends_with_the_token_of_padding_is_read_from_the_one_before(
    tmp_path: Path,
) -> None:
    decoder = Classifier.load(family_checkpoint_of(tmp_path / "x", "gpt2 one token pads and ends"))
    plain, padded = decoder.read("oil prices"), decoder.read("oil prices<|endoftext|>")
    assert (plain.deciding_token, padded.deciding_token) == (1, 1)
    np.testing.assert_allclose(plain.prediction.logits, padded.prediction.logits, atol=1e-5)
    assert decoder.read("<|endoftext|>oil prices").deciding_token == 2


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_versions_of_a_text_that_a_family_takes_one_by_one_only(
    tmp_path: Path, family: str
) -> None:
    """Both refuse a batch whose texts have different numbers of </s>."""
    classifier = Classifier.load(family_checkpoint_of(tmp_path / "x", family), device="cpu")
    texts = [classifier.encode(text).inputs for text in ("oil </s> prices", "oil prices")]
    alone = np.concatenate([classifier.logits([text]) for text in texts])
    np.testing.assert_allclose(classifier.logits(texts), alone, atol=1e-6)


@pytest.mark.cuda
def test_a_card_reads_what_the_cpu_reads(family_checkpoint: Path) -> None:
    on_card = Classifier.load(family_checkpoint, device="cuda").read(TEXT)
    on_cpu = Classifier.load(family_checkpoint, device="cpu").read(TEXT)
    np.testing.assert_allclose(
        on_card.attention.weights, on_cpu.attention.weights, rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("problem_type", [None, "multi_label_classification", "regression"])
def test_a_text_whose_logits_overflow_is_refused(problem_type: str | None, tmp_path: Path) -> None:
    labels = ("stars",) if problem_type == "regression" else ("World", "Sports")
    path = tiny_checkpoint(tmp_path / "tiny", labels=labels, problem_type=problem_type)
    classifier = Classifier.load(path)
    assert np.isfinite(classifier.read("oil prices rise").prediction.logits).all()
    with torch.no_grad():
        classifier.model.get_submodule("classifier").bias.fill_(float("inf"))
    for read in (classifier.read, lambda text: classifier.read_many([classifier.encode(text)])):
        with pytest.raises(NonFiniteLogitsError, match=r"not finite \(NaN or infinity\) for this"):
            read("oil prices rise")
