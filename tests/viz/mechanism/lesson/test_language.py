"""The lesson in two languages: the same keys and placeholders, all of them filled, none idle."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tiny_models import tiny_checkpoint
from viz import Classifier, Reading
from viz.errors import SelectionError
from viz.mechanism.lesson import language as language_module
from viz.mechanism.lesson.claim import Claim
from viz.mechanism.lesson.language import (
    LANGUAGES,
    Language,
    language,
    placeholders,
    sentences_of,
)
from viz.mechanism.lesson.lesson import STEP_KEYS, lesson
from viz.mechanism.lesson.lesson_step import LessonStep

SOURCE = Path(language_module.__file__).parent
IDEOGRAPH = "[\u4e00-\u9fff]"


def texts(code: str) -> dict[tuple[str, ...], str]:
    return dict(sentences_of(language(code).texts))


def everything(words: Language, steps: Iterator[LessonStep]) -> Iterator[str]:
    """All that is said of a lesson, each claim also as if its verdict were the other one."""
    for step in steps:
        yield words.title(step.key)
        yield from words.sentences(step)
        yield from (words.caption(step, picture) for picture in step.pictures)
        for claim in step.claims:
            verdicts = [None] if claim.holds is None else [False, True]
            for one in [replace(claim, holds=verdict) for verdict in verdicts]:
                written = words.claim(one)
                yield from (written.verdict, written.statement, written.numbers)


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    english, chinese = texts("en"), texts("zh")
    assert english.keys() == chinese.keys()
    different = [key for key in english if placeholders(english[key]) != placeholders(chinese[key])]
    assert different == []


def test_both_languages_are_written_as_they_should_be() -> None:
    assert [key for key, text in texts("en").items() if re.search(IDEOGRAPH, text)] == []
    names = {("terms", name) for name in language("zh").texts["terms"]} | {("name",)}
    for key, text in texts("zh").items():
        assert re.search(IDEOGRAPH, text) or key in names or not texts("en")[key], key
        assert not re.search(f"{IDEOGRAPH}[,;:?!()]|[,;:?!()]{IDEOGRAPH}", text), key


def test_there_are_about_ten_steps_in_the_order_of_the_file() -> None:
    assert len(STEP_KEYS) == 10
    assert tuple(language("en").texts["steps"]) == STEP_KEYS
    assert STEP_KEYS[0] == "words"
    assert STEP_KEYS[-1] == "explanation"


@pytest.mark.parametrize("table", ["reasons", "claims"])
def test_every_reason_and_claim_is_one_that_the_code_can_give(table: str) -> None:
    code = "".join(file.read_text("utf-8") for file in sorted(SOURCE.glob("*.py")))
    assert [key for key in language("en").texts[table] if f'"{key}"' not in code] == []


def test_every_placeholder_is_filled(classifier: Classifier, reading: Reading) -> None:
    pair = classifier.read("oil prices", "the team wins a game")
    for one in (reading, pair, classifier.read("oil")):
        steps = lesson(classifier, one)
        for code in LANGUAGES:
            for text in everything(language(code), iter(steps)):
                assert text
                assert not re.search(r"[{}]|\bnan\b|None", text)


@pytest.mark.parametrize(
    ("labels", "problem_type"),
    [(("a", "b", "c"), "multi_label_classification"), (("stars",), "regression")],
)
def test_other_heads_are_spoken_of_as_what_they_are(
    tmp_path: Path, labels: tuple[str, ...], problem_type: str
) -> None:
    folder = tiny_checkpoint(tmp_path / "head", labels=labels, problem_type=problem_type)
    classifier = Classifier.load(folder)
    steps = lesson(classifier, classifier.read("oil prices rise"))
    for code, score in (("en", "score"), ("zh", "分数")):
        written = "\n".join(everything(language(code), iter(steps)))
        assert not re.search(r"[{}]|\bnan\b", written)
        if problem_type == "regression":
            assert "stars" in written
            assert score in written
            assert "logit" not in " ".join(language(code).sentences(steps.step("class")))


def test_a_word_of_the_text_is_escaped_and_a_number_is_not() -> None:
    words = language("en", lambda word: f"<{word}>")
    claim = Claim(
        "vocabulary_row", True, {"n_agreeing": 1200, "n_tokens": 1200, "token": "*", "id": "7"}
    )
    assert words.claim(claim).numbers == (
        "Looked up again, 1,200 of 1,200 ids give their tokens back; <7> gives “<*>”."
    )


@pytest.mark.parametrize(
    ("spec", "value", "written"),
    [
        ("", 0.00012345, "0.000123"),
        ("", -2.5, "−2.50"),
        ("+", 0.5, "+0.500"),
        ("%", 0.5, "50%"),
        ("%", 0.12345, "12.3%"),
        ("g", 0.01, "0.01"),
        ("", 12345, "12,345"),
    ],
)
def test_numbers_are_written_alike_in_both(spec: str, value: float, written: str) -> None:
    for code in LANGUAGES:
        filled = language(code)._fill(f"{{value:{spec}}}", {"value": value})
        assert filled == written


def test_another_language_is_refused() -> None:
    with pytest.raises(SelectionError, match="its languages are en, zh"):
        language("fr")
