"""The check of labels: how they are written, and which classes a split lacks or has throughout."""

import random
import time
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, List
from typer.testing import CliRunner, Result

from finetune.__main__ import app
from finetune.data.check import CheckReport, check_splits
from finetune.data.check.invisible_characters import quoted
from finetune.data.check.label_typos import is_one_typo, typo_findings
from finetune.data.source_rows import find_splits
from finetune.data.splits import load_splits
from finetune.run.config import TrainConfig
from tests.finetune.data.check.test_splits import Row, check, of_kind, relabeled, sentence
from tests.finetune.news import news, write_csv, write_jsonl


def texts(labels: list[Any], *, seed: int = 0) -> list[Row]:
    """A row for each label, no two texts alike."""
    chance = random.Random(seed)
    return [
        {"text": f"{i * 7919} {chance.random():.9f} {i**4} {seed}", "label": label}
        for i, label in enumerate(labels)
    ]


# --- classes that a split lacks or has throughout ------------------------------------------------


def test_a_held_out_split_without_a_class_is_a_warning(tmp_path: Path) -> None:
    train, held_out = texts(["bad", "good"] * 20), texts(["bad"] * 8, seed=1)
    report = check(tmp_path, train, validation=held_out, test=texts(["bad", "good"], seed=2))
    assert not report.fatal
    assert sentence(report, "class lacking in split") == (
        "Validation has rows of 'bad' alone and no row of 'good', so results on it say"
        " nothing about this class."
    )
    assert report.warnings()[0].startswith("Validation has rows of 'bad' alone")


def test_many_lacking_classes_are_counted(tmp_path: Path) -> None:
    names = [f"class {letter}{other}" for letter in "abcde" for other in "vwxyz"]
    held_out = texts(["CLASS AV", "class bw"] * 2, seed=1)
    report = check(tmp_path, texts(names * 10), test=held_out)
    (finding,) = of_kind(report, "class lacking in split")
    assert (finding.severity, finding.count) == ("warning", 23)
    assert "has no row of 'class aw', 'class ax'" in finding.sentence
    assert "and 18 more, so" in finding.sentence


def test_lists_lack_a_class_too(tmp_path: Path) -> None:
    train = texts([["a"], ["b"], ["a", "b"], []] * 5)
    report = check(tmp_path, train, validation=texts([["a"], []], seed=1))
    assert "no row of 'b'" in sentence(report, "class lacking in split")


def test_a_cut_split_that_lacks_a_class_says_so(tmp_path: Path) -> None:
    """The one text of the third class has the other two as well."""
    rows = texts(["a", "b"] * 20)
    rows += [rows[0] | {"label": "c"}, rows[1] | {"label": "c"}]
    data = write_csv(tmp_path / "x.csv", rows)
    splits = load_splits(TrainConfig(data=(str(data),), model="", output=Path("out")))
    lacking = {name for name, count in splits.validation.counts("abc").items() if not count}
    notes = [note for note in splits.notes if "no row of" in note]
    assert len(notes) == bool(lacking)
    assert all(repr(name) in notes[0] for name in lacking)


def test_a_class_that_all_rows_have_is_a_warning(tmp_path: Path) -> None:
    report = check(tmp_path, texts([["news", "a"], ["news", "b"], ["news"]] * 5))
    assert not report.fatal
    assert sentence(report, "class in every row") == (
        "Every row of train has the class 'news'; a model that always gives it is right, so it says"
        " nothing; leave it out."
    )


def test_the_same_classes_in_all_rows_stop(tmp_path: Path) -> None:
    report = check(tmp_path, texts([["a", "b"], ["b", "a"]] * 5))
    assert report.verdict() == (
        "Every row of train has the classes 'a', 'b'; there is nothing to learn"
    )


# --- how labels are written ----------------------------------------------------------------------


