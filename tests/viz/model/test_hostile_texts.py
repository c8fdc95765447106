"""Hostile texts are read or refused in one sentence, whatever is done with them."""

from pathlib import Path

import pytest

from tests.family_tokenizers import family_tokenizer
from tests.hostile_texts import KINDS, hostile_texts, see_all
from tests.tiny_models import with_tokenizer
from viz import Classifier
from viz.errors import VizError


def test_hostile_texts_are_read_and_viewed_or_refused_in_a_sentence(classifier: Classifier) -> None:
    seen, refusals = set(), []
    for index, (kind, text, pair) in enumerate(hostile_texts(2 * len(KINDS), seed=1)):
        seen.add(kind)
        try:
            see_all(classifier, text, pair, drawn=index == 6, method="decomposition")
        except VizError as error:
            refusals.append(str(error))
    assert seen == set(KINDS)
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in refusals)


@pytest.mark.parametrize("kind", ["gpt2", "xlnet"])
def test_hostile_texts_are_read_by_other_kinds_of_tokenizers(tmp_path: Path, kind: str) -> None:
    other = Classifier.load(with_tokenizer(tmp_path / kind, family_tokenizer(kind)))
    refusals = []
    for index, (_, text, pair) in enumerate(hostile_texts(len(KINDS), seed=2)):
        try:
            see_all(other, text, pair, drawn=index == 6, method="decomposition")
        except VizError as error:
            refusals.append(str(error))
    assert len(refusals) < len(KINDS) / 2
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in refusals)


def test_a_text_of_20_000_words_is_read_and_viewed(classifier: Classifier) -> None:
    see_all(classifier, "oil prices " * 10_000, None, drawn=False, method="decomposition")


@pytest.mark.parametrize("text", ["\ud800", "\ufffe\uffff", "\x00", "\u202e", "\u0301" * 500])
def test_a_text_of_nothing_that_is_written_is_one_sentence(
    classifier: Classifier, text: str
) -> None:
    with pytest.raises(VizError, match=r"^[^\n]+\.$"):
        see_all(classifier, text, None, drawn=False, method="decomposition")
