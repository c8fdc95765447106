"""Near copies: found in any script, by the exact index, and quickly."""

import random
import string

import numpy as np
import pytest

from finetune.data.check.minhash import MIN_JACCARD, SHINGLE_CHARS, near_duplicate_pairs, normalized
from finetune.data.check.near_duplicates import find_near_duplicates, near_duplicate_findings
from finetune.data.rows import Rows
from tests.finetune.news import rows_of


def rows(*texts: str, pairs: list[str] | None = None) -> Rows:
    columns = {"text": list(texts), "label": ["a"] * len(texts)}
    return rows_of(columns | ({"text_pair": pairs} if pairs else {}))


def oracle(first: str, second: str) -> float:
    """The Jaccard index of runs of characters, as its definition says."""
    one, two = (
        {text[i : i + SHINGLE_CHARS] for i in range(max(len(text) - SHINGLE_CHARS + 1, 1))}
        for text in (first, second)
    )
    return len(one & two) / len(one | two)


def changed(text: str, chance: random.Random, changes: int) -> str:
    letters = list(text)
    for _ in range(changes):
        letters[chance.randrange(len(letters))] = chance.choice(string.ascii_lowercase)
    return "".join(letters)


def test_pairs_are_those_of_all_pairs_whose_index_is_high_enough() -> None:
    chance = random.Random(0)
    texts: list[str] = []
    for size in range(40, 100):
        text = "".join(chance.choices(string.ascii_lowercase + " ", k=size))
        texts += [" ".join(changed(text, chance, n).split()) for n in (0, 1, 2, 3, 5)]
    index = {(i, j): oracle(texts[i], texts[j]) for j in range(len(texts)) for i in range(j)}
    near = {pair for pair, value in index.items() if value >= MIN_JACCARD}
    found = {(i, j) for i, j in near_duplicate_pairs([texts]).tolist()}
    assert found <= near
    assert len(near) > 100
    assert len(found) >= 0.98 * len(near)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Rates RISE again -- markets calm!", "rates rise again, markets calm"),
        (
            "这家酒店的服务非常好，房间干净，早餐也很丰富。",
            "这家酒店的服务非常好，房间干净，早餐也很丰富！！",
        ),
        (
            "这家酒店的服务非常好房间干净早餐也很丰富下次来北京出差还会选择住在这里",
            "这家酒店的服务非常好房间干净早餐也很丰富下次来北京出差还会选择住在这里吧",
        ),
        ("ｆｕｌｌ width", "full width"),
        ("!!!", " !!!"),
    ],
)
def test_texts_that_are_nearly_the_same_are_found(first: str, second: str) -> None:
    same = normalized(first) == normalized(second)
    assert same or near_duplicate_pairs([[normalized(first), normalized(second)]]).tolist() == [
        [0, 1]
    ]


def test_texts_of_punctuation_alone_are_not_all_the_same() -> None:
    assert normalized(":-)") != normalized(":-(")
    assert near_duplicate_pairs([[":-)", ":-("]]).tolist() == []


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", ["😂\n\n😂", ":  )", "?\r\n!", "- \n -"])
def test_punctuation_on_two_lines_is_compared_as_on_one(text: str) -> None:
    assert near_duplicate_pairs([["a fine day", text, "another one", text]]).tolist() == [[1, 3]]
    assert normalized(text) == " ".join(text.split())


def test_copies_across_splits_are_a_leak_and_within_train_only_noted() -> None:
    train = rows("the cup final was a thrilling game", "The cup final was a thrilling game!", "oil")
    validation = rows("the cup final was a THRILLING game.", "rain in the north of the country")
    found = {f.kind: f for f in near_duplicate_findings({"train": train, "validation": validation})}
    leak, within = found["near copies across splits"], found["near copies within split"]
    assert (leak.severity, leak.count) == ("warning", 1)
    assert (within.severity, within.count) == ("note", 2)
    assert len(within.examples) == 1


def test_copies_within_train_matter_where_validation_is_cut_from_it() -> None:
    (finding,) = near_duplicate_findings(
        {"train": rows("a warm day", "A warm day!", "nothing like it")}
    )
    assert finding.severity == "warning"
    assert "may land on both sides" in finding.sentence


def test_the_same_text_word_for_word_is_no_near_copy() -> None:
    splits = {"train": rows("x y z", "x y z"), "test": rows("x y z")}
    assert list(near_duplicate_findings(splits)) == []


def test_pairs_are_near_only_where_both_texts_are() -> None:
    long = "the minister said that talks on peace will go on in the spring of next year"
    hypotheses = ["talks go on", "Talks go on.", "there is no peace in sight"]
    copies = find_near_duplicates({"train": rows(long, long, long, pairs=hypotheses)})
    assert len(copies.between("train", "train")) == 2


def test_every_copy_in_a_crowd_of_copies_is_counted() -> None:
    crowd = [
        f"please call number {i} now to collect the prize that you have won today"
        for i in range(300)
    ]
    copies = find_near_duplicates({"train": rows(*crowd[:250]), "test": rows(*crowd[250:])})
    assert len(copies.between("train", "train")) == 250
    assert len(copies.between("test", "train")) >= 45


def test_texts_shorter_than_a_run_and_no_texts_at_all() -> None:
    assert near_duplicate_pairs([["a", "b", "ab"]]).tolist() == []
    assert near_duplicate_pairs([[]]).shape == (0, 2)
    assert near_duplicate_pairs([["alone"]]).dtype == np.int64