def test_invisible_characters_are_shown_by_their_numbers(tmp_path: Path) -> None:
    report = check(tmp_path, relabeled(news(60), "Sports", "Spo\u200brts", 20))
    assert not report.fatal
    assert sentence(report, "invisible characters") == (
        "Labels hold characters that can't be seen, ZERO WIDTH SPACE: 'Spo\\u200brts' 20."
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("bad", "'bad'"),
        ("it's", '"it\'s"'),
        ("ba\ufe0fd", "'ba\\ufe0fd'"),
        ("ba\u00a0d", "'ba\\xa0d'"),
        ("be\u0301", "'be\\u0301'"),
        ("b\u00e9", "'b\u00e9'"),
        ("x" * 80, f"'{'x' * 59}…'"),
    ],
)
def test_a_name_is_quoted_so_that_what_differs_is_seen(name: str, shown: str) -> None:
    assert quoted(name) == shown


@pytest.mark.parametrize(
    ("word", "severity"),
    [("nan", "warning"), ("NaN", "warning"), ("<NA>", "warning"), ("null", "warning"),
     ("N/A", "note"), ("none", "note"), ("-", "note"), ("?", "note"), ("Unknown", "note")],
)  # fmt: skip
def test_a_word_for_missing_is_said(tmp_path: Path, word: str, severity: str) -> None:
    report = check(tmp_path, relabeled(news(60), "Sports", word, 4))
    (finding,) = of_kind(report, "word for missing")
    assert (finding.severity, finding.count) == (severity, 4)
    assert finding.sentence == (
        f"{word!r} 4: looks like a missing label, but is learned as a class; leave the label empty"
        " where there is none."
    )


def test_classes_with_such_words_in_them_are_none(tmp_path: Path) -> None:
    report = check(tmp_path, relabeled(news(60), "Sports", "none of these", 4))
    assert not of_kind(report, "word for missing")


@pytest.mark.parametrize(
    "labels",
    [
        ["1,5", "2,5", "3,0"],
        ["1,5", "2", "3"],
        ["1,234.5", "2", "1,000"],
        ["10%", "20%", "30%"],
        ["$5", "$7.50", "$3"],
        ["1 000,5", "2 000", "3"],
        ["1,5", "n/a", "3"],
    ],
)
def test_numbers_in_another_form_are_said(tmp_path: Path, labels: list[str]) -> None:
    report = check(tmp_path, texts(labels * 5))
    assert sentence(report, "numbers as classes").endswith(
        "look like numbers with a decimal comma or a sign, but are read as names of classes; to"
        " predict numbers, write them like 1234.5."
    )


def test_one_word_among_fractions_makes_them_classes_and_is_said(tmp_path: Path) -> None:
    report = check(tmp_path, texts(["1.5", "2.5", "N/A"] * 5))
    assert sentence(report, "numbers as classes").startswith("All labels but 'N/A' are numbers, so")


@pytest.mark.parametrize("labels", [["1.2.3", "1.2.4"], ["1", "2"], ["a,b", "c"], ["5-7", "8-9"]])
def test_other_names_are_no_numbers(tmp_path: Path, labels: list[str]) -> None:
    assert not of_kind(check(tmp_path, texts(labels * 5)), "numbers as classes")


def test_several_classes_in_one_label_are_said(tmp_path: Path) -> None:
    report = check(tmp_path, texts(["a", "b", "a, b", "c;d"] * 5))
    assert sentence(report, "several classes in one label").startswith("'a, b' 5: each is read as")


def test_joined_classes_that_recur_only_in_others_are_said(tmp_path: Path) -> None:
    report = check(tmp_path, texts(["a|b", "b|c", "c|a", "d"] * 5))
    assert sentence(report, "several classes in one label").startswith("'a|b' 5, 'b|c' 5, 'c|a' 5:")


@pytest.mark.parametrize(
    "labels", [["toys, games", "food, drink"], ["Arts, Crafts", "Arts, Music"], ["1,5", "5,1"]]
)
def test_names_with_commas_are_one_class(tmp_path: Path, labels: list[str]) -> None:
    report = check(tmp_path, texts(labels * 5))
    assert not of_kind(report, "several classes in one label")


# --- numbers ------------------------------------------------------------------------------------


