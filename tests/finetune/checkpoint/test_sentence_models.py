"""Heads of sentence-transformers and SetFit: computed as there, or refused in one sentence."""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from transformers import AutoModel

from finetune.checkpoint.linear_head import save_linear_head
from finetune.checkpoint.models import load_base, load_checkpoint
from finetune.checkpoint.opening import open_classifier
from finetune.errors import ModelError
from tests.malformed_checkpoints import edit
from tests.sentence_models import (
    TEXTS,
    WIDTH,
    add_dense,
    add_module,
    library_outputs,
    tiny_sentence_model,
)
from tests.tiny_models import edit_config
from viz import Classifier
from viz.attribution import attribute
from viz.errors import CheckpointError, as_sentence

TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_sentence_model(tmp_path_factory.mktemp("sentences") / "embedder")


@pytest.fixture
def folder(embedder: Path, tmp_path: Path) -> Path:
    """A copy of a model that gives embeddings."""
    return shutil.copytree(embedder, tmp_path / "model")


def logits_of(folder: Path) -> Tensor:
    opened = open_classifier(folder)
    encoded = opened.tokenizer(list(TEXTS), return_tensors="pt", padding=True)
    with torch.inference_mode():
        found: Tensor = opened.model.eval()(**encoded).logits
    return found


def one_layer(folder: Path) -> None:
    add_dense(folder, WIDTH, 3)


def two_layers_and_dropout(folder: Path) -> None:
    add_dense(folder, WIDTH, 8, activation="Tanh")
    add_module(folder, "Dropout", {"dropout": 0.5})
    add_dense(folder, 8, 3, bias=False)


def norms(folder: Path) -> None:
    add_module(folder, "Normalize")
    add_dense(folder, WIDTH, 3)


def a_bounded_score(folder: Path) -> None:
    add_dense(folder, WIDTH, 1, activation="Sigmoid")


def named_and_bounded(folder: Path) -> None:
    add_dense(folder, WIDTH, 3, activation="Tanh")
    edit_config(folder, id2label={"0": "a", "1": "b", "2": "c"})


@pytest.mark.parametrize(
    "make", [one_layer, two_layers_and_dropout, norms, a_bounded_score, named_and_bounded]
)
def test_modules_are_computed_as_that_library_does(
    make: Callable[[Path], None], folder: Path
) -> None:
    make(folder)
    assert (logits_of(folder) - library_outputs(folder)).abs().max() < TOLERANCE


def test_the_first_state_of_another_family_is_pooled(tmp_path: Path) -> None:
    place = tiny_sentence_model(tmp_path / "model", "roberta", pooling="cls")
    add_dense(place, WIDTH, 3)
    assert (logits_of(place) - library_outputs(place)).abs().max() < TOLERANCE


@pytest.mark.parametrize(("activation", "several"), [("Softmax", False), ("Sigmoid", True)])
def test_probabilities_of_the_last_layer_are_those_of_the_reading(
    activation: str, several: bool, folder: Path
) -> None:
    add_dense(folder, WIDTH, 3, activation=activation)
    classifier = Classifier.load(folder)
    reading = classifier.read(TEXTS[0])
    assert load_checkpoint(str(folder)).multi_label == several
    wanted = library_outputs(folder)[0].numpy()
    assert np.abs(reading.prediction.probabilities - wanted).max() < 1e-6


def test_it_is_read_explained_and_fingerprinted_as_any_classifier(folder: Path) -> None:
    add_dense(folder, WIDTH, 3)
    classifier = Classifier.load(folder)
    reading = classifier.read(TEXTS[0])
    assert reading.prediction.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert load_checkpoint(str(folder)).tokenizer.model_max_length == 48
    eager = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    encoded = classifier.tokenizer(TEXTS[0], return_tensors="pt")
    with torch.inference_mode():
        maps = torch.cat(eager(**encoded, output_attentions=True).attentions)
    assert np.abs(reading.attention.weights - maps.numpy()).max() < 1e-5
    assert reading.pooling is not None
    assert np.allclose(reading.pooling, 1 / len(reading.pooling))  # a mean
    found = attribute(classifier, reading, "decomposition")
    assert found.bias is not None
    assert abs(found.scores.sum() + found.bias - found.value) < 1e-4
    before = open_classifier(folder).fingerprint()
    edit(folder / "1_Pooling" / "config.json", pooling_mode_mean_tokens=False)
    edit(folder / "1_Pooling" / "config.json", pooling_mode_cls_token=True)
    assert open_classifier(folder).fingerprint() != before


