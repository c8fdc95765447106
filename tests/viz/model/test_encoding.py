"""Tokens point into the text; what the model can't see is said or refused."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertConfig

from finetune.checkpoint.models import load_checkpoint
from finetune.evaluation.evaluate import encode
from tests.tiny_models import edit_config, tiny_checkpoint
from viz import Classifier
from viz.attention.words import spans
from viz.errors import CheckpointError, TextError
from viz.model.perturbation import Perturbation
from viz.model.probe import MAX_PROBE_TOKENS, MIN_PROBE_TOKENS, probe_length
from viz.model.windows import text_windows
from viz.widgets.colored_text.payload import segments

ENDLESS = {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "a"}
"""A pattern that goes back and forth over many letters until it is given up."""


def test_tokens_carry_offsets_words_and_parts(classifier: Classifier) -> None:
    encoding = classifier.encode("Oil stockss", "the moon")
    shown = [(t.text, t.start, t.end, t.word, t.special, t.part) for t in encoding.tokens]
    assert shown == [
        ("[CLS]", 0, 0, None, True, None),
        ("oil", 0, 3, 0, False, 0),
        ("stocks", 4, 10, 1, False, 0),
        ("##s", 10, 11, 1, False, 0),
        ("[SEP]", 0, 0, None, True, None),
        ("the", 0, 3, 2, False, 1),
        ("moon", 4, 8, 3, False, 1),
        ("[SEP]", 0, 0, None, True, None),
    ]


@pytest.mark.parametrize("text", ["", "   ", "\n\t ", "\u200b", "\x00\x07"])
def test_nothing_to_read_is_one_sentence(classifier: Classifier, text: str) -> None:
    with pytest.raises(TextError, match=r"^[A-Z][^.]*; write at least one word\.$|left after"):
        classifier.encode(text)


def test_only_unknown_characters_is_one_sentence(classifier: Classifier) -> None:
    with pytest.raises(TextError, match="No character of this text is in the model's vocabulary"):
        classifier.encode("ΩΨ 🙂 ᚠ")


def test_some_unknown_characters_are_noted(classifier: Classifier) -> None:
    encoding = classifier.encode("oil ΩΨ prices")
    assert encoding.notes == (
        "1 of 3 tokens is unknown to the vocabulary ([UNK]): the model can't tell what was "
        "written there.",
    )


def test_a_long_text_is_cut_and_the_cut_is_counted(classifier: Classifier) -> None:
    encoding = classifier.encode("oil " * 20_000)
    assert encoding.n_tokens == 64
    assert encoding.n_unseen == 20_002 - 64
    assert re.search(
        r"never saw the last 19,938 of 20,002 tokens: it reads at most 64", encoding.notes[0]
    )


def test_a_long_pair_keeps_both_separators(classifier: Classifier) -> None:
    encoding = classifier.encode("oil " * 100, "moon " * 100)
    assert [token.text for token in encoding.tokens].count("[SEP]") == 2
    assert {token.part for token in encoding.tokens} == {None, 0, 1}
    assert encoding.n_unseen == 203 - 64
    assert "never saw 139 of 203 tokens" in encoding.notes[0]


def test_a_lone_surrogate_is_replaced_and_noted(classifier: Classifier) -> None:
    encoding = classifier.encode("oil \ud800 prices")
    assert encoding.text == "oil \ufffd prices"
    assert "1 invalid character was replaced" in encoding.notes[0]


def test_an_empty_second_text_is_one_sentence(classifier: Classifier) -> None:
    with pytest.raises(TextError, match="The second text is empty"):
        classifier.encode("oil", " ")


def test_threads_that_encode_long_and_short_texts_at_once_cut_only_the_long(
    classifier: Classifier,
) -> None:
    """The tokenizer keeps how it cuts in itself; unguarded, threads would cut for each other."""
    texts = ["oil " * 3_000, "oil prices"] * 100
    with ThreadPoolExecutor(8) as pool:
        found = [(e.n_tokens, e.n_unseen) for e in pool.map(classifier.encode, texts)]
    assert found == [(64, 2_938), (4, 0)] * 100


def test_a_model_with_one_segment_reads_pairs_of_a_tokenizer_with_two(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "one-segment", "roberta")
    words = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    words["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    (folder / "tokenizer_config.json").write_text(json.dumps(words), "utf-8")
    edit_config(folder, type_vocab_size=1)
    weights = load_file(folder / "model.safetensors")
    name = "roberta.embeddings.token_type_embeddings.weight"
    save_file(
        weights | {name: weights[name][:1].clone()}, folder / "model.safetensors", {"format": "pt"}
    )
    encoding = Classifier.load(folder).read("oil prices", "the team wins").encoding
    assert set(encoding.inputs["token_type_ids"]) == {0}


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_and_offsets_stay_inside(
    classifier: Classifier, text: str
) -> None:
    try:
        encoding = classifier.encode(text)
    except TextError:
        return
    written = [token for token in encoding.tokens if not token.special]
    assert all(0 <= token.start <= token.end <= len(encoding.text) for token in written)
    assert [token.word for token in written] == sorted(token.word or 0 for token in written)


def cut_side(folder: Path, side: str) -> Path:
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"truncation_side": side}))
    return folder


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("pair", [None, "moon ice " * 60, "the team wins the game", "moon " * 200])
def test_a_text_is_cut_where_the_tokenizer_of_the_checkpoint_cuts_it(
    tmp_path: Path, side: str, pair: str | None
) -> None:
    folder = cut_side(tiny_checkpoint(tmp_path / "sided"), side)
    text = "oil prices rise as stocks fall . " * 20
    encoding = Classifier.load(folder).encode(text, pair)
    plain = AutoTokenizer.from_pretrained(folder)(text, pair, truncation=True, max_length=64)
    assert encoding.inputs["input_ids"].tolist() == plain["input_ids"]
    assert encoding.inputs["token_type_ids"].tolist() == plain["token_type_ids"]
    if pair is None:
        end = "first" if side == "left" else "last"
        assert f"never saw the {end} 78 of 142 tokens: it reads at most 64" in encoding.notes[0]
        seen = [token for token in encoding.tokens if not token.special]
        (unseen,) = encoding.unseen
        outside = (0, seen[0].start) if side == "left" else (seen[-1].end, len(text))
        assert outside[0] <= unseen.start < unseen.end <= outside[1]


@pytest.mark.parametrize("mode", ["tail", "head+tail"])
def test_a_text_is_cut_as_training_cut_it(tmp_path: Path, mode: str) -> None:
    folder = tiny_checkpoint(tmp_path / "cut")
    edit_config(folder, text_truncation=mode)
    text = "oil prices rise as stocks fall . " * 20
    encoding = Classifier.load(folder).encode(text)
    trained = load_checkpoint(str(folder))
    read = encode(trained, [(text, None)], max_length=64)
    assert encoding.inputs["input_ids"].tolist() == read["input_ids"][0]
    told = {"tail": "the first 78 of 142 tokens:", "head+tail": "78 of 142 tokens in the middle:"}
    assert f"The model never saw {told[mode]}" in encoding.notes[0]
    parts = segments(encoding, spans(encoding), np.zeros(64), None)[0]
    kinds = [part.kind for part in parts if part.kind in ("word", "unseen")]
    where = 0 if mode == "tail" else kinds.index("unseen")
    assert kinds.count("unseen") == 1
    assert kinds[where] == "unseen"
    assert "".join(part.text for part in parts if part.kind != "special") == text


def test_windows_of_training_are_told_where_one_window_is_read(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "windows")
    edit_config(folder, text_window_stride=20)
    classifier = Classifier.load(folder)
    assert "only one window is read here" in classifier.encode("oil " * 100).notes[1]
    assert classifier.encode("oil prices").notes == ()


def test_more_tokens_than_training_read_are_told(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "short")
    edit_config(folder, text_max_length=16)
    classifier = Classifier.load(folder)
    told = (
        "{} tokens are read at once, but training cut texts at 16: how well the model reads longer "
        "texts was not measured."
    )
    assert classifier.encode("oil " * 14).notes == ()
    assert classifier.encode("oil " * 15).notes == (told.format(17),)
    assert classifier.encode("oil " * 100).notes[1:] == (told.format(64),)
    assert Classifier.load(tiny_checkpoint(tmp_path / "unknown")).encode("oil " * 60).notes == ()
    for text, size, notes in (
        ("oil " * 15, None, (told.format(17),)),
        ("oil " * 100, None, (told.format(64),)),
        ("oil " * 100, 16, ()),
    ):
        assert text_windows(classifier.encoder, text, size=size).encoding.notes == notes


@pytest.mark.parametrize("value", [0, "16", 16.5])
def test_a_limit_of_training_that_is_none_is_one_sentence(tmp_path: Path, value: object) -> None:
    folder = tiny_checkpoint(tmp_path / "odd")
    edit_config(folder, text_max_length=value)
    with pytest.raises(
        CheckpointError, match=rf"^The text_max_length in config.json is {value!r};"
    ):
        Classifier.load(folder)


def test_an_unknown_way_to_cut_texts_is_one_sentence(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "odd")
    edit_config(folder, text_truncation="sideways")
    with pytest.raises(
        CheckpointError, match=r"^The text_truncation in config.json is 'sideways'; "
    ):
        Classifier.load(folder)


def test_no_number_in_the_settings_makes_the_tried_text_long(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "endless")
    edit_config(folder, text_window_stride=10**9, local_attention=10**9)
    assert Classifier.load(folder).encoder.probe(10**9).n_tokens == 64
    for config in (BertConfig(text_window_stride=10**9), BertConfig()):
        assert probe_length(config) == MIN_PROBE_TOKENS
    assert probe_length(BertConfig(local_attention=10**9)) == MAX_PROBE_TOKENS


@pytest.mark.parametrize("change", [{"model": {"unk_token": "nowhere"}}, {"normalizer": ENDLESS}])
def test_a_tokenizer_that_fails_on_a_text_is_one_sentence(
    change: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    file = tiny_checkpoint(tmp_path / "failing") / "tokenizer.json"
    content = json.loads(file.read_text("utf-8"))
    for part, entries in change.items():
        content[part] |= entries
    file.write_text(json.dumps(content), "utf-8")
    classifier = Classifier.load(file.parent)
    assert classifier.encode("oil prices").n_tokens == 4
    with pytest.raises(TextError, match="tokenizer of the checkpoint fails on this text") as caught:
        classifier.encode("oil " + "a" * 60 + "\N{SNOWMAN}")
    assert "\n" not in str(caught.value)


def test_special_tokens_that_stand_in_a_text_are_noted_and_count_as_words(
    classifier: Classifier,
) -> None:
    encoding = classifier.encode("oil [SEP] and [MASK] [MASK] prices", "the [CLS]")
    assert encoding.notes == ("[SEP], [MASK], [CLS] in the text are read as special tokens.",)
    assert [span.label for span in spans(encoding) if not span.special][:4] == [
        *("oil", "[SEP]", "and", "[MASK]"),
    ]
    assert Perturbation(classifier, encoding).n_words == 8
    assert classifier.encode("oil [MASK]").notes == (
        "[MASK] in the text is read as a special token.",
    )
    assert classifier.encode("oil and not a ice").notes == ()


def test_special_tokens_of_another_family_are_noted_too(tmp_path: Path) -> None:
    roberta = Classifier.load(tiny_checkpoint(tmp_path / "roberta", "roberta"))
    assert roberta.encode("oil <mask> prices").notes == (
        "<mask> in the text is read as a special token.",
    )


@pytest.mark.parametrize("text", ["a" * 10_000, "oil" * 100 + " " + "b" * 200])
def test_words_that_are_too_long_are_told_by_their_length(
    classifier: Classifier, text: str
) -> None:
    with pytest.raises(TextError, match=r"too long for the tokenizer .* put spaces between"):
        classifier.encode(text)


def test_a_word_that_is_too_long_among_others_is_noted_and_other_scripts_keep_their_note(
    classifier: Classifier,
) -> None:
    notes = classifier.encode(f"oil {'a' * 101} prices").notes
    assert notes[1] == (
        "1 word is longer than the 100 characters that the tokenizer accepts, and became [UNK]."
    )
    assert "became" not in " ".join(classifier.encode(f"oil {'a' * 100} prices").notes)
    assert len(classifier.encode(f"oil {'🙂' * 200} prices").notes) == 1
    with pytest.raises(TextError, match="in the language and script it was trained on"):
        classifier.encode("🙂" * 200)
    with pytest.raises(TextError, match=r"too long .* and no other word is in its vocabulary"):
        classifier.encode("🙂 " + "a" * 200)
