"""Adapters open as what peft makes of them, their head proven; what can't be is one sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import (
    AdaLoraConfig,
    HRAConfig,
    IA3Config,
    LoHaConfig,
    LoKrConfig,
    LoraConfig,
    OFTConfig,
    PeftConfig,
    PrefixTuningConfig,
    PromptTuningConfig,
)
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import (
    AutoModel,
    GPT2Config,
    GPT2ForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
)

from finetune.checkpoint.adapter_base import parts_of
from finetune.checkpoint.folder import is_checkpoint
from finetune.checkpoint.models import load_base, load_checkpoint
from finetune.checkpoint.opening import open_classifier
from finetune.errors import ModelError
from tests.adapters import logits_of, save_adapter
from tests.malformed_checkpoints import edit, void
from tests.sentence_models import tiny_sentence_model
from tests.tiny_models import tiny_checkpoint, tokenizer
from viz import Classifier

TENSORS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
TOLERANCE = 1e-5


def lora(**more: Any) -> LoraConfig:
    settings: dict[str, Any] = {
        "r": 4, "task_type": "SEQ_CLS", "target_modules": ["query", "value"]
    }  # fmt: skip
    return LoraConfig(**settings | more)


KINDS: dict[str, PeftConfig] = {
    "lora": lora(),
    "rslora": lora(use_rslora=True, lora_alpha=3),
    "dora": lora(use_dora=True, bias="all"),
    "patterns": lora(
        rank_pattern={"layer.1.attention.self.query": 2},
        alpha_pattern={"^bert.encoder.layer.0.attention.self.value": 64},
    ),
    "an expression": lora(target_modules=r".*layer\.1\.(?:.*?(query|value))"),
    "all-linear": lora(target_modules="all-linear", bias="lora_only", lora_bias=True),
    "one layer": lora(layers_to_transform=[1]),
    "a whole pooler": lora(task_type=None, modules_to_save=["classifier", "pooler"]),
    "inside the head": lora(target_modules=["dense"], modules_to_save=["classifier"]),
    "embeddings": lora(target_modules=["query", "word_embeddings"]),
    "tokens": lora(trainable_token_indices={"word_embeddings": [3, 9]}),
    "another start": lora(init_lora_weights="gaussian"),
    "adalora": AdaLoraConfig(
        init_r=4, target_r=2, total_step=9, task_type="SEQ_CLS", target_modules=["query"]
    ),
    "ia3": IA3Config(
        task_type="SEQ_CLS",
        target_modules=["key", "value", "output.dense"],
        feedforward_modules=["output.dense"],
    ),
    "loha": LoHaConfig(r=4, task_type="SEQ_CLS", target_modules=["query"], alpha=3),
    "lokr": LoKrConfig(r=4, task_type="SEQ_CLS", target_modules=["query"], alpha=3),
    "oft": OFTConfig(r=4, oft_block_size=0, task_type="SEQ_CLS", target_modules=["query"]),
    "hra": HRAConfig(r=4, task_type="SEQ_CLS", target_modules=["query"]),
}


@pytest.fixture(scope="module")
def encoder(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model without any head, in a room of its own."""
    place = tmp_path_factory.mktemp("adapters") / "encoder"
    AutoModel.from_pretrained(base).save_pretrained(place)
    tokenizer("bert").save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def saved(encoder: Path) -> Path:
    """An adapter of it, with three classes."""
    save_adapter(encoder.parent / "saved", encoder, lora())
    return encoder.parent / "saved"


@pytest.fixture
def adapter(saved: Path, tmp_path: Path) -> Path:
    """A copy of that adapter."""
    return shutil.copytree(saved, tmp_path / "adapter")


def tensors_of(adapter: Path) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in load_file(adapter / TENSORS).items()}


def put_tensors(adapter: Path, tensors: dict[str, Tensor]) -> None:
    save_file(tensors, adapter / TENSORS, metadata={"format": "pt"})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_an_adapter_of_any_kind_answers_as_peft_does(
    kind: str, encoder: Path, tmp_path: Path
) -> None:
    wanted = save_adapter(tmp_path / "adapter", encoder, KINDS[kind])
    opened = open_classifier(tmp_path / "adapter")
    assert (logits_of(opened.model) - wanted).abs().max() < TOLERANCE
    assert not any("peft" in type(part).__module__ for part in opened.model.modules())
    assert opened.config.id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    assert all(weights.requires_grad for weights in opened.model.parameters())