def test_newer_names_of_the_pooling_are_known(folder: Path) -> None:
    add_dense(folder, WIDTH, 3)
    before = logits_of(folder)
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"embedding_dimension": WIDTH, "pooling_mode": "mean", "include_prompt": True})
    )
    assert torch.equal(logits_of(folder), before)


def test_an_encoder_in_a_folder_of_its_own_opens(folder: Path) -> None:
    add_dense(folder, WIDTH, 3)
    before = logits_of(folder)
    inside = folder / "0_Transformer"
    inside.mkdir()
    for file in folder.iterdir():
        if file.is_file() and file.name not in ("modules.json", "config_setfit.json"):
            file.rename(inside / file.name)
    listed = json.loads((folder / "modules.json").read_text())
    listed[0]["path"] = inside.name
    (folder / "modules.json").write_text(json.dumps(listed))
    assert torch.equal(logits_of(folder), before)


def test_a_cross_encoder_is_the_plain_classifier_that_it_is(base: Path, tmp_path: Path) -> None:
    place = shutil.copytree(base, tmp_path / "model")
    add_module(place, "Transformer", path="")
    assert load_checkpoint(str(place)).labels == load_checkpoint(str(base)).labels


def test_embeddings_still_are_what_training_starts_from(folder: Path) -> None:
    assert load_base(str(folder), ("a", "b"), multi_label=False).labels == ("a", "b")