def test_numbers_from_one_are_noted(tmp_path: Path) -> None:
    report = check(tmp_path, texts(["1", "2", "3"] * 5))
    assert sentence(report, "numbers from one").startswith(
        "The classes are numbers counted from 1, '1' to '3'"
    )
    for other in (["0", "1"], ["1", "3"], ["a", "1"]):
        assert not of_kind(check(tmp_path, texts(other * 5)), "numbers from one")


@pytest.mark.parametrize(("own", "other"), [("012", "123"), ("123", "012")])
def test_splits_that_count_from_zero_and_from_one_stop(
    tmp_path: Path, own: str, other: str
) -> None:
    report = check(tmp_path, texts([*own] * 5), validation=texts([*other] * 2, seed=1))
    assert report.fatal
    assert sentence(report, "class unknown to train").endswith(
        "a class of validation (either train or validation numbers classes from 0 and the other"
        " from 1); write it as in train, or add such rows to train."
    )


def test_files_that_count_from_zero_and_from_one_are_said(tmp_path: Path) -> None:
    paths = [
        str(write_csv(tmp_path / f"{labels}.csv", texts([*labels] * 5, seed=int(labels))))
        for labels in ("012", "123")
    ]
    config = TrainConfig(data=tuple(paths), model="", output=Path("out"))
    assert "so that one number may stand for two classes" in sentence(
        check_splits(find_splits(config)), "numbers of files"
    )


@pytest.mark.parametrize(
    ("numbers", "severity", "end"),
    [
        ([0, 1, 2], "note", "read as those of train: 0 = World, 1 = Sports, 2 = Tech."),
        ([1, 2], "warning", "every class is one off: subtract 1 from each or write the names."),
    ],
)
def test_numbers_of_a_held_out_split_are_told_by_their_names(
    tmp_path: Path, numbers: list[int], severity: str, end: str
) -> None:
    names = ["World", "Sports", "Tech"]
    train = [row | {"label_name": names[row["label"]]} for row in texts([0, 1, 2] * 5)]
    report = check(tmp_path, train, validation=texts(numbers * 2, seed=1))
    (finding,) = of_kind(report, "numbers read as classes")
    assert finding.severity == severity
    assert finding.sentence.endswith(end)


def test_a_held_out_word_for_missing_is_hinted_at(tmp_path: Path) -> None:
    validation = relabeled(news(66)[60:], "Sports", "nan", 1)
    report = check(tmp_path, news(60), validation=validation)
    assert "('nan' looks like a missing label: leave it empty then)" in report.verdict()


def test_the_last_line_counts_what_is_listed_above_by_the_same_names(tmp_path: Path) -> None:
    report = check(tmp_path, [*news(30), *({"text": " ", "label": "World"},)])
    *_, last = report.describe().splitlines()
    assert last == f"0 stops, {len(report.findings)} warning, 0 notes."


# --- columns ------------------------------------------------------------------------------------


def test_columns_are_said_and_texts_that_are_left_unread(tmp_path: Path) -> None:
    rows = [row | {"summary": f"a short word on it {i}"} for i, row in enumerate(news(30))]
    report = check(tmp_path, rows)
    said = "Columns: text 'text', label 'label'; left unread: 'summary', which looks like texts."
    assert said in report.describe().splitlines()
    told = report.to_dict()
    assert told["reads"] == [said]
    (columns,) = told["columns"]
    assert columns == {
        "of": "train in 'rows.jsonl'", "text": "text", "pair": None, "label": "label",
        "label_name": None, "unread": ["summary"],
    }  # fmt: skip


def test_columns_that_differ_are_said_file_by_file(tmp_path: Path) -> None:
    held_out = [{"sentence": row["text"], "label": row["label"]} for row in news(36)[30:]]
    report: CheckReport = check(tmp_path, news(30), validation=held_out)
    assert report.to_dict()["reads"] == [
        "Columns of train in 'rows.jsonl': text 'text', label 'label'.",
        "Columns of validation in 'validation.jsonl': text 'sentence', label 'label'.",
    ]


# --- many classes -------------------------------------------------------------------------------


