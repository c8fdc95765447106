"""Tokens of every kind of tokenizer make the words that a reader sees."""

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast

from tests.family_tokenizers import KINDS, MAX_TOKENS, family_tokenizer
from tests.hostile_texts import KINDS as KINDS_OF_TEXT
from tests.hostile_texts import hostile_texts
from tests.tiny_models import tokenizer
from viz.attention.words import spans
from viz.errors import TextError
from viz.model.encoding import Encoder
from viz.model.grouping import word_numbers, word_places

NAMES = [*KINDS, "one word"]
ENGLISH = ("oil", "prices", "rise", "as", "stocks", "the", "team", "wins", "covid19", "2024", "3rd")
HOSTILE = [text for _, text, _ in hostile_texts(2 * len(KINDS_OF_TEXT), seed=9)]


def one_word() -> PreTrainedTokenizerFast:
    """As Llama's: nothing splits a text, blanks are letters, unknown letters become bytes."""
    letters = ["▁", *"abcdefghijklmnopqrstuvwxyz.,!'你好"]
    pairs = [("o", "f"), ("▁", "of"), ("t", "h"), ("th", "e"), ("▁", "the"), ("▁of", "▁the")]
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    pieces += [first + second for first, second in pairs]
    core = Tokenizer(
        models.BPE(
            {piece: index for index, piece in enumerate(pieces)},
            pairs,
            unk_token="<unk>",
            byte_fallback=True,
            fuse_unk=True,
        )
    )
    core.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    core.decoder = decoders.ByteFallback()
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>", eos_token="</s>")


@cache
def encoder(name: str) -> Encoder:
    words = one_word() if name == "one word" else family_tokenizer(name)
    inputs = frozenset({"input_ids", "attention_mask", "token_type_ids"})
    return Encoder(words, max_tokens=MAX_TOKENS * 10, inputs=inputs)


def groups(name: str, text: str, pair: str | None = None) -> list[list[str]]:
    encoding = encoder(name).encode(text, pair)
    over = [span for span in spans(encoding) if not span.special]
    return [[encoding.tokens[index].text for index in span.tokens] for span in over]


def labels(name: str, text: str, unit: str = "word") -> list[str]:
    over = spans(encoder(name).encode(text), unit)  # type: ignore[arg-type]
    return [span.label for span in over if not span.special]


@pytest.mark.parametrize("name", NAMES)
def test_words_do_not_depend_on_the_tokenizer(name: str) -> None:
    text = "oil  prices, rise: covid19 (2024)\n\nthe 3rd team-game!\t"
    shown = " ".join(labels(name, text))
    assert shown == "oil prices , rise : covid19 ( 2024 ) the 3rd team - game !"
    pair = spans(encoder(name).encode(text, "oil 3rd"))
    assert [span.label for span in pair if span.part == 1] == ["oil", "3rd"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(ENGLISH), min_size=1, max_size=12), st.sampled_from(NAMES))
def test_plain_english_has_its_own_words(words: list[str], name: str) -> None:
    assert labels(name, " ".join(["oil", *words])) == ["oil", *words]


@settings(deadline=None)
@given(st.text(max_size=60), st.none() | st.text(max_size=30), st.sampled_from(NAMES))
def test_every_token_has_a_word_and_words_follow_one_another(
    text: str, pair: str | None, name: str
) -> None:
    try:
        encoding = encoder(name).encode(text, pair)
    except TextError:
        return
    own = [token for token in encoding.tokens if not token.special]
    numbers = [token.word for token in own]
    assert numbers == sorted(numbers, key=lambda number: -1 if number is None else number)
    assert set(numbers) == set(range(len(set(numbers))))
    assert all(token.part in (0, 1) for token in own)
    for token in own:
        assert 0 <= token.start <= token.end <= len(encoding.part_text(token.part))
    for part, written in enumerate((encoding.text, encoding.pair or "")):
        over = [span for span in spans(encoding) if span.part == part]
        for before, after in pairwise(over):
            assert before.end <= after.start
        seen = "".join(written[span.start : span.end] for span in over)
        assert not encoding.unseen
        if name in ("gpt2", "one word") and over:  # whose tokens are all of a text
            assert "".join(seen.split()) == "".join(written.split())


@pytest.mark.parametrize("index", range(len(HOSTILE)))
def test_tokenizers_as_bert_has_keep_the_words_that_they_make(index: int) -> None:
    text = HOSTILE[index][:2000].encode("utf-8", "replace").decode()
    for family in ("bert", "roberta"):
        words = tokenizer(family)
        encoded = words(text, return_offsets_mapping=True, add_special_tokens=False)
        places, made = encoded["offset_mapping"], encoded.word_ids()
        numbers = word_numbers(word_places(text, words), places)
        for at in range(1, len(numbers)):
            meeting = text[places[at - 1][1] - 1] + text[places[at][0]]
            if not any(character >= "\u3040" for character in meeting):
                same = made[at] == made[at - 1]
                assert (numbers[at] == numbers[at - 1]) == same