def test_the_head_of_the_file_is_that_of_the_model(adapter: Path) -> None:
    state = open_classifier(adapter).model.state_dict()
    head = {name: tensor for name, tensor in tensors_of(adapter).items() if "classifier" in name}
    assert len(head) == 2
    for name, tensor in head.items():
        assert torch.equal(state[name.removeprefix("base_model.model.")], tensor)


def tiny_gpt2(place: Path) -> Path:
    words = tokenizer("bert")
    config = GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=len(words), n_positions=64)
    torch.manual_seed(0)
    GPT2ForSequenceClassification(config).save_pretrained(place)
    words.save_pretrained(place)
    return place


def tiny_llama(place: Path) -> Path:
    words = tokenizer("bert")
    config = LlamaConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=48, vocab_size=len(words), max_position_embeddings=64, head_dim=8,
    )  # fmt: skip
    torch.manual_seed(0)
    LlamaForSequenceClassification(config).save_pretrained(place)
    words.save_pretrained(place)
    return place


@pytest.mark.parametrize(
    ("make", "config"),
    [
        (tiny_gpt2, lora(target_modules=["c_attn"], fan_in_fan_out=True, use_dora=True)),
        (tiny_llama, lora(target_modules=["q_proj", "v_proj", "down_proj"])),
        (lambda place: tiny_checkpoint(place, "roberta"), lora()),
        (
            lambda place: tiny_checkpoint(place, "distilbert"),
            lora(target_modules=["q_lin"], modules_to_save=["pre_classifier"]),
        ),
    ],
    ids=["gpt2", "llama", "roberta", "distilbert"],
)
def test_adapters_of_other_families_and_their_padding(
    make: Callable[[Path], Path], config: LoraConfig, tmp_path: Path
) -> None:
    wanted = save_adapter(tmp_path / "adapter", make(tmp_path / "base"), config)
    opened = open_classifier(tmp_path / "adapter")
    assert opened.config.pad_token_id is not None  # the bases of decoders name none
    assert (logits_of(opened.model) - wanted).abs().max() < TOLERANCE


@pytest.mark.filterwarnings("ignore:Setting `save_embedding_layers`")
def test_embeddings_added_for_the_training_are_those_of_the_adapter(
    encoder: Path, tmp_path: Path
) -> None:
    config = lora(modules_to_save=["classifier", "word_embeddings"])
    wanted = save_adapter(tmp_path / "adapter", encoder, config, rows=130)
    opened = open_classifier(tmp_path / "adapter")
    assert opened.model.get_input_embeddings().weight.shape[0] == opened.config.vocab_size == 130
    assert (logits_of(opened.model) - wanted).abs().max() < TOLERANCE


def test_both_halves_and_the_list_of_the_app_know_an_adapter(adapter: Path, encoder: Path) -> None:
    assert is_checkpoint(adapter)
    reading = Classifier.load(adapter).read("oil prices rise")
    assert reading.prediction.labels == load_checkpoint(str(adapter)).labels
    assert len(reading.prediction.labels) == 3
    with pytest.raises(ModelError, match="is an adapter, not a whole model; take the base model"):
        load_base(str(adapter), ("a", "b"), multi_label=False)


def test_computed_in_float64_it_is_merged_there(adapter: Path) -> None:
    narrow, wide = (open_classifier(adapter, dtype=d).model for d in (torch.float32, torch.float64))
    for name, weight in wide.state_dict().items():
        if weight.is_floating_point():
            assert weight.dtype == torch.float64, name
    assert (logits_of(wide) - logits_of(narrow).double()).abs().max() < TOLERANCE


# --- classes, tokenizer, fingerprint -----------------------------------------------------------


