"""Tokens point into the text; what the model can't see is said or refused."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tests.tiny import edit_config, tiny_checkpoint
from viz import Classifier
from viz.errors import TextError


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
        "1 of 3 tokens is unknown to the vocabulary ([UNK]): the model can't tell what stood "
        "there.",
    )


def test_a_long_text_is_cut_and_the_cut_is_counted(classifier: Classifier) -> None:
    encoding = classifier.encode("oil " * 20_000)
    assert encoding.n_tokens == 64
    assert encoding.n_unseen == 20_002 - 64
    assert re.search(
        r"never saw the last 19,938 of 20,002 tokens: 64 are read at most", encoding.notes[0]
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
    assert "1 broken character came" in encoding.notes[0]


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
