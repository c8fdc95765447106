"""Padding is tried on the model: the side, the token, and whether it changes what is said."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
)

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.models import Checkpoint, load_base, load_checkpoint, save_tokenizer
from finetune.checkpoint.padding import fit_padding, padding_sides
from finetune.errors import ModelError
from finetune.evaluation.evaluate import encode, predict_logits
from tests.families import CLASSES, LONG_TEXT, family_checkpoint, family_config
from tests.tiny_models import edit_config

TEXTS = ("oil prices rise", LONG_TEXT, "the market was not good")


def forget_padding(folder: Path) -> Path:
    """Let neither tokenizer nor configuration name a padding token, as those of many decoders."""
    words = AutoTokenizer.from_pretrained(folder)
    words.pad_token = None
    words.save_pretrained(folder)
    edit_config(folder, pad_token_id=None)
    return folder


def logits_of(checkpoint: Checkpoint, texts: tuple[str, ...]) -> FloatArray:
    return predict_logits(checkpoint, [(text, None) for text in texts], batch_size=4, max_length=64)


@pytest.mark.parametrize(
    ("family", "sides"),
    [
        ("bert", ("right",)),
        ("gpt2", ("right",)),  # positions are counted from the left
        ("llama", ("right", "left")),
        ("xlnet", ("left",)),  # the last token decides, whatever it is
        ("bart", ("right",)),
        ("fnet", ()),  # mixes all positions
        ("t5gemma", ()),  # reads a token earlier where there is no padding
    ],
)
def test_the_sides_on_which_padding_changes_nothing(family: str, sides: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(family_config(family))
    assert padding_sides(model, model.config.pad_token_id) == sides


@pytest.mark.parametrize(
    ("family", "token"),
    [
        ("gpt2", "<|pad|>"),  # an entry of the vocabulary that is called so
        ("gpt2 one token pads and ends", "<|endoftext|>"),
        ("qwen2", "<|im_end|>"),
        ("llama", "<pad>"),
        ("t5", "<pad>"),  # every text ends with </s>, by which the decoder is read
        ("xlnet", "<pad>"),
    ],
)
def test_a_tokenizer_without_padding_gets_a_token_that_changes_nothing(
    family: str, token: str, tmp_path: Path
) -> None:
    folder = forget_padding(family_checkpoint(tmp_path / "base", family))
    base = load_base(str(folder), CLASSES, multi_label=False)
    assert base.tokenizer.pad_token == token
    assert base.model.config.pad_token_id == base.tokenizer.pad_token_id
    together = logits_of(base, TEXTS)
    alone = np.concatenate([logits_of(base, (text,)) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-5 * max(1, np.abs(alone).max())
    assert np.ptp(alone, axis=0).max() > 1e-3
    base.model.save_pretrained(tmp_path / "saved")
    save_tokenizer(base.tokenizer, tmp_path / "saved")
    opened = load_checkpoint(str(tmp_path / "saved"))
    assert (opened.tokenizer.pad_token, opened.pads) == (token, True)
    assert np.abs(logits_of(opened, TEXTS) - together).max() < 1e-6 * max(1, np.abs(alone).max())


def test_what_every_text_ends_with_is_the_last_choice(tmp_path: Path) -> None:
    """A decoder would take the end of a text for padding; the same text alone, too."""
    folder = forget_padding(family_checkpoint(tmp_path, "llama"))
    words = AutoTokenizer.from_pretrained(folder)
    core = json.loads(words.backend_tokenizer.to_str())
    core["added_tokens"] = [each for each in core["added_tokens"] if each["content"] != "<pad>"]
    core["post_processor"]["single"].append({"SpecialToken": {"id": "</s>", "type_id": 0}})
    (folder / "tokenizer.json").write_text(json.dumps(core), "utf-8")
    base = load_base(str(folder), CLASSES, multi_label=False)
    assert base.tokenizer("oil")["input_ids"][-1] == base.tokenizer.eos_token_id
    assert base.tokenizer.pad_token == "<unk>"


def test_texts_are_read_one_by_one_where_padding_changes_them(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(str(family_checkpoint(tmp_path, "fnet")))
    assert not checkpoint.pads
    together = logits_of(checkpoint, TEXTS)
    alone = np.concatenate([logits_of(checkpoint, (text,)) for text in TEXTS])
    assert np.array_equal(together, alone)
    padded = logits_of(replace(checkpoint, pads=True), TEXTS)
    assert np.abs(padded - alone).max() > 1e-3


def test_a_side_that_moves_the_text_is_changed(tmp_path: Path) -> None:
    folder = family_checkpoint(tmp_path, "gpt2")
    words = AutoTokenizer.from_pretrained(folder)
    words.padding_side = "left"
    words.save_pretrained(folder)
    assert load_base(str(folder), CLASSES, multi_label=False).tokenizer.padding_side == "right"


def test_a_tokenizer_of_plain_words_alone_is_refused() -> None:
    model = AutoModelForSequenceClassification.from_config(family_config("gpt2"))
    model.config.pad_token_id = None
    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"a": 0, "b": 1}, "a")))
    with pytest.raises(ModelError, match="the tokenizer of 'x' has no padding token, nor another"):
        fit_padding(model, words, "'x'")


def test_a_text_without_a_token_is_read_as_one_of_padding(tmp_path: Path) -> None:
    """GPT-2's tokenizer puts no token around a text, and batches of nothing can't be read."""
    base = load_base(str(family_checkpoint(tmp_path, "gpt2")), CLASSES, multi_label=False)
    assert base.tokenizer("")["input_ids"] == []
    assert encode(base, [("", None)], max_length=8)["attention_mask"] == [[1]]
    together, alone = logits_of(base, ("", *TEXTS)), logits_of(base, ("",))
    assert np.abs(together[:1] - alone).max() < 1e-5 * max(1, np.abs(alone).max())