@pytest.mark.parametrize("name", NAMES)
def test_words_of_a_text_are_those_of_its_spans(name: str) -> None:
    marked = ["we \u2764\ufe0f oil", "cafe\u0301 oil", "नमस्ते oil", "oil ありが", "a of the b"]
    special = [f"oil {sign} as" for sign in sorted(encoder(name).special_names)]
    for text in [*marked, *special, *(text[:300] for text in HOSTILE)]:
        try:
            encoding = encoder(name).encode(text)
        except TextError:
            continue
        assert not encoding.n_unseen
        over = [span for span in spans(encoding) if not span.special]
        shown = [span.label for span in over if text[span.start : span.end].strip()]
        places = encoder(name).words(text)
        assert [encoding.text[start:end].strip() for start, end in places] == shown
        assert [start for start, _ in places] == [
            span.start for span in over if text[span.start : span.end].strip()
        ]


def test_a_token_over_two_words_makes_them_one() -> None:
    assert groups("one word", "a of the b") == [["▁", "a"], ["▁of▁the"], ["▁", "b"]]
    assert labels("one word", "a of the b") == ["a", "of the", "b"]


def test_blanks_belong_to_the_word_behind_them_and_the_last_to_the_one_before() -> None:
    assert groups("gpt2", "oil \n\nas \n") == [["oil"], ["Ġ", "Ċ", "Ċ", "as", "Ġ", "Ċ"]]
    assert groups("one word", "a\nb\n") == [["▁", "a"], ["<0x0A>", "b", "<0x0A>"]]


def test_bytes_of_one_character_and_what_stands_on_it_are_one_word() -> None:
    assert labels("gpt2", "oil \U0001f642\u200d\U0001f642, e\u0301 \u203c\ufe0f #\ufe0f\u20e3") == [
        *("oil", "\U0001f642\u200d\U0001f642", ",", "e\u0301", "\u203c\ufe0f", "#\ufe0f\u20e3"),
    ]
    assert labels("one word", "\U0001f642 a\u0308 \ufffd") == ["\U0001f642", "a\u0308", "\ufffd"]


def test_ideographs_are_words_where_the_tokenizer_has_a_piece_for_each() -> None:
    assert labels("one word", "你好 ab") == ["你", "好", "ab"]
    assert labels("gpt2", "你好 ab") == ["你", "好", "ab"]
    assert labels("xlm-roberta", "你好 oil") == ["你", "好", "oil"]
    assert labels("bert", "oil ありが") == ["oil", "ありが"]  # one unknown token
    assert labels("gpt2", "ありab") == ["あ", "り", "ab"]


def test_a_special_token_written_in_the_text_is_a_word() -> None:
    assert groups("gpt2", "oil<|endoftext|> as")[1] == ["<|endoftext|>"]
    assert encoder("gpt2").encode("oil <|endoftext|>").notes == (
        "<|endoftext|> in the text is read as a special token.",
    )
    added = family_tokenizer("gpt2")
    added.add_tokens([AddedToken("new york", single_word=False)])
    encoding = Encoder(added, max_tokens=99, inputs=frozenset({"input_ids"})).encode("a new york b")
    assert [span.label for span in spans(encoding)] == ["a", "new york", "b"]


@pytest.mark.parametrize("text", ["\u200b", "\u00ad \u200d", "\x07"])
@pytest.mark.parametrize("name", ["gpt2", "one word", "bert", "llama"])
def test_a_text_of_nothing_to_see_is_refused(name: str, text: str) -> None:
    with pytest.raises(TextError, match=r"^No token of this text is left; write at least one wo"):
        encoder(name).encode(text)


def test_a_text_unknown_to_a_vocabulary_that_marks_blanks_is_refused() -> None:
    with pytest.raises(TextError, match="No character of this text is in the model's vocabulary"):
        encoder("llama").encode("ΩΨ ΩΨ")
    (note,) = encoder("llama").encode("oil ΩΨ").notes
    assert note.startswith("1 of 3 tokens is unknown to the vocabulary (<unk>)")


@pytest.mark.parametrize("name", NAMES)
def test_pieces_are_labeled_in_letters(name: str) -> None:
    shown = labels(name, "Oil priceses, café \U0001f642\n\nas", "wordpiece")
    assert not set("ĠĊÃ") & set("".join(shown))
    assert not any("<0x" in label for label in shown)


def test_a_piece_that_goes_on_with_a_word_is_marked_as_berts_are() -> None:
    assert labels("bert", "stocksy rise", "wordpiece") == ["stocks", "##y", "rise"]
    assert labels("gpt2", " stocksy rise,", "wordpiece") == ["stocks", "##y", "rise", ","]
    assert labels("albert", "Stocksy rise,", "wordpiece") == ["stocks", "##y", "rise", ","]
    assert labels("gpt2", "é\n\n \U0001f642", "wordpiece")[:4] == ["é", "##é", "↵", "↵"]
    assert labels("llama", "zz Ω", "wordpiece") == ["▁", "z", "##z", "▁", "<unk>"]
    assert labels("one word", "a\tb  c", "wordpiece") == ["▁", "a", "⇥", "b", "▁", "▁", "c"]