# --- heads of scikit-learn ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def vectors() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    generator = np.random.default_rng(0)
    return generator.normal(size=(60, WIDTH)), generator.integers(0, 3, 60)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_line_that_refuses_a_pickled_head_exports_it(
    n_classes: int,
    folder: Path,
    vectors: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states, classes = vectors
    head = LogisticRegression().fit(states, classes % n_classes)
    joblib.dump(head, folder / "model_head.pkl")
    labels = ["bad", "fair", "good"][:n_classes]
    about = {"normalize_embeddings": n_classes == 3, "labels": labels}
    (folder / "config_setfit.json").write_text(json.dumps(about))
    with pytest.raises(ModelError, match="a SetFit model, is a pickle") as refused:
        open_classifier(folder)
    with pytest.raises(CheckpointError) as read:
        Classifier.load(folder)
    assert str(read.value) == as_sentence(refused.value)
    assert str(refused.value).isprintable()
    (command,) = re.findall(r"python -c .*$", str(refused.value))
    embeddings = folder.parent / "embeddings"
    shutil.copytree(folder, embeddings)
    if n_classes == 3:
        add_module(embeddings, "Normalize")
    monkeypatch.chdir(folder)
    exec(shlex.split(command)[-1])
    classifier = Classifier.load(folder)
    wanted = head.predict_proba(library_outputs(embeddings).numpy())
    for text, row in zip(TEXTS, wanted, strict=True):
        prediction = classifier.read(text).prediction
        assert prediction.labels == tuple(labels)
        assert np.abs(prediction.probabilities - row).max() < 1e-5


def test_what_is_no_linear_head_is_not_saved(folder: Path) -> None:
    with pytest.raises(ModelError, match="it has to be a linear classifier"):
        save_linear_head(str(folder), np.ones((2, 4)), np.ones(3), ["a", "b", "c"])
    with pytest.raises(ModelError, match="is not a folder of sentence-transformers"):
        save_linear_head(str(folder.parent), np.ones((2, 4)), np.ones(2), ["a", "b"])


# --- what is refused ----------------------------------------------------------------------------


def change(file: str, **entries: Any) -> Callable[[Path], None]:
    return lambda folder: edit(folder / file, **entries)


def module(kind: str, settings: dict[str, Any] | None = None) -> Callable[[Path], None]:
    return lambda folder: (add_module(folder, kind, settings), None)[1]


def listing(content: object) -> Callable[[Path], None]:
    return lambda folder: ((folder / "modules.json").write_text(json.dumps(content)), None)[1]


def path_of_dense(path: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        listed = json.loads((folder / "modules.json").read_text())
        listed[2]["path"] = path
        listing(listed)(folder)

    return damage


def tensors(**changed: Tensor) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        file = folder / "2_Dense" / "model.safetensors"
        found = {name: tensor.clone() for name, tensor in load_file(file).items()}
        named = {name.replace("_", "."): tensor for name, tensor in changed.items()}
        save_file(found | named, file, metadata={"format": "pt"})

    return damage


def linked_dense(folder: Path) -> None:
    (folder / "2_Dense").rename(folder.parent / "elsewhere")
    (folder / "2_Dense").symlink_to(folder.parent / "elsewhere")


def pickled_dense(folder: Path) -> None:
    (folder / "2_Dense" / "model.safetensors").rename(folder / "2_Dense" / "pytorch_model.bin")


DENSE, POOLING = "2_Dense/config.json", "1_Pooling/config.json"
REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "another module": (module("LSTM", {}), "with the module LSTM, which CLSight doesn't compute"),
    "a norm at the end": (module("Normalize"), "produces embeddings"),
    "a pooled maximum": (change(POOLING, pooling_mode_max_tokens=True), "the pooling mean and"),
    "no pooling": (change(POOLING, pooling_mode_mean_tokens=False), "the pooling of nothing"),
    "two poolings": (change(POOLING, pooling_mode_cls_token=True), "the pooling mean and cls"),
    "code": (change(DENSE, activation_function="os.system"), "the activation os.system"),
    "code of torch": (change(DENSE, activation_function="torch.nn.x.Module"), "the activation"),
    "an embedding": (change(DENSE, activation_function="torch.nn.Tanh"), "3 numbers without"),
    "a prompt": (
        lambda f: ((f / "config_sentence_transformers.json").write_text(
            '{"default_prompt_name": "query"}'), None)[1],
        r"puts a prompt \(query\) before each text",
    ),
    "other shapes": (change(DENSE, out_features=4), "holds other weights than its config.json"),
    "shapes of text": (change(DENSE, out_features=[3]), "holds other weights than"),
    "another width": (tensors(linear_weight=torch.ones(3, 5)), "holds other weights than"),
    "another tensor": (tensors(other=torch.ones(3)), "holds other weights than"),
    "no number": (tensors(linear_bias=torch.full((3,), np.nan)), "not finite numbers"),
    "a gap": (lambda f: (add_dense(f, 5, 2), None)[1], "reads 5 numbers, but gets 3"),
    "a way out": (path_of_dense("../model/2_Dense"), "is a path, not a file of that folder"),
    "a link out": (linked_dense, "points outside the folder"),
    "a pickle": (pickled_dense, "pickles are not read"),
    "no list": (listing({}), "is not a list of modules"),
    "numbers": (listing([3, 4]), "is not a list of modules"),
    "too many": (listing([{"type": "x.Dense", "path": "x"}] * 99), "is not a list of modules"),
    "another order": (
        listing([{"type": f"x.{kind}", "path": "x"} for kind in ("Pooling", "Dense")]),
        "with Pooling and Dense",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_computed_alike_is_one_sentence(name: str, folder: Path) -> None:
    add_dense(folder, WIDTH, 3)
    damage, sentence = REFUSED[name]
    damage(folder)
    with pytest.raises(ModelError, match=sentence) as refused:
        open_classifier(folder)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400


def test_many_numbers_without_names_are_an_embedding(folder: Path) -> None:
    add_dense(folder, WIDTH, 40)
    with pytest.raises(ModelError, match="ends in 40 numbers without names"):
        open_classifier(folder)
    edit_config(folder, id2label={str(number): f"c{number}" for number in reversed(range(40))})
    assert load_checkpoint(str(folder)).labels == tuple(f"c{number}" for number in range(40))