def test_thousands_of_classes_are_checked_without_holding_each_against_all(tmp_path: Path) -> None:
    """All pairs of these names would be looked at for minutes."""
    chance = random.Random(0)
    words = ["".join(chance.choices("abcdefghij", k=9)) for _ in range(5_000)]
    counts = {word: 30 if i % 2 else 3 for i, word in enumerate(words)}
    counts["x" + words[1][1:]] = 2
    started = time.perf_counter()
    assert len(list(typo_findings(counts, str.casefold))) == 1
    assert time.perf_counter() - started < 20
    assert is_one_typo("Sprots", "Sports")
    train = texts([word for word in words for _ in range(2)])
    held_out = texts([word + "!" for word in words], seed=1)
    report = check(tmp_path, train, test=held_out)
    assert max(len(finding.sentence) for finding in report.findings) < 600
    assert len(report.describe().splitlines()) < 60


def test_long_labels_are_cut_where_they_are_told(tmp_path: Path) -> None:
    rows = write_jsonl(tmp_path / "x.jsonl", texts(["y" * 5_000, "z" * 5_000]))
    assert rows.is_file()
    report = check(tmp_path, texts(["y" * 5_000, "z" * 5_000] * 2))
    assert max(len(finding.sentence) for finding in report.findings) < 400


# --- classes by number ---------------------------------------------------------------------------


def numbered(numbers: list[Any], names: list[str]) -> Dataset:
    """Rows whose labels have names by number; nobody looks whether each number has one."""
    data = Dataset.from_list(texts(numbers))
    feature = ClassLabel(names=names)
    return data.cast_column("label", List(feature) if isinstance(numbers[0], list) else feature)


def checked(path: Path) -> Result:
    return CliRunner().invoke(app, ["check", "--data", str(path)])


@pytest.mark.parametrize("kind", ["saved", "parquet"])
@pytest.mark.parametrize("labels", [[5, 0, 1], [[5], [0], [1]]])
def test_a_class_number_out_of_range_is_one_sentence(
    tmp_path: Path, kind: str, labels: list[Any]
) -> None:
    data, path = numbered(labels * 5, ["a", "b", "c"]), tmp_path / "x.parquet"
    if kind == "saved":
        path = tmp_path / "saved"
        data.save_to_disk(path)
    else:
        data.to_parquet(path)
    result = checked(path)
    assert result.exit_code == 1
    assert result.stderr == (
        "column 'label' holds the class number 5, but it has names for 3 classes, 0 to 2; correct"
        " the number or add its name\n"
    )


def test_two_class_numbers_of_one_name_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    numbered([0, 1, 2] * 5, ["aaa", "aab", "c"]).to_parquet(path)
    path.write_bytes(path.read_bytes().replace(b'"aab"', b'"aaa"'))
    result = checked(path)
    assert result.exit_code == 1
    assert result.stderr == (
        "column 'label' calls two of its class numbers 'aaa'; give each its own name\n"
    )


def test_names_that_numbers_have_are_read_from_either(tmp_path: Path) -> None:
    data = numbered([[0, 2], [1], []] * 5, ["a", "b", "c"])
    data.to_parquet(tmp_path / "x.parquet")
    data.save_to_disk(tmp_path / "saved")
    first, second = (
        find_splits(TrainConfig(data=(str(tmp_path / name),), model="", output=Path("out")))
        for name in ("x.parquet", "saved")
    )
    assert first.rows["train"] == second.rows["train"]
    assert first.rows["train"].labels[0] == ("a", "c")


# --- texts ---------------------------------------------------------------------------------------


def test_texts_that_mean_missing_are_noted(tmp_path: Path) -> None:
    rows = [*news(30), {"text": "nan", "label": "World"}, {"text": "N/A", "label": "Sports"}]
    (finding,) = of_kind(check(tmp_path, rows), "text for missing")
    assert (finding.severity, finding.count) == ("warning", 2)
    assert finding.sentence == (
        "Texts in train that look like missing values: 'nan' 1, 'N/A' 1; leave them empty, and such"
        " rows are left out."
    )