def test_classes_are_named_by_its_own_folder(adapter: Path) -> None:
    (adapter / "run.json").write_text(
        json.dumps({"labels": ["a", "b", "c"], "problem_type": "multi_label_classification"})
    )
    opened = load_checkpoint(str(adapter))
    assert opened.labels == ("a", "b", "c")
    assert opened.multi_label
    settings = {"id2label": {"0": "x", "1": "y", "2": "z"}, "calibration_temperature": 1.5}
    (adapter / "config.json").write_text(json.dumps(settings))
    classifier = Classifier.load(adapter)
    assert classifier.read("oil").prediction.labels == ("x", "y", "z")
    assert classifier.temperature == 1.5
    edit(adapter / "config.json", id2label={"0": "x", "1": "y"})
    with pytest.raises(ModelError, match="has 3 classes, but its folder names 2"):
        open_classifier(adapter)


def test_twelve_classes_keep_their_order_in_whatever_order_the_file_has_them(
    encoder: Path, tmp_path: Path
) -> None:
    adapter = tmp_path / "adapter"
    save_adapter(adapter, encoder, lora(), n_labels=12)
    names = {str(number): f"class {number}" for number in range(12)}
    settings = json.dumps({"id2label": names}, sort_keys=True)  # "10" and "11" before "2"
    (adapter / "config.json").write_text(settings)
    assert load_checkpoint(str(adapter)).labels == tuple(names.values())
    assert Classifier.load(adapter).labels == tuple(names.values())


def test_what_was_measured_of_another_head_is_not_taken_over(base: Path, tmp_path: Path) -> None:
    classifier = shutil.copytree(base, tmp_path / "base")
    edit(
        classifier / "config.json",
        calibration_temperature=2.0,
        text_truncation="head+tail",
        text_max_length=16,
        problem_type="multi_label_classification",
    )
    save_adapter(tmp_path / "adapter", classifier, lora(), n_labels=4)
    opened = load_checkpoint(str(tmp_path / "adapter"))
    assert opened.labels == tuple(f"LABEL_{number}" for number in range(4))
    assert not opened.multi_label
    found = Classifier.load(tmp_path / "adapter")
    assert found.temperature is None
    assert (found.encoder.truncation, found.encoder.trained_length) == ("head", None)


def test_without_a_head_of_its_own_that_of_a_whole_base_stays(base: Path, tmp_path: Path) -> None:
    config = lora(task_type=None)
    wanted = save_adapter(tmp_path / "adapter", base, config, n_labels=4)
    opened = open_classifier(tmp_path / "adapter")
    assert (logits_of(opened.model) - wanted).abs().max() < TOLERANCE
    assert opened.config.id2label[0] == "World"


def test_the_tokenizer_beside_it_wins(adapter: Path) -> None:
    assert load_checkpoint(str(adapter)).tokenizer.model_max_length == 64
    own = tokenizer("bert")
    own.model_max_length = 32
    own.save_pretrained(adapter)
    assert load_checkpoint(str(adapter)).tokenizer.model_max_length == 32


def test_the_fingerprint_covers_base_and_both_files(adapter: Path, encoder: Path) -> None:
    found = {open_classifier(adapter).fingerprint()}
    edit(adapter / CONFIG, lora_alpha=32)
    found.add(open_classifier(adapter).fingerprint())
    tensors = tensors_of(adapter)
    put_tensors(adapter, tensors | {name: 2 * tensors[name] for name in list(tensors)[:1]})
    found.add(open_classifier(adapter).fingerprint())
    other = shutil.copytree(encoder, adapter.parent / "other")
    weights = load_file(other / "model.safetensors")
    weights["pooler.dense.bias"] = weights["pooler.dense.bias"] + 1
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    edit(adapter / CONFIG, base_model_name_or_path=str(other))
    found.add(open_classifier(adapter).fingerprint())
    assert len(found) == 4


