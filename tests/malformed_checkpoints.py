"""Folders that are not what they seem, made of a small checkpoint: what people's disks hold.

Each damage changes a whole, tiny BERT of four classes in place. `MALFORMED_CHECKPOINTS` says what
has to come of it: words of the one sentence that refuses it, or `OPENS`.
"""

import json
import os
import shutil
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.tiny_models import edit_config

OPENS = ""
"""It is a classifier all the same."""
Damage = Callable[[Path], None]
MALFORMED_CHECKPOINTS: dict[str, tuple[Damage, str]] = {}
"""What is done to the folder, and what the sentence has to say, by a name."""

WEIGHTS, INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
DEEP = "[" * 100_000
MESSY = "'\\n\x1b[31m\u202e</script>"


def damage(sentence: str, name: str = "") -> Callable[[Damage], Damage]:
    """Let a function be one of `MALFORMED_CHECKPOINTS`, refused by a sentence with these words."""

    def keep(made: Damage) -> Damage:
        MALFORMED_CHECKPOINTS[name or made.__name__.replace("_", " ")] = (made, sentence)
        return made

    return keep


def edit(file: Path, **changes: Any) -> None:
    """Overwrite entries of a file of JSON."""
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | changes), "utf-8")


def without(file: Path, *names: str) -> None:
    """Take entries out of a file of JSON."""
    content = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({k: v for k, v in content.items() if k not in names}), "utf-8")