def test_a_base_is_found_from_the_adapters_own_folder(
    adapter: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = logits_of(open_classifier(adapter).model)
    shutil.copytree(encoder, adapter.parent / "bases" / "mine")
    edit(adapter / CONFIG, base_model_name_or_path="../bases/mine")
    monkeypatch.chdir("/")
    assert torch.equal(logits_of(open_classifier(adapter).model), wanted)


def test_a_checkpoint_is_made_of_its_base_and_modules_too(
    adapter: Path, encoder: Path, tmp_path: Path
) -> None:
    assert parts_of(adapter) == [adapter, encoder]
    edit(adapter / CONFIG, base_model_name_or_path="owner/name")
    assert parts_of(adapter) == [adapter]
    (adapter / CONFIG).write_text("{")
    assert parts_of(adapter) == [adapter]
    place = tiny_sentence_model(tmp_path / "sentences")
    assert parts_of(place) == [place, place / "1_Pooling"]


# --- what is refused ---------------------------------------------------------------------------


def change(**entries: Any) -> Callable[[Path], None]:
    return lambda adapter: edit(adapter / CONFIG, **entries)


def without_tensors(part: str) -> Callable[[Path], None]:
    def damage(adapter: Path) -> None:
        kept = {name: t for name, t in tensors_of(adapter).items() if part not in name}
        put_tensors(adapter, kept)

    return damage


def with_tensors(**added: Tensor) -> Callable[[Path], None]:
    def damage(adapter: Path) -> None:
        named = {name.replace("__", "."): tensor for name, tensor in added.items()}
        put_tensors(adapter, tensors_of(adapter) | named)

    return damage


def nan_in(part: str) -> Callable[[Path], None]:
    def damage(adapter: Path) -> None:
        tensors = tensors_of(adapter)
        for name in tensors:
            if part in name:
                tensors[name].view(-1)[0] = float("nan")
        put_tensors(adapter, tensors)

    return damage


def no_tensors(adapter: Path) -> None:
    (adapter / TENSORS).unlink()


def a_pickle(adapter: Path) -> None:
    (adapter / TENSORS).rename(adapter / "adapter_model.bin")


def on_itself(adapter: Path) -> None:
    edit(adapter / CONFIG, base_model_name_or_path=".")


def a_whole_model_too(adapter: Path) -> None:
    (adapter / "model.safetensors").write_bytes(b"")


def of_another_family(adapter: Path) -> None:
    (adapter / "config.json").write_text('{"model_type": "roberta"}')


HEAD = "base_model__model__classifier__weight"
QUERY = "base_model__model__bert__encoder__layer__0__attention__self__query__lora_A__weight"
REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "no head": (
        without_tensors("classifier"),
        r"neither the adapter 'adapter' nor its base model 'encoder' holds 'classifier.bias'.*"
        r" random; train it again with classifier in peft's modules_to_save",
    ),
    "half a head": (without_tensors("classifier.bias"), "holds 'classifier.bias'"),
    "a layer less": (without_tensors("layer.1."), r"lacks .*layer\.1\..* \(tensors missing: 4\)"),
    "a tensor more": (with_tensors(base_model__model__x__lora_A=torch.ones(1)), "no place"),
    "a head of two sizes": (with_tensors(**{HEAD: torch.ones(5, 32)}), "have 3 and 5 classes"),
    "a head of another width": (with_tensors(**{HEAD: torch.ones(3, 8)}), "is 3 x 8, but"),
    "a head that is a number": (with_tensors(**{HEAD: torch.tensor(1.0)}), "is a single number"),
    "another rank": (with_tensors(**{QUERY: torch.ones(5, 32)}), "is 5 x 32, but its place"),
    "another rank by name": (change(r=6), "but its place"),
    "a huge rank": (change(r=10**9), "numbers or more|can't be put into its base"),
    "a rank of 0": (change(r=0), "can't be put into its base model"),
    "a rank that is a text": (change(r="x"), "can't be put into its base model"),
    "ranks of modules": (change(rank_pattern={"query": 10**9}), "numbers or more|can't be put"),
    "an expression of ranks": (change(alpha_pattern={"(a+)+$": 3}), "expression that is not read"),
    "ranks that are a list": (change(rank_pattern=[3]), "has to give numbers by modules"),
    "numbers that are none": (nan_in("lora_B"), "not finite numbers"),
    "a head that is none": (nan_in("classifier"), "not finite numbers"),
    "an unknown kind": (change(peft_type="MAGIC"), "of kind MAGIC; CLSight opens LORA"),
    "no kind": (change(peft_type=None), "is an adapter of kind None"),
    "a kind that is a list": (change(peft_type=["LORA"]), "is an adapter of kind"),
    "another task": (change(task_type="TOKEN_CLS"), "for TOKEN_CLS, not for classifying"),
    "another model": (
        change(task_type=None, auto_mapping={"base_model_class": "BertForTokenClassification"}),
        "is an adapter for BertForTokenClassification",
    ),
    "more layers": (change(layer_replication=[[0, 10**9]]), "with layer_replication, which can't"),
    "a start from the base": (change(init_lora_weights="pissa"), "began with pissa, which changes"),
    "a start nobody knows": (change(init_lora_weights="../x"), "began with ../x"),
    "a series without end": (change(num_cayley_neumann_terms=10**9), "terms up to 100"),
    "a setting of the future": (change(use_magic=True), "unexpected keyword argument 'use_magic'"),
    "no base": (change(base_model_name_or_path=None), "names no base model"),
    "a base that is a list": (change(base_model_name_or_path=["x"]), "names no base model"),
    "a base elsewhere": (change(base_model_name_or_path="/x/bert"), "'/x/bert', which is not here"),
    "a base with a NUL": (change(base_model_name_or_path="x\0y"), "which is not here"),
    "a base of nobody": (change(base_model_name_or_path="~nobody/x"), "which is not here"),
    "a base that is a file": (change(base_model_name_or_path=TENSORS), "which is"),
    "a base without a model": (change(base_model_name_or_path=".."), "is not a checkpoint"),
    "an odd revision": (change(revision="../x"), "it has to be a branch"),
    "on itself": (on_itself, "is an adapter itself"),
    "a whole model too": (a_whole_model_too, "holds a whole model .* and an adapter"),
    "of another family": (of_another_family, "is of roberta, that of .* of bert"),
    "no tensors": (no_tensors, "lacks adapter_model.safetensors; copy the whole folder"),
    "a pickle": (a_pickle, r"only as a pickle \(adapter_model.bin\)"),
    "nothing": (lambda adapter: put_tensors(adapter, {}), "contains no tensors"),
    "garbage": (lambda a: void((a / TENSORS).write_bytes(b"x" * 99)), "is damaged or"),
    "no object": (lambda a: void((a / CONFIG).write_text("[]")), "contain a JSON object"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_answer_by_chance_is_one_sentence(name: str, adapter: Path) -> None:
    damage, sentence = REFUSED[name]
    damage(adapter)
    with pytest.raises(ModelError, match=sentence) as refused:
        open_classifier(adapter)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    "config",
    [
        PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=4),
        PrefixTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=4),
    ],
    ids=["prompt", "prefix"],
)
def test_prompts_and_prefixes_are_refused_by_name(config: Any, adapter: Path) -> None:
    config.base_model_name_or_path = "x"
    config.save_pretrained(str(adapter))
    with pytest.raises(ModelError, match=f"of kind {config.peft_type.value}, .* train a LoRA"):
        open_classifier(adapter)


def test_a_part_of_the_head_that_nobody_saved_is_named(base: Path, tmp_path: Path) -> None:
    place = tmp_path / "base"
    AutoModel.from_pretrained(base, add_pooling_layer=False).save_pretrained(place)
    tokenizer("bert").save_pretrained(place)
    save_adapter(tmp_path / "adapter", place, lora())
    with pytest.raises(ModelError, match=r"'bert.pooler.dense.bias'.* with bert.pooler.dense in"):
        open_classifier(tmp_path / "adapter")


def test_an_adapter_of_the_hub_can_name_no_folder_of_this_machine(
    adapter: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finetune.checkpoint.folder.fetch", lambda *_: adapter)
    monkeypatch.setattr("finetune.checkpoint.adapter_files.fetch", lambda *_: adapter)
    with pytest.raises(ModelError, match=r"adapter of the base model .* not here"):
        open_classifier("owner/tiny")