def weights_of(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder, no longer tied to its file."""
    return {name: tensor.clone() for name, tensor in load_file(folder / WEIGHTS).items()}


def put_weights(folder: Path, weights: dict[str, Tensor], name: str = WEIGHTS) -> None:
    """Write tensors to a file of the folder."""
    save_file(weights, folder / name, metadata={"format": "pt"})


def sharded(folder: Path, **places: str) -> None:
    """Spread the weights over two files with an index; *places* overwrites where tensors lie."""
    weights = weights_of(folder)
    names = sorted(weights)
    half = len(names) // 2
    parts = {"model-00001-of-00002.safetensors": names[:half]}
    parts["model-00002-of-00002.safetensors"] = names[half:]
    for file, held in parts.items():
        put_weights(folder, {name: weights[name] for name in held}, file)
    placed = {name: file for file, held in parts.items() for name in held}
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": placed | places}))
    (folder / WEIGHTS).unlink()


def renamed(folder: Path, change: Callable[[str], str]) -> None:
    """Give all tensors other names."""
    put_weights(folder, {change(name): value for name, value in weights_of(folder).items()})


def header(folder: Path, content: bytes, length: int | None = None, rest: bytes = b"") -> None:
    """Write a file of weights by its bytes."""
    size = struct.pack("<Q", len(content) if length is None else length)
    (folder / WEIGHTS).write_bytes(size + content + rest)


def huge(file: Path, size: int) -> None:
    """A file of many bytes that take no room on the disk."""
    with file.open("ab") as stream:
        stream.truncate(size)


def cleared(folder: Path, *kept: str) -> None:
    """Remove all files but some."""
    for file in folder.iterdir():
        if file.name not in kept:
            file.unlink()


# --- files that are none ----------------------------------------------------------------------

FILES = (CONFIG, WEIGHTS, TOKENIZER, TOKENIZER_CONFIG)
ODD_FILES = ("special_tokens_map.json", "added_tokens.json", "adapter_config.json", INDEX)


def _link(name: str, target: str) -> Damage:
    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return make


def _folder(name: str) -> Damage:
    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()

    return make


def _pipe(name: str) -> Damage:
    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return make


def _outside(name: str) -> Damage:
    def make(folder: Path) -> None:
        place = folder.parent / f"outside-{folder.name}-{name}"
        shutil.move(folder / name, place)
        (folder / name).symlink_to(place)

    return make


for _name in FILES:
    damage("link that points outside the folder", f"{_name} is a link to another folder")(
        _outside(_name)
    )
for _name in (*FILES, "added_tokens.json", "adapter_config.json"):
    damage("is a broken link", f"{_name} leads nowhere")(_link(_name, "gone"))
    damage("is a broken link", f"{_name} leads to itself")(_link(_name, _name))
    damage("link that points outside the folder", f"{_name} is endless")(_link(_name, "/dev/zero"))
    damage("is a folder, not a file", f"{_name} is a folder")(_folder(_name))
    damage("is a pipe or a device", f"{_name} is a pipe")(_pipe(_name))
for _name in ("notes.txt", "second.safetensors", "README.md", "onnx", "chat_template.jinja"):
    damage(OPENS, f"a stray {_name} leads nowhere")(_link(_name, "gone"))
    damage(OPENS, f"a stray {_name} leads to itself")(_link(_name, _name))
    damage(OPENS, f"a stray {_name} is endless")(_link(_name, "/dev/zero"))
    damage(OPENS, f"a stray {_name} is a pipe")(_pipe(_name))


@damage(OPENS)
def links_inside_the_folder(folder: Path) -> None:
    for name in FILES:
        (folder / name).rename(folder / f"kept-{name}")
        (folder / name).symlink_to(f"kept-{name}")


@damage(OPENS)
def a_socket_beside_the_weights(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("s.safetensors")
    finally:
        os.chdir(here)


@damage(OPENS)
def a_pipe_among_chat_templates(folder: Path) -> None:
    (folder / "additional_chat_templates").mkdir()
    os.mkfifo(folder / "additional_chat_templates" / "x.jinja")


@damage(OPENS)
def thousands_of_other_files(folder: Path) -> None:
    for number in range(3000):
        (folder / f"{number}.safetensors").touch()


# --- JSON --------------------------------------------------------------------------------------


def _content(name: str, content: bytes) -> Damage:
    return lambda folder: void((folder / name).write_bytes(content))


def void(_: object) -> None:
    """Let a call be an action."""


for _name in (CONFIG, TOKENIZER, TOKENIZER_CONFIG):
    for _what, _bytes in {
        "empty": b"",
        "cut short": b'{"model_type": "be',
        "not UTF-8": b'{"model_type": "b\xff\xfert"}',
        "nested deeply": DEEP.encode(),
        "a deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "a number of 5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
        "zeros": bytes(5000),
    }.items():
        damage("can't be read as JSON", f"{_name} is {_what}")(_content(_name, _bytes))
    damage("does not contain a JSON object", f"{_name} is a list")(_content(_name, b"[]"))
    damage("does not contain a JSON object", f"{_name} is null")(_content(_name, b"null"))

    def _endless(folder: Path, name: str = _name) -> None:
        huge(folder / name, 2**30)

    damage("more than the", f"{_name} has a gigabyte")(_endless)


# --- config.json -------------------------------------------------------------------------------

NOT_A_NUMBER, INFINITE = float("nan"), float("inf")
HUGE = 10**400


def _entry(name: str, value: Any) -> Damage:
    return lambda folder: edit_config(folder, **{name: value})


WRONG_TYPES: dict[str, Any] = {"a text": "x", "a list": [], "null": None, "an object": {}}
for _name in (
    "num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size", "vocab_size",
    "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_dropout_prob",
):  # fmt: skip
    for _what, _value in WRONG_TYPES.items():
        damage("config.json of", f"{_name} is {_what}")(_entry(_name, _value))
    damage("is not a number", f"{_name} is not a number")(_entry(_name, NOT_A_NUMBER))
    damage("is too large", f"{_name} is infinite")(_entry(_name, INFINITE))
    damage("is too large", f"{_name} has 400 digits")(_entry(_name, HUGE))
    for _value in (-3, 10**9, 10**15):
        damage(" of ", f"{_name} is {_value}")(_entry(_name, _value))
for _name, _value in {
    "num_hidden_layers": 0, "num_attention_heads": 0, "hidden_size": 0, "vocab_size": 0
}.items():  # fmt: skip
    damage("it has to be at least 1", f"{_name} is 0")(_entry(_name, _value))
damage("describes 50,000 layers", "50,000 layers")(_entry("num_hidden_layers", 50_000))
damage("it has to be at least 1", "heads -12")(_entry("num_attention_heads", -12))
damage("does not describe a model", "heads that don't divide")(_entry("num_attention_heads", 5))
damage("describes 2 layers, but its weights have more", "fewer layers than weights")(
    _entry("num_hidden_layers", 2)
)
damage("are incomplete", "more layers than weights")(_entry("num_hidden_layers", 7))
damage("don't match its config.json", "another width")(_entry("intermediate_size", 50))
damage("does not describe a model", "an unknown activation")(_entry("hidden_act", "exec"))
damage("can't be read", "an activation that is a number")(_entry("hidden_act", 3))
damage("id2label", "classes are a list")(_entry("id2label", ["a", "b", "c", "d"]))
damage("id2label", "classes are a text")(_entry("id2label", "World"))
damage("without a gap", "classes by name")(_entry("id2label", {"World": "0"}))
damage("without a gap", "classes from 1")(_entry("id2label", {str(n): "c" for n in range(1, 5)}))
damage("contains a name that is not text", "a class that is null")(
    _entry("id2label", {"0": None, "1": "b", "2": "c", "3": "d"})
)
damage("contains a name that is not text", "a class that is a list")(
    _entry("id2label", {"0": [1], "1": "b", "2": "c", "3": "d"})
)
damage("the head of 'broken' has 4 classes, but config.json names 2", "two classes for four")(
    _entry("id2label", {"0": "a", "1": "b"})
)
damage("has no classes", "no class at all")(_entry("id2label", {}))
damage(OPENS, "label2id is a list")(_entry("label2id", [3]))
damage(OPENS, "label2id contradicts")(_entry("label2id", {"x": 77}))
damage("num_labels", "a billion classes")(_entry("num_labels", 10**9))
damage("num_labels", "minus one class")(_entry("num_labels", -1))
damage("num_labels", "classes counted in words")(_entry("num_labels", "four"))
damage("problem_type", "an unknown task")(_entry("problem_type", "zero_shot"))
damage("problem_type", "a task that is a list")(_entry("problem_type", ["regression"]))
damage("predicts 4 numbers", "several numbers")(_entry("problem_type", "regression"))
damage("architectures", "architectures that are a number")(_entry("architectures", [3]))
damage("architectures", "architectures that are a text")(_entry("architectures", "Bert"))
damage("has no classification head", "an architecture without a head")(
    _entry("architectures", ["BertModel"])
)
damage("which transformers doesn't know", "an unknown model")(_entry("model_type", "perceptron9"))
damage("which transformers doesn't know", "a model that is a list")(_entry("model_type", ["bert"]))
damage("which transformers doesn't know", "a model that is a path")(_entry("model_type", "../x"))
damage("which no configuration has", "an entry that hides a method")(_entry("to_dict", "x"))
damage("which no configuration has", "an entry that hides a class")(_entry("__class__", "x"))
damage(OPENS, "a private entry")(_entry("_attn_implementation", "kernels-community/evil"))
damage(OPENS, "an attention of the Hub")(_entry("attn_implementation", "kernels-community/evil"))
damage(OPENS, "weights of another name")(_entry("transformers_weights", "../../x.safetensors"))
damage(OPENS, "another file of configuration")(_entry("configuration_files", ["config.0.1.json"]))
damage(OPENS, "a dtype that is a function")(_entry("dtype", "save"))
damage(OPENS, "a dtype of 8 bits")(_entry("torch_dtype", "float8_e4m3fn"))
damage(OPENS, "answers that are tuples")(_entry("return_dict", False))
damage(OPENS, "states that are given out")(_entry("output_hidden_states", True))
damage(OPENS, "chunks of seven")(_entry("chunk_size_feed_forward", 7))
damage("outside a vocabulary", "padding outside the vocabulary")(_entry("pad_token_id", 10**6))
damage("outside a vocabulary", "padding below 0")(_entry("pad_token_id", -1))
damage("layer_norm_eps", "a layer norm below 0")(_entry("layer_norm_eps", -1.0))
damage("is too large", "a temperature of 400 digits")(_entry("calibration_temperature", HUGE))
damage("it has to be a number above 0", "a temperature in words")(
    _entry("calibration_temperature", "hot")
)
damage("it has to be a number above 0", "a temperature of 0")(_entry("calibration_temperature", 0))
damage("it has to be a number above 0", "a temperature that is true")(
    _entry("calibration_temperature", True)
)
damage("is not a number", "a temperature that is none")(
    _entry("calibration_temperature", NOT_A_NUMBER)
)
damage("is quantized ('bitsandbytes')", "4 bits of bitsandbytes")(
    _entry("quantization_config", {"quant_method": "bitsandbytes", "load_in_4bit": True})
)
damage("is quantized ('gptq')", "GPTQ")(
    _entry("quantization_config", {"quant_method": "gptq", "bits": 4})
)
damage("is quantized ('awq')", "AWQ")(_entry("quantization_config", {"quant_method": "awq"}))
damage("is quantized", "a quantization in words")(_entry("quantization_config", "int8"))


@damage(OPENS)
def no_architectures(folder: Path) -> None:
    without(folder / CONFIG, "architectures")


@damage("has no classification head")
def no_architectures_and_no_head(folder: Path) -> None:
    without(folder / CONFIG, "architectures")
    put_weights(
        folder, {k: v for k, v in weights_of(folder).items() if not k.startswith("classifier")}
    )


@damage("names no model_type")
def no_model_type(folder: Path) -> None:
    without(folder / CONFIG, "model_type")


@damage("the head of 'broken' has 4 classes, but config.json names 2 by default")
def no_classes_named(folder: Path) -> None:
    without(folder / CONFIG, "id2label", "label2id")


@damage("the head of 'broken' has 4 classes, but config.json names 2 by default")
def only_label2id(folder: Path) -> None:
    without(folder / CONFIG, "id2label")


@damage("describes")
def a_billion_inner_groups(folder: Path) -> None:
    edit_config(folder, model_type="albert", inner_group_num=10**9, embedding_size=32)


@damage("describes")
def a_billion_feed_forward_networks(folder: Path) -> None:
    edit_config(folder, model_type="mobilebert", num_feedforward_networks=10**9)


@damage("the config.json of")
def a_billion_groups(folder: Path) -> None:
    edit_config(folder, model_type="albert", num_hidden_groups=10**9, embedding_size=32)


@damage("describes")
def a_billion_shared_layers(folder: Path) -> None:
    edit_config(folder, model_type="albert", num_hidden_layers=10**9, embedding_size=32)


# --- code --------------------------------------------------------------------------------------


def _code(folder: Path) -> None:
    ran = folder.parent / f"ran-{folder.name}"
    text = f"open({str(ran)!r}, 'w').close()\nclass Evil: pass\n"
    for name in ("evil.py", "configuration_evil.py", "modeling_evil.py", "tokenization_evil.py"):
        (folder / name).write_text(text)


@damage("contains code of its own")
def code_of_an_unknown_model(folder: Path) -> None:
    _code(folder)
    edit_config(
        folder,
        model_type="evil",
        auto_map={
            "AutoConfig": "configuration_evil.Evil",
            "AutoModelForSequenceClassification": "modeling_evil.Evil",
        },
        trust_remote_code=True,
    )


@damage("contains code of its own")
def code_from_the_hub(folder: Path) -> None:
    edit_config(folder, model_type="evil", auto_map={"AutoConfig": "owner/repo--evil.Evil"})


@damage(OPENS)
def code_for_a_model_that_is_known(folder: Path) -> None:
    _code(folder)
    edit_config(
        folder,
        auto_map={
            "AutoConfig": "configuration_evil.Evil",
            "AutoModelForSequenceClassification": "modeling_evil.Evil",
        },
    )


@damage("is code of its own")
def code_of_a_tokenizer(folder: Path) -> None:
    _code(folder)
    edit(
        folder / TOKENIZER_CONFIG,
        tokenizer_class="Evil",
        auto_map={"AutoTokenizer": ["tokenization_evil.Evil", None]},
    )


@damage("is code of its own")
def code_of_a_tokenizer_in_the_old_form(folder: Path) -> None:
    _code(folder)
    edit(folder / TOKENIZER_CONFIG, tokenizer_class="Evil", auto_map=["tokenization_evil.Evil"])


@damage(OPENS)
def code_of_a_pipeline(folder: Path) -> None:
    _code(folder)
    edit_config(folder, custom_pipelines={"text-classification": {"impl": "evil.Evil"}})


# --- weights -----------------------------------------------------------------------------------


@damage(OPENS)
def weights_in_two_files(folder: Path) -> None:
    sharded(folder)


def _placed(place: str) -> Damage:
    return lambda folder: sharded(folder, **{"classifier.bias": place})


for _what, _place in {
    "above": "../x.safetensors",
    "anywhere": "/etc/x.safetensors",
    "of 5,000 letters": "x" * 5000 + ".safetensors",
    "with a NUL": "a\0b.safetensors",
    "of a drive": "c:\\x.safetensors",
    "that is a pickle": "pytorch_model.bin",
    "without letters": "",
    "that is missing": "model-00003-of-00003.safetensors",
    "in terminal colors": f"{MESSY}.safetensors",
}.items():
    damage("'broken'", f"a shard {_what}")(_placed(_place))
for _what, _map in {
    "a number": 3, "a list": ["x"], "empty": {}, "of numbers": {"a": 3}, "of lists": {"a": ["x"]}
}.items():  # fmt: skip

    def _odd_map(folder: Path, content: Any = _map) -> None:
        (folder / WEIGHTS).unlink()
        (folder / INDEX).write_text(json.dumps({"weight_map": content}))

    damage("names no files of weights", f"an index that is {_what}")(_odd_map)


@damage("can't be read as JSON")
def a_deeply_nested_index(folder: Path) -> None:
    sharded(folder)
    (folder / INDEX).write_text(DEEP)


@damage("in two files of weights")
def a_tensor_in_two_shards(folder: Path) -> None:
    sharded(folder)
    name = "model-00002-of-00002.safetensors"
    second = load_file(folder / name)
    put_weights(folder, second | {"bert.pooler.dense.bias": torch.zeros(32)}, name)
    first = load_file(folder / "model-00001-of-00002.safetensors")
    put_weights(
        folder,
        first | {"bert.pooler.dense.bias": torch.ones(32)},
        "model-00001-of-00002.safetensors",
    )


@damage("which its index places there")
def an_index_that_places_wrongly(folder: Path) -> None:
    sharded(folder, **{"classifier.bias": "model-00001-of-00002.safetensors"})
    names = json.loads((folder / INDEX).read_text())["weight_map"]
    names["classifier.bias"] = "model-00002-of-00002.safetensors"
    names["classifier.weight"] = names["bert.embeddings.word_embeddings.weight"]
    names |= {"nothing": "model-00001-of-00002.safetensors"}
    (folder / INDEX).write_text(json.dumps({"weight_map": names}))


@damage("is a pipe or a device")
def a_shard_that_is_a_pipe(folder: Path) -> None:
    sharded(folder)
    _pipe("model-00002-of-00002.safetensors")(folder)


@damage("points outside the folder")
def a_shard_that_is_endless(folder: Path) -> None:
    sharded(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    (folder / "model-00002-of-00002.safetensors").symlink_to("/dev/zero")


@damage("is damaged or truncated")
def weights_cut_short(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:5000])


@damage("is damaged or truncated")
def weights_with_a_byte_too_many(folder: Path) -> None:
    with (folder / WEIGHTS).open("ab") as file:
        file.write(b"x")


for _what, (_header, _length, _rest) in {
    "empty": (b"", 0, b""),
    "a header past its end": (b"{}", 10**6, b""),
    "a header of the largest number": (b"{}", 2**64 - 1, b""),
    "a header that is a list": (b"[]      ", None, b""),
    "a header that is nested deeply": (DEEP.encode(), None, b""),
    "a tensor past the end": (
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', None, b"1234"
    ),
    "a tensor of negative size": (
        b'{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}', None, b"12345678"
    ),
    "a tensor whose size overflows": (
        b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}',
        None, b"12345678",
    ),
    "an unknown format": (
        b'{"a":{"dtype":"Q3","shape":[2],"data_offsets":[0,8]}}', None, b"12345678"
    ),
}.items():  # fmt: skip

    def _odd_header(
        folder: Path, content: bytes = _header, length: int | None = _length, rest: bytes = _rest
    ) -> None:
        header(folder, content, length, rest)

    damage("is damaged or truncated", f"weights: {_what}")(_odd_header)


@damage("contain no tensors")
def no_tensor_at_all(folder: Path) -> None:
    put_weights(folder, {})


@damage("are incomplete")
def one_tensor_is_missing(folder: Path) -> None:
    weights = weights_of(folder)
    del weights["bert.encoder.layer.1.attention.self.query.weight"]
    put_weights(folder, weights)


@damage("not finite numbers")
def weights_that_are_not_numbers(folder: Path) -> None:
    weights = weights_of(folder)
    weights["classifier.weight"][:] = NOT_A_NUMBER
    put_weights(folder, weights)


@damage("not finite numbers")
def an_infinite_weight(folder: Path) -> None:
    weights = weights_of(folder)
    weights["bert.encoder.layer.1.output.dense.bias"][3] = INFINITE
    put_weights(folder, weights)


@damage("not finite numbers")
def float64_too_large_for_float32(folder: Path) -> None:
    weights = {name: value.double() for name, value in weights_of(folder).items()}
    weights["classifier.bias"][0] = 1e300
    put_weights(folder, weights)


for _dtype in (torch.float16, torch.bfloat16, torch.float64):

    def _stored(folder: Path, dtype: torch.dtype = _dtype) -> None:
        put_weights(folder, {name: value.to(dtype) for name, value in weights_of(folder).items()})

    damage(OPENS, f"weights in {_dtype}")(_stored)
for _dtype in (torch.int8, torch.uint8, torch.int64, torch.bool, torch.float8_e4m3fn):

    def _stored_as(folder: Path, dtype: torch.dtype = _dtype) -> None:
        put_weights(folder, {name: value.to(dtype) for name, value in weights_of(folder).items()})

    damage("are quantized", f"weights in {_dtype}")(_stored_as)


@damage(OPENS)
def numbers_of_positions_among_the_weights(folder: Path) -> None:
    put_weights(
        folder,
        weights_of(folder) | {"bert.embeddings.position_ids": torch.arange(64).unsqueeze(0)},
    )


@damage("has no place in a bert model, so its answers would differ")
def positions_relative_to_each_other(folder: Path) -> None:
    name = "bert.encoder.layer.0.attention.self.distance_embedding.weight"
    edit_config(folder, position_embedding_type="relative_key")
    put_weights(folder, weights_of(folder) | {name: torch.ones(127, 8)})


@damage("has no place in a bert model, so its answers would differ")
def an_adapter_inside_a_layer(folder: Path) -> None:
    name = "bert.encoder.layer.1.output.adapters.news.adapter_up.weight"
    put_weights(folder, weights_of(folder) | {name: torch.ones(32, 4)})


@damage("hold the same tensor twice")
def a_weight_under_its_old_name_too(folder: Path) -> None:
    weights = weights_of(folder)
    name = next(name for name in weights if name.endswith("LayerNorm.weight"))
    old = f"{name.removesuffix('.weight')}.gamma"
    put_weights(folder, weights | {old: weights[name] + 1})


@damage("hold the same tensor twice")
def a_weight_without_the_prefix_too(folder: Path) -> None:
    weights = weights_of(folder)
    name = next(name for name in weights if name.startswith("bert."))
    put_weights(folder, weights | {name.removeprefix("bert."): weights[name] + 1})


@damage("after the wrapper of torch.compile")
def names_of_torch_compile(folder: Path) -> None:
    renamed(folder, lambda name: f"_orig_mod.{name}")


@damage("after the wrapper of DataParallel")
def names_of_data_parallel(folder: Path) -> None:
    renamed(folder, lambda name: f"module.{name}")


@damage("are incomplete")
def names_of_somebody(folder: Path) -> None:
    renamed(folder, lambda name: f"encoder.of.mine.{name}")


@damage("a LoRA adapter that was not merged")
def an_adapter_in_the_weights(folder: Path) -> None:
    renamed(folder, lambda name: name.replace("query.weight", "query.base_layer.weight"))


@damage("don't match its config.json")
def a_vector_for_a_matrix(folder: Path) -> None:
    put_weights(folder, weights_of(folder) | {"bert.pooler.dense.weight": torch.ones(32)})


# --- tokenizers --------------------------------------------------------------------------------


@damage("the model has only 115 embeddings")
def a_token_past_the_embeddings(folder: Path) -> None:
    content = json.loads((folder / TOKENIZER).read_text("utf-8"))
    vocabulary = content["model"]["vocab"]
    vocabulary["oil"] = 9000
    (folder / TOKENIZER).write_text(json.dumps(content))


@damage("the model has only 115 embeddings")
def an_added_token_past_the_embeddings(folder: Path) -> None:
    content = json.loads((folder / TOKENIZER).read_text("utf-8"))
    added = content["added_tokens"][0] | {"id": 500, "content": "<new>"}
    edit(folder / TOKENIZER, added_tokens=[*content["added_tokens"], added])


@damage("the model has only 115 embeddings")
def an_end_past_the_embeddings(folder: Path) -> None:
    text = json.loads((folder / TOKENIZER).read_text("utf-8"))
    text["post_processor"]["special_tokens"]["[SEP]"]["ids"] = [9999]
    (folder / TOKENIZER).write_text(json.dumps(text))


@damage("fails on a short text")
def an_end_that_is_not_described(folder: Path) -> None:
    text = json.loads((folder / TOKENIZER).read_text("utf-8"))
    text["post_processor"]["pair"][-1]["SpecialToken"]["id"] = "x"
    (folder / TOKENIZER).write_text(json.dumps(text))


@damage("no special token")
def nothing_around_a_text(folder: Path) -> None:
    edit(folder / TOKENIZER, post_processor=None)


def _tokenizer_entry(name: str, value: Any) -> Damage:
    return lambda folder: edit(folder / TOKENIZER_CONFIG, **{name: value})


for _value in (-5, 0, "many", True, [512]):
    damage("has to be a number of tokens", f"model_max_length is {_value!r}")(
        _tokenizer_entry("model_max_length", _value)
    )
damage("is too large", "model_max_length of 400 digits")(_tokenizer_entry("model_max_length", HUGE))
damage("is too large", "model_max_length is infinite")(
    _tokenizer_entry("model_max_length", INFINITE)
)
damage("is not a number", "model_max_length is not a number")(
    _tokenizer_entry("model_max_length", NOT_A_NUMBER)
)
damage("reads 1 tokens at once", "a limit of one token")(_tokenizer_entry("model_max_length", 1))
damage(OPENS, "no limit of tokens")(_tokenizer_entry("model_max_length", int(1e30)))
damage("model_input_names", "inputs that are a number")(_tokenizer_entry("model_input_names", 3))
damage("model_input_names", "inputs that are objects")(
    _tokenizer_entry("model_input_names", ["input_ids", {}])
)
damage("model_input_names", "inputs without ids")(_tokenizer_entry("model_input_names", ["x"]))
damage("attention_mask", "inputs without a mask")(
    _tokenizer_entry("model_input_names", ["input_ids"])
)
damage("tokenizer_class", "a tokenizer that is a list")(_tokenizer_entry("tokenizer_class", ["x"]))
damage("tokenizer_class", "a tokenizer that opens tokenizers")(
    _tokenizer_entry("tokenizer_class", "AutoTokenizer")
)
damage("tokenizer_class", "a tokenizer that is a pipeline")(
    _tokenizer_entry("tokenizer_class", "pipeline")
)
damage(OPENS, "files of a tokenizer elsewhere")(_tokenizer_entry("tokenizer_file", "/dev/zero"))
damage(OPENS, "a vocabulary elsewhere")(_tokenizer_entry("vocab_file", "/dev/zero"))
damage(OPENS, "versions of a tokenizer")(
    _tokenizer_entry("fast_tokenizer_files", ["tokenizer.0.1.json"])
)
damage("the tokenizer of", "an odd side of padding")(_tokenizer_entry("padding_side", 3))
damage("the tokenizer of", "an odd side of cutting")(_tokenizer_entry("truncation_side", "up"))
damage("the tokenizer of", "a special token that is a list")(_tokenizer_entry("pad_token", [1]))
damage("the tokenizer of", "added tokens by name")(
    _tokenizer_entry("added_tokens_decoder", {"x": {"content": "y"}})
)
damage("tokenizer_class", "a configuration that names a tokenizer which opens tokenizers")(
    _entry("tokenizer_class", "AutoTokenizer")
)


def _rust(name: str, value: Any) -> Damage:
    return lambda folder: edit(folder / TOKENIZER, **{name: value})


damage(OPENS, "padding to a trillion tokens")(
    _rust(
        "padding",
        {
            "strategy": {"Fixed": 10**12}, "direction": "Right", "pad_to_multiple_of": None,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]",
        },
    )
)  # fmt: skip
damage(OPENS, "cutting to no token")(
    _rust(
        "truncation",
        {"direction": "Right", "max_length": 0, "strategy": "LongestFirst", "stride": 0},
    )
)
damage("the tokenizer of", "a tokenizer without a model")(_rust("model", None))
damage("the tokenizer of", "a tokenizer with an unknown model")(_rust("model", {"type": "Magic"}))
damage("the tokenizer of", "a normalizer that doesn't exist")(_rust("normalizer", {"type": "X"}))
damage("the tokenizer of", "a broken expression")(
    _rust(
        "pre_tokenizer",
        {"type": "Split", "pattern": {"Regex": "(("}, "behavior": "Isolated", "invert": False},
    )
)
damage("the tokenizer of", "added tokens that are a number")(_rust("added_tokens", 3))


MANY = {f"t{number}": number for number in range(2000)}
damage("has 2,000 entries", "added tokens without end")(
    _rust("added_tokens", [{"id": number, "content": word} for word, number in MANY.items()])
)
damage("has 2,000 entries", "added tokens of the settings without end")(
    _tokenizer_entry("added_tokens_decoder", {str(n): {"content": w} for w, n in MANY.items()})
)
damage("has 2,000 entries", "added tokens of their own file without end")(
    _content("added_tokens.json", json.dumps(MANY).encode())
)
damage("has 2,000 entries", "a vocabulary without end")(_content("vocab.txt", b"t\n" * 2000))


@damage("has no tokenizer")
def no_tokenizer(folder: Path) -> None:
    (folder / TOKENIZER).unlink()


@damage("tokenizer")
def a_vocabulary_that_is_not_utf_8(folder: Path) -> None:
    (folder / TOKENIZER).unlink()
    (folder / "vocab.txt").write_bytes(b"\xff\xfe\xfa\n" * 50)


@damage("tokenizer")
def an_empty_vocabulary(folder: Path) -> None:
    (folder / TOKENIZER).unlink()
    (folder / "vocab.txt").write_bytes(b"")


@damage("tokenizer")
def a_sentencepiece_of_garbage(folder: Path) -> None:
    (folder / TOKENIZER).unlink()
    (folder / "spiece.model").write_bytes(b"\x00\xff" * 500)


# --- what other tools leave --------------------------------------------------------------------


@damage("is an adapter of the base model 'nobody/nothing', which is neither here")
def an_adapter_of_a_model_that_is_not_here(folder: Path) -> None:
    cleared(folder)
    content = {"base_model_name_or_path": "nobody/nothing", "peft_type": "LORA", "r": 8}
    (folder / "adapter_config.json").write_text(json.dumps(content))
    put_weights(
        folder, {"base_model.model.x.lora_A.weight": torch.ones(2, 2)}, "adapter_model.safetensors"
    )


@damage("holds a whole model (model.safetensors) and an adapter")
def an_adapter_beside_a_model(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "x/y"}')


@damage("lacks adapter_model.safetensors")
def an_adapter_without_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": [3]}')


for _file, _sentence in {
    "ggml-model-q4_0.gguf": "a GGUF file of llama.cpp (ggml-model-q4_0.gguf)",
    "model.onnx": "an ONNX file (model.onnx)",
    "onnx/model.onnx": "an ONNX file (onnx/model.onnx)",
    "tf_model.h5": "TensorFlow weights (tf_model.h5)",
    "flax_model.msgpack": "Flax weights (flax_model.msgpack)",
    "pytorch_model.bin": "its weights only as a pickle (pytorch_model.bin)",
    "model.pt": "its weights only as a pickle (model.pt)",
    "lightning.ckpt": "its weights only as a pickle (lightning.ckpt)",
    "model.joblib": "a model of scikit-learn as a pickle (model.joblib)",
}.items():

    def _only(folder: Path, name: str = _file) -> None:
        (folder / WEIGHTS).unlink()
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"GGUF")

    def _alone(folder: Path, name: str = _file) -> None:
        cleared(folder)
        _only_in_empty(folder, name)

    damage(_sentence, f"weights in {_file}")(_only)
    damage(_sentence, f"{_file} and nothing else")(_alone)


def _only_in_empty(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"GGUF")


@damage("'model.fp16.safetensors' but no model.safetensors")
def weights_of_a_variant(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "model.fp16.safetensors")


@damage("holds the state of a training (optimizer.pt)")
def only_an_optimizer(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "optimizer.pt")


@damage("the state of a training and no model")
def a_training_without_a_model(folder: Path) -> None:
    cleared(folder)
    for name in ("optimizer.pt", "scheduler.pt", "trainer_state.json"):
        (folder / name).touch()


@damage("model.safetensors is missing")
def no_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


@damage("config.json is missing")
def an_empty_folder(folder: Path) -> None:
    cleared(folder)


@damage("choose 'checkpoint-1000' inside it")
def the_output_of_a_trainer(folder: Path) -> None:
    moved = folder.parent / f"moved-{folder.name}"
    folder.rename(moved)
    folder.mkdir()
    for step in (500, 1000, 90):
        shutil.copytree(moved, folder / f"checkpoint-{step}")
    (folder / "checkpoint-2000").mkdir()  # stopped while it was written


@damage("choose 'final' inside it")
def a_folder_around_a_checkpoint(folder: Path) -> None:
    moved = folder.parent / f"moved-{folder.name}"
    folder.rename(moved)
    folder.mkdir()
    shutil.copytree(moved, folder / "final")


@damage("sentence-transformers")
def a_model_of_sentences(folder: Path) -> None:
    edit_config(folder, architectures=["BertModel"])
    (folder / "modules.json").write_text("[]")
    (folder / "config_sentence_transformers.json").write_text("{}")


@damage("SetFit")
def a_model_of_setfit(folder: Path) -> None:
    edit_config(folder, architectures=["BertModel"])
    (folder / "modules.json").write_text("[]")
    (folder / "config_setfit.json").write_text("{}")
    (folder / "model_head.pkl").write_bytes(b"\x80\x04.")
